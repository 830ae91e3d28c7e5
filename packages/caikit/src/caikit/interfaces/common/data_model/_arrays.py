"""Arrays out of protobuf messages."""

from __future__ import annotations

from typing import Any


def array_of(message: Any, dtype: str) -> Any:
    """The packed field `values` of a message as an array, copied as one block."""
    import numpy as np

    number_type = np.dtype(dtype).newbyteorder("<")
    count = len(message.values)
    buffer = message.SerializeToString()
    start = len(buffer) - count * number_type.itemsize
    if buffer[:start] != _header(count * number_type.itemsize):
        # Fields of a newer version of the message stand around the values.
        return np.array(message.values, dtype=dtype)
    return np.frombuffer(buffer, dtype=number_type, offset=start).astype(dtype)


def array_from(values: Any, dtype: str) -> Any:
    """Numbers as an array."""
    import numpy as np

    return np.array(values, dtype=dtype)


def _header(size: int) -> bytes:
    """Tag of field 1 and the length, as they precede packed values; nothing precedes none."""
    if not size:
        return b""
    header = bytearray(b"\x0a")
    while size > 0x7F:
        header.append(size & 0x7F | 0x80)
        size >>= 7
    header.append(size)
    return bytes(header)
