"""Results that answer with a file instead of JSON."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from urllib.parse import quote

from caikit.core.data_model import DataObjectBase
from caikit.runtime.transport.http_messages import HttpAnswer

from ._media import JSON

_DEFAULT_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=(\"[^\"\\\x00-\x1f]*\"|[\w!#$&^.+-]+))*", re.ASCII
)
_REFUSED = re.compile(r";\s*q=0(\.0*)?\s*(;|$)", re.IGNORECASE)


def answers_with_file(response: type[DataObjectBase]) -> bool:
    return response.to_file is not DataObjectBase.to_file


def wants_json(accept: str | None) -> bool:
    """An `Accept` header names JSON, and nothing that a file could be."""
    if accept is None:
        return False
    wanted = [
        part.partition(";")[0].strip().lower() for part in accept.split(",") if not _REFUSED.search(part)
    ]
    return bool(wanted) and all(kind == JSON for kind in wanted)


def file_answer(result: Any) -> HttpAnswer:
    buffer = BytesIO()
    described = result.to_file(buffer)
    name = getattr(described, "filename", None)
    type_ = getattr(described, "type", None)
    if not type_ or not _MEDIA_TYPE.fullmatch(type_):
        type_ = _DEFAULT_TYPE
    return HttpAnswer(
        200,
        buffer.getvalue(),
        [(b"content-type", type_.encode("latin-1")), (b"content-disposition", _disposition(name))],
    )


def _disposition(name: str | None) -> bytes:
    """A content-disposition header; the name may come from a client, so it must not be able to add headers."""
    if not name:
        return b"attachment"
    printable = "".join(character for character in name if character.isprintable())
    plain = printable.encode("ascii", "replace").decode().replace("\\", "_").replace('"', "_")
    header = f'attachment; filename="{plain}"'
    if plain != name:
        header += f"; filename*=UTF-8''{quote(printable, safe='')}"
    return header.encode("ascii")
