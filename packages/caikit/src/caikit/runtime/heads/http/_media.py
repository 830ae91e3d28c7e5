"""Media types, as in content-type headers."""

from __future__ import annotations

JSON = "application/json"
FORM = "multipart/form-data"
LINES = "application/x-ndjson"


def parse_media_type(header: bytes | None) -> str:
    """The type without its parameters, in lower case; empty when there is no header."""
    if header is None:
        return ""
    return header.partition(b";")[0].strip().lower().decode("latin-1")


def find_parameter(header: bytes, name: str) -> str | None:
    """A parameter of a media type, such as the boundary of a form."""
    from python_multipart.multipart import parse_options_header

    _, parameters = parse_options_header(header)
    value = parameters.get(name.encode())
    return None if value is None else value.decode("latin-1")
