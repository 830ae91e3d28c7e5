"""The message of a WebSocket that comes in pieces."""

from __future__ import annotations

from caikit.runtime.engine.byte_budget import COUNTED_BYTES, Account, ByteBudget

FRAMES_AT_ONCE = 256
"""Hundreds of thousands of small ones may lie in what is read at once: meanwhile, other clients have their turns."""


class Pieces:
    """Collects one message after the other; a large one that is not complete is memory that counts."""

    def __init__(self, bytes_held: ByteBudget | None) -> None:
        self._data = bytearray()
        self._account: Account | None = None if bytes_held is None else bytes_held.open()
        self._counted = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def add(self, piece: str | bytes | bytearray, *, last: bool) -> None:
        """Raises RequestError when the server holds too much; what is complete is counted by who gets it."""
        self._data += piece.encode() if isinstance(piece, str) else piece
        if not last and self._account is not None and self.size > COUNTED_BYTES:
            self._account.take(self.size - self._counted)
            self._counted = self.size

    def take(self) -> bytes:
        """The whole message."""
        whole = bytes(self._data)
        self.clear()
        return whole

    def clear(self) -> None:
        self._data = bytearray()
        self._counted = 0
        if self._account is not None:
            self._account.give_back()
