"""Lists inside unions are told apart by their elements, and messages that are called Sequence are like others."""

import datetime
import enum

import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.common.data_model import IntSequence

PACKAGE = "tests.interesting_sequences"  # "int" is a part of this name


@dataobject(PACKAGE)
class Shade(enum.Enum):
    DARK = 1


@dataobject(PACKAGE)
class Item(DataObjectBase):
    x: int


@dataobject(PACKAGE)
class Lists(DataObjectBase):
    numbers_or_texts: list[int] | list[str]
    others: list[Item] | list[datetime.datetime] | list[JsonDict] | list[Shade]


@pytest.mark.parametrize(
    ("value", "member"),
    [
        ([Item(1)], "others_item_sequence"),
        ([datetime.datetime(2024, 1, 2)], "others_datetime_sequence"),
        ([{"a": 1}], "others_dict_sequence"),
        ([Shade.DARK], "others_shade_sequence"),
    ],
)
def test_elements_of_every_kind(value, member):
    data = Lists(["a"], value)
    assert data.which_oneof("numbers_or_texts") == "numbers_or_texts_str_sequence"
    assert data.which_oneof("others") == member
    for again in (Lists.from_proto(data.to_proto()), Lists.from_json(data.to_json())):
        assert again.which_oneof("others") == member
        assert again.to_json() == data.to_json()


def test_lists_that_fit_no_member():
    with pytest.raises(TypeError, match=r"Lists\.numbers_or_texts: a list of float fits none of the members"):
        Lists([1.5]).to_proto()


@dataobject(PACKAGE)
class Holder(DataObjectBase):
    plain: IntSequence
    free: JsonDict


def test_a_field_of_a_sequence_class_is_read_again():
    data = Holder(IntSequence([1, 2]), {"a": 1})
    assert Holder.from_proto(data.to_proto()) == data
    assert Holder.from_json(data.to_json()) == data
    assert Holder.from_proto(Holder([1, 2]).to_proto()).plain == IntSequence([1, 2])


def test_field_types_beside_a_json_dict():
    assert Holder.get_field_message_type("plain") is IntSequence
