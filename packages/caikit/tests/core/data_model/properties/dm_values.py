"""Values of every type that a field can have, with the edges of each type."""

from __future__ import annotations

import datetime
import math
import struct

from hypothesis import strategies as st

RANGES = {
    "int": (-(2**63), 2**63 - 1),
    "np.int64": (-(2**63), 2**63 - 1),
    "np.uint64": (0, 2**64 - 1),
    "np.int32": (-(2**31), 2**31 - 1),
    "np.uint32": (0, 2**32 - 1),
}
LARGEST_SINGLE = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]

_TEXTS = [
    "",
    " ",
    "\0",
    "\x7f",
    "\x80",
    "\x1f\t\r\n\b\f",
    '"\\/',
    "a,b",
    "null",
    "</script>",
    "é",
    "\u2028\u2029",
    "\ufeff",
    "\uffff",
    "\U0001f600",
    "\U0010ffff",
    "x" * 130,
]
_FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    1 / 3,
    1e15,
    9999999999999998.0,
    1e16,
    1.2345e16,
    -1e16,
    1e17,
    1e21,
    1e22,
    1e23,
    123456789012345680.0,
    1e-4,
    0.00012345,
    9.9999e-5,
    1e-5,
    -1e-5,
    1.5e-5,
    1e-7,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
]
_NOT_FINITE = [math.nan, math.inf, -math.inf]
_no_nan = st.floats(allow_nan=False)  # there are many; JSON knows one
_SINGLES = [
    0.0,
    -0.0,
    0.1,
    1e-5,
    1e16,
    1e-45,
    1.401298464324817e-45,
    16777217.0,
    LARGEST_SINGLE,
    -LARGEST_SINGLE,
]


def integers(kind: str) -> st.SearchStrategy[int]:
    low, high = RANGES[kind]
    edges = [low, low + 1, high, high - 1, 0, 1, 127, 128, 300, 2**31 - 1]
    return st.sampled_from([edge for edge in edges if low <= edge <= high]) | st.integers(low, high)


texts = st.sampled_from(_TEXTS) | st.text(max_size=6)
doubles = st.sampled_from(_FLOATS) | _no_nan | st.sampled_from(_NOT_FINITE)
finite_doubles = st.sampled_from(_FLOATS) | st.floats(allow_nan=False, allow_infinity=False)
singles = st.sampled_from([*_SINGLES, *_NOT_FINITE]) | st.floats(width=32, allow_nan=False)
binaries = st.sampled_from([b"", b"\0", b"\xff\xfe", bytes(range(256))]) | st.binary(max_size=6)
zones = st.sampled_from([datetime.timezone(datetime.timedelta(minutes=m)) for m in (0, 90, -300, 720, -719)])
_FIRST, _LAST = datetime.datetime(2, 1, 1), datetime.datetime(9998, 12, 31)
datetimes = (
    st.sampled_from(
        [
            datetime.datetime(1970, 1, 1),
            datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999),
            datetime.datetime(1969, 12, 31, 23, 59, 59, 500_000),
            datetime.datetime(2024, 2, 29, 12, 0, 0, 1),
            datetime.datetime(2038, 1, 19, 3, 14, 8),
        ]
    )
    | st.datetimes(_FIRST, _LAST)
    | st.datetimes(_FIRST, _LAST, timezones=zones)
)

_keys = st.sampled_from(["", "a", "b", "é", "@type", "values", "\0"]) | st.text(max_size=3)
# Larger integers lose digits in a Struct, whose numbers are doubles; the sign of a zero is lost, too.
_json_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | finite_doubles.map(lambda number: number + 0.0)
    | texts
)
json_values = st.recursive(
    _json_leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)
json_dicts = st.dictionaries(_keys, json_values, max_size=3)

SCALARS: dict[str, st.SearchStrategy] = {
    "str": texts,
    "int": integers("int"),
    "float": doubles,
    "bool": st.booleans(),
    "bytes": binaries,
    "np.int32": integers("np.int32"),
    "np.int64": integers("np.int64"),
    "np.uint32": integers("np.uint32"),
    "np.uint64": integers("np.uint64"),
    "np.float32": singles,
    "np.float64": doubles,
}
KEYS: dict[str, st.SearchStrategy] = {
    name: SCALARS[name] for name in ("str", "int", "bool", "np.int32", "np.int64", "np.uint32", "np.uint64")
}
