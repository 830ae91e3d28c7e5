"""A class that reads messages by hand sees the message that the JSON stands for."""

from __future__ import annotations

from typing import Any

import pytest
from dm_oracle import stable
from google.protobuf import json_format

from caikit.core.data_model import DataObjectBase, dataobject

PACKAGE = "tests.data_object_properties.readers"


@dataobject(PACKAGE)
class Curious(DataObjectBase):
    text: str
    number: int = 7
    maybe: int | None
    either: int | str = "x"
    many: list[str]
    _private_slots = ("seen",)

    @classmethod
    def from_proto(cls, proto: Any) -> Any:
        made = super().from_proto(proto)
        made.seen = stable(proto)
        return made


@dataobject(PACKAGE)
class Holder(DataObjectBase):
    one: Curious
    several: list[Curious]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"number": null, "maybe": null}',
        '{"number": 7, "maybe": 0, "either_str": ""}',
        '{"text": "a", "either_int": 3, "many": ["b"]}',
    ],
)
def test_what_is_not_given_is_absent(text: str) -> None:
    expected = stable(json_format.Parse(text, Curious.get_proto_class()()))
    assert Curious.from_json(text).seen == expected
    holder = Holder.from_json(f'{{"one": {text}, "several": [{text}]}}')
    assert holder.one.seen == holder.several[0].seen == expected
