"""Request lines and headers of HTTP/1.1."""

from __future__ import annotations

import httptools

from caikit.runtime.transport.http_messages import HeaderList


def read_target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query."""
    if url.startswith(b"/") and not url.startswith(b"//"):
        path, _, query = url.partition(b"?")
        return path, query.partition(b"#")[0]
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        raise ValueError("no target") from None
    return parsed.path or b"/", parsed.query or b""


def head_without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: HeaderList) -> bytes:
    """The head of a request whose client would like another protocol, but does not need it."""
    lines = [b"%b %b HTTP/%b" % (parser.get_method(), url, parser.get_http_version().encode())]
    for name, value in headers:
        if name == b"connection":
            kept = [token for token in value.split(b",") if token.strip().lower() != b"upgrade"]
            lines.append(b"connection: " + b",".join(kept))
        elif name != b"upgrade":
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])
