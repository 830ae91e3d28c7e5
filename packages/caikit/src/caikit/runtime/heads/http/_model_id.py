"""Which model the body of a request names, for those who do not read the rest."""

from __future__ import annotations

import msgspec

from caikit.runtime.engine import RequestContext


class _Body(msgspec.Struct):
    model_id: str = ""


_parse = msgspec.json.Decoder(_Body).decode


def find_body_model_id(context: RequestContext, body: bytes) -> str | None:
    """None for what cannot be read."""
    try:
        return _parse(body).model_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
