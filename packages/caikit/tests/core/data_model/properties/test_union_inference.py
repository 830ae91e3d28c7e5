"""Which member of a union a value belongs to that is assigned by the name of the union."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from dm_classes import Made, made_classes
from dm_kinds import NAMES
from dm_settings import SECONDS, examples
from hypothesis import assume, given
from hypothesis import strategies as st

pytestmark = pytest.mark.timeout(SECONDS)

RANKS = {"bool": 0, "int": 1, "np.int64": 1, "np.uint64": 2, "np.int32": 3, "np.uint32": 4}
CATEGORIES: dict[str, Any] = {
    **dict.fromkeys(("int", "np.int64", "np.uint64", "np.int32", "np.uint32"), int),
    **dict.fromkeys(("float", "np.float32", "np.float64"), float),
    "bool": bool,
    "str": str,
    "bytes": bytes,
    "datetime.datetime": NAMES["datetime"].datetime,
    "JsonDict": dict,
}


def category(made: Made, kind: str) -> Any:
    """The Python type of the values of a member."""
    return CATEGORIES.get(kind) or NAMES.get(kind) or made.known[kind]


@given(st.data())
@examples(80)
def test_the_first_member_of_the_type(data: Any) -> None:
    made = data.draw(made_classes(max_fields=4))
    unions = [plan for plan in made.fields.values() if plan.members]
    assume(unions)
    plan = data.draw(st.sampled_from(unions))
    order = sorted(plan.members.items(), key=lambda item: RANKS.get(item[1].kind, 9))
    meant = data.draw(st.sampled_from(sorted(plan.members)))
    value = data.draw(plan.members[meant].values)
    many = plan.members[meant].many
    types = {item.__class__ for item in (value if many else [value])}
    assume(len(types) < 2)
    if not types:
        expected = [name for name, member in order if member.many]
    else:
        kind = types.pop()
        expected = [
            name for name, member in order if member.many is many and category(made, member.kind) is kind
        ]
        # The number of an enum member is an int, too: without an int member several others might take it.
        assume(expected or not issubclass(kind, int) or issubclass(kind, enum.Enum))
    for instance in (made.cls(**{plan.name: value}), made.cls()):
        setattr(instance, plan.name, value)
        assert instance.which_oneof(plan.name) == expected[0]
        assert getattr(instance, expected[0]) is value
        if expected[0] == meant:  # a number may be out of the range of another member
            assert instance.to_proto().WhichOneof(plan.name) == meant
