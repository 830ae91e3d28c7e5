"""Header blocks of gRPC calls, as small as real clients make them."""

from __future__ import annotations

from hpack import Decoder, Encoder

from .plan import Call, Plan, changing_headers


class RequestHeaders:
    """What stays the same is in the table of the connection after the first call.

    Headers that change are literals, as grpcio's clients send them, or new entries of the table, as those of Go do.
    """

    def __init__(self, plan: Plan, call: Call, start: int) -> None:
        self._changing = plan.changing
        self._number = start
        self._encoder = Encoder()
        self._same = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", call.path),
            (":authority", f"127.0.0.1:{plan.port}"),
            ("te", "trailers"),
            *call.headers,
        ]
        encoder = Encoder()
        self._first = encoder.encode(self._same)
        self._later = encoder.encode(self._same)

    def encode(self) -> bytes:
        if self._changing == "indexed":
            # The places of older entries move with each new one, so no block can be kept.
            return self._encoder.encode([*self._same, *self._next_changing()])
        block, self._first = self._first or self._later, b""
        if self._changing == "literal":
            block += b"".join(
                _literal(name.encode(), value.encode()) for name, value in self._next_changing()
            )
        return block

    def _next_changing(self) -> list[tuple[str, str]]:
        self._number += 1
        deadline = ("grpc-timeout", f"{20_000 + self._number % 9_999}m")
        return [deadline, *changing_headers(self._number)]


class AnswerHeaders:
    """Decodes as little as it must: a block means the same again until one changes the table."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._known: dict[bytes, dict[str, str]] = {}

    def decode(self, block: bytes) -> dict[str, str]:
        """The headers, or of those that end a good answer the status alone."""
        known = self._known.get(block)
        if known is not None:
            return known
        changes_table = _changes_table(block)
        if _STATUS_OK in block and not changes_table:
            return _OK
        headers = {str(name): str(value) for name, value in self._decoder.decode(block)}
        if changes_table:
            self._known.clear()
        else:
            self._known[block] = headers
        return headers


_STATUS_OK = b"\0\x0bgrpc-status\x010"
_OK = {"grpc-status": "0"}


def _changes_table(block: bytes) -> bool:
    """Whether a block may have more than short pointers into the table and short literals that stay out of it."""
    position = 0
    while position < len(block):
        first = block[position]
        position += 1
        if first & 0x80:
            if first == 0xFF:
                return True
            continue
        if first & 0x60:
            return True
        strings = 2 if first & 0x0F == 0 else 1
        if first & 0x0F == 0x0F:
            position += 1
        for _ in range(strings):
            length = block[position] & 0x7F
            if length == 0x7F:
                return True
            position += 1 + length
    return False


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\0%c%b%c%b" % (len(name), name, len(value), value)
