"""What comes in as Any goes out again."""

from __future__ import annotations

from typing import Any

from dm_oracle import stable

from caikit.core.data_model import DataObjectBase, dataobject


@dataobject("tests.data_object_properties.any")
class Bag(DataObjectBase):
    one: Any
    many: list[Any]
    named: dict[str, Any]


def test_values_of_unknown_types():
    message = Bag.get_proto_class()()
    for part in (message.one, message.many.add(), message.named["k"]):
        part.type_url = "type.googleapis.com/no.Such"
        part.value = b"\x08\x01"
    assert stable(Bag.from_proto(message).to_proto()) == stable(message)


def test_empty_elements():
    message = Bag.get_proto_class()()
    message.many.add()
    message.named["k"].SetInParent()
    bag = Bag.from_proto(message)
    assert stable(bag.to_proto()) == stable(message)
    assert stable(Bag.from_json(bag.to_json()).to_proto()) == stable(message)
