"""Events out of bytes that are cut anywhere."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from caikit.runtime.client._sse import Event, EventReader

LINES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"event: error",
        b"event:",
        b": ping",
        b"id: 1",
        b"",
        b"nothing",
        b"data: \xff:x",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def expected(lines: list[bytes]) -> list[Event]:
    events, data, name = [], [], b""
    for line in lines:
        if not line:
            if data:
                events.append(Event(name.decode() or "message", b"\n".join(data)))
            data, name = [], b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(st.lists(LINES, max_size=12), ENDS, st.lists(st.integers(0, 80), max_size=8))
def test_cuts_change_nothing(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    content = b"".join(line + end for line in lines)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    reader = EventReader(1000)
    found = [event for start, stop in itertools.pairwise(edges) for event in reader.feed(content[start:stop])]
    assert found == expected(lines)


def test_a_mark_at_the_beginning_is_no_part_of_the_first_line() -> None:
    reader = EventReader(100)
    assert list(reader.feed(b"\xef\xbb\xbfdata: a\n\n")) == [Event("message", b"a")]
    assert not reader.unfinished
    assert list(reader.feed(b"data: b")) == []
    assert reader.unfinished
