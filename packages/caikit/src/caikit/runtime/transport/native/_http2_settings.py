"""What the two sides of an HTTP/2 connection allow each other."""

from __future__ import annotations

from collections.abc import Iterable

from . import _frames as frames
from ._header_decoder import DEFAULT_TABLE_SIZE
from ._limits import MAX_FRAME, Limits


def own_settings(limits: Limits) -> dict[int, int]:
    return {
        frames.SETTINGS_MAX_CONCURRENT_STREAMS: limits.max_streams,
        frames.SETTINGS_INITIAL_WINDOW_SIZE: limits.stream_window,
        frames.SETTINGS_MAX_HEADER_LIST_SIZE: limits.head_bytes,
    }


class PeerSettings:
    """What the client allows us."""

    __slots__ = ("_said_no_table", "_table_size", "initial_window")

    def __init__(self) -> None:
        self.initial_window = frames.DEFAULT_WINDOW
        self._table_size = DEFAULT_TABLE_SIZE
        self._said_no_table = False

    def update(self, settings: Iterable[tuple[int, int]]) -> int:
        """Take new settings; returns by how much the windows of the streams have grown."""
        before = self.initial_window
        for key, value in settings:
            if key == frames.SETTINGS_INITIAL_WINDOW_SIZE:
                if value > frames.LARGEST_WINDOW:
                    raise frames.ConnectionFault(frames.FLOW_CONTROL_ERROR, "a window of a wrong size")
                self.initial_window = value
            elif key == frames.SETTINGS_HEADER_TABLE_SIZE:
                self._table_size = min(self._table_size, value)
            elif key == frames.SETTINGS_MAX_FRAME_SIZE:
                # We send no larger frames than the smallest size that may be set.
                if not MAX_FRAME <= value <= frames.LARGEST_FRAME:
                    raise frames.ConnectionFault(frames.PROTOCOL_ERROR, "a frame size out of range")
            elif key == frames.SETTINGS_ENABLE_PUSH and value > 1:
                raise frames.ConnectionFault(frames.PROTOCOL_ERROR, "a setting out of range")
        return self.initial_window - before

    def shrinks_table(self) -> bool:
        """True once, when the client wants a smaller table than the one that every client has at first."""
        if self._said_no_table or self._table_size >= DEFAULT_TABLE_SIZE:
            return False
        self._said_no_table = True
        return True
