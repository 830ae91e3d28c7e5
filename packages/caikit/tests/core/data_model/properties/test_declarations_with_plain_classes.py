"""Dataclasses and enums without a decorator are nested in the message, wherever they are used."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from typing import Any

import pytest
from dm_oracle import reference, stable

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.dataobject import make_dataobject

PACKAGE = "tests.data_object_properties.plain"
_count = itertools.count()


@dataclasses.dataclass
class Spot:
    x: int
    y: float = 0.5


class Shade(enum.Enum):
    LIGHT = 1


VALUES: list[tuple[Any, Any]] = [
    (Spot, Spot(1)),
    (list[Spot], [Spot(1), Spot(2)]),
    (dict[str, Spot], {"k": Spot(1)}),
    (Spot | int, Spot(1)),
    (list[Spot] | int, [Spot(1)]),
    (list[Spot] | Spot, [Spot(1)]),
    (Shade, Shade.LIGHT),
    (list[Shade], [Shade.LIGHT]),
    (dict[str, Shade], {"k": Shade.LIGHT}),
    (Shade | str, Shade.LIGHT),
    (list[Shade] | int, [Shade.LIGHT]),
]
PAIRS = [(one, other) for one, other in itertools.product(VALUES, VALUES) if one is not other]


def shown(annotation: Any) -> str:
    return (
        annotation.__name__ if isinstance(annotation, type) else str(annotation).replace(f"{__name__}.", "")
    )


@pytest.mark.parametrize(
    ("first", "second"), PAIRS, ids=[f"{shown(one[0])}-{shown(other[0])}" for one, other in PAIRS]
)
def test_twice_in_one_message(first, second):
    annotations = {"a": first[0], "b": second[0]}
    cls: Any = make_dataobject(name=f"Both{next(_count)}", annotations=annotations, package=PACKAGE)
    check(cls(first[1], second[1]))


def check(value):
    cls = type(value)
    expected = reference(value)
    assert stable(value.to_proto()) == stable(expected)
    assert stable(cls.from_proto(expected).to_proto()) == stable(expected)
    assert stable(cls.from_json(value.to_json()).to_proto()) == stable(expected)


@dataobject(PACKAGE)
class Parent(DataObjectBase):
    spot: Spot
    shade: Shade


@dataobject(PACKAGE)
class Child(Parent):
    extra: int


def test_in_a_parent():
    check(Parent(Spot(1), Shade.LIGHT))
    child = Child(Spot(1), Shade.LIGHT, 2)
    check(child)
    names = [field.message_type.full_name for field in Child.get_proto_class().DESCRIPTOR.fields[:1]]
    assert names == [f"{PACKAGE}.Child.Spot"]
