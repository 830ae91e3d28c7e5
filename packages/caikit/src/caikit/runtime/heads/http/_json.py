"""JSON as it leaves the server: also numbers for which JSON has no word are valid."""

from __future__ import annotations

import json
from typing import Any

from caikit.core.data_model._codec import encode_json


def finite_json(result: Any) -> bytes:
    """The JSON text of a data object; NaN and the infinities are strings, as in the JSON of protobuf."""
    text = encode_json(result)
    if b"NaN" in text or b"Infinity" in text:
        return json.dumps(json.loads(text, parse_constant=str)).encode()
    return text


def compact_json(result: Any) -> bytes:
    """The same without blanks."""
    content = json.loads(encode_json(result), parse_constant=str)
    return json.dumps(content, separators=(",", ":")).encode()
