"""Annotations that are text."""

from __future__ import annotations

import typing
from enum import Enum

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_future_annotations"


@dataobject(PACKAGE)
class Kind(Enum):
    A = 0
    B = 1


@dataobject(PACKAGE)
class Node(DataObjectBase):
    name: str = "node"
    kind: Kind | None = None
    children: list[Node]
    info: JsonDict
    shape: (
        typing.Annotated[int, OneofField("round")]
        | typing.Annotated[str, OneofField("square"), FieldNumber(9)]
    )
    limit: typing.ClassVar[int] = 3


def test_round_trip():
    node = Node(kind=Kind.B, children=[Node("leaf", shape="s")], info={"a": 1}, shape=3)
    again = Node.from_proto(node.to_proto())
    assert again.children[0].square == "s"
    assert again.round == 3
    assert again.kind == 1
    assert again.name == "node"
    assert Node.limit == 3
    assert [field.number for field in Node.get_proto_class().DESCRIPTOR.fields] == [1, 2, 3, 4, 5, 9]


def test_classes_inside_functions():
    @dataobject(PACKAGE)
    class Part(DataObjectBase):
        x: int

    @dataobject(PACKAGE)
    class Whole(DataObjectBase):
        parts: list[Part]

    assert Whole.from_proto(Whole([Part(1)]).to_proto()) == Whole([Part(1)])


def test_type_hints_resolve_without_importing_the_value_type():
    hints = typing.get_type_hints(Node, include_extras=True)
    del hints["limit"]
    assert (
        make_dataobject(name="Hinted", annotations=hints, package=f"{PACKAGE}.hinted").fields == Node.fields
    )
