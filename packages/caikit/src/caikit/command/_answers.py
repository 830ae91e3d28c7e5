"""What is done with the answers of a server: shown, cut out, saved."""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import Any

from ._errors import CommandError
from ._output import Output
from ._rpc import Rpc
from ._server import FileAnswer
from ._terminal import visible_text
from ._types import ListOf, MapOf, Message, Scalar, Type, Union


class Answers:
    """Shows or saves one answer after the other."""

    def __init__(self, rpc: Rpc, options: argparse.Namespace) -> None:
        self._type: Type = rpc.output
        self._streaming = rpc.output_streaming
        self._field: str | None = options.field
        self._path: str | None = options.output
        self._json: bool = getattr(options, "json", False)
        self._output = Output(options)
        self._saved = False

    def add(self, answer: Any) -> None:
        value, type_ = answer, self._type
        if isinstance(answer, FileAnswer):
            if self._field is not None:
                raise CommandError(f"The answer is a file ({answer.media_type}), which has no fields")
            self._bytes(answer.content, answer.media_type)
            return
        for part in (self._field or "").split(".") if self._field else ():
            value, type_ = _step(value, type_, part, self._field or "")
        content = _bytes_in(value, type_)
        if content is not None and (self._path is not None or self._field is not None):
            self._bytes(content, str(type_))
        elif self._path is not None:
            self._save(_as_text(value, self._field).encode("utf-8", "backslashreplace") + b"\n")
        elif self._field is not None and isinstance(value, str) and not self._json:
            self._output.line(visible_text(value) if self._output.terminal else value)
        elif self._streaming:
            self._output.item(value)
        else:
            self._output.document(value)

    def _bytes(self, content: bytes, kind: str) -> None:
        if self._path is not None:
            self._save(content)
        elif self._json:
            self._output.document({"type": kind, "data": base64.b64encode(content).decode()})
        elif self._output.terminal:
            raise CommandError(f"The answer is {len(content)} bytes ({kind}); save them with --output FILE")
        else:
            self._output.content(content)

    def _save(self, content: bytes) -> None:
        # Not before there is something to write: a call that fails leaves an older file alone.
        with Path(self._path or "").open("ab" if self._saved else "wb") as file:
            file.write(content)
        self._saved = True


def show_part(output: Output, value: Any, path: str, *, as_json: bool = False) -> None:
    """Show what `--field` names of a JSON value."""
    for part in path.split("."):
        value, _ = _step(value, Scalar("any"), part, path)
    if isinstance(value, str) and not as_json:
        output.line(visible_text(value) if output.terminal else value)
    else:
        output.document(value)


def _as_text(value: Any, field: str | None) -> str:
    return value if field is not None and isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bytes_in(value: Any, type_: Type) -> bytes | None:
    if isinstance(type_, Message) and type_.is_file and isinstance(value, dict):
        value, type_ = value.get("data") or "", Scalar("bytes")
    if type_ != Scalar("bytes") or not isinstance(value, str):
        return None
    return base64.b64decode(value)


def _step(value: Any, type_: Type, part: str, path: str) -> tuple[Any, Type]:
    """One part of the path further in."""
    unknown = Scalar("any")
    if isinstance(value, list) and part.lstrip("-").isdigit() and -len(value) <= int(part) < len(value):
        return value[int(part)], type_.item if isinstance(type_, ListOf) else unknown
    if isinstance(value, dict) and part in value:
        if isinstance(type_, MapOf):
            return value[part], type_.value
        return value[part], _field_type(type_, part) or unknown
    raise CommandError(f"The answer has no {path}: there is no {part!r} in {_shape(value)}")


def _field_type(type_: Type, name: str) -> Type | None:
    if not isinstance(type_, Message):
        return None
    if name in type_.fields:
        return type_.fields[name].type
    for field in type_.fields.values():
        if isinstance(field.type, Union):
            for member in field.type.members:
                if member.name == name:
                    return member.type
    return None


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with {', '.join(value) or 'nothing'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return json.dumps(value)
