# The typing forms are what users write.
# ruff: noqa: UP006, UP035
"""Enum data objects and the enums module."""

import json
from enum import Enum
from typing import Dict, List

import pytest

from caikit.core.data_model import DataObjectBase, dataobject, enums
from caikit.core.data_model.enums import import_enum, isprotobufenum

PACKAGE = "tests.data_object_enums"


@dataobject(PACKAGE)
class EnumTestColor(Enum):
    RED = 1
    GREEN = 2


@dataobject(PACKAGE)
class Aliased(Enum):
    ONE = 1
    ZERO = 0
    NONE = 0  # noqa: PIE796 - the point of the test


@dataobject(PACKAGE)
class Painted(DataObjectBase):
    color: EnumTestColor
    colors: List[EnumTestColor]
    rooms: Dict[str, EnumTestColor]


def test_the_placeholder_comes_first():
    assert EnumTestColor._proto_enum.items() == [("PLACEHOLDER_UNSET", 0), ("RED", 1), ("GREEN", 2)]
    assert EnumTestColor.to_dict() == {"RED": 1, "GREEN": 2}
    assert EnumTestColor.to_munch().GREEN == 2
    assert json.loads(EnumTestColor.to_munch().toJSON()) == {"RED": 1, "GREEN": 2}
    assert enums.EnumTestColor is EnumTestColor
    assert enums.EnumTestColorRev == {0: "PLACEHOLDER_UNSET", 1: "RED", 2: "GREEN"}
    assert enums.EnumTestColorRev[2] == "GREEN"
    assert "PLACEHOLDER_UNSET = 0;" in EnumTestColor._proto_enum.to_proto_file()


def test_the_zero_member_comes_first_and_aliases_are_allowed():
    assert Aliased._proto_enum.items()[0] == ("ZERO", 0)
    assert "option allow_alias = true;" in Aliased._proto_enum.to_proto_file()


def test_two_enums_without_zero_in_one_package():
    @dataobject(PACKAGE)
    class Shade(Enum):
        DARK = 1

    assert Shade._proto_enum.items()[0] == ("SHADE_PLACEHOLDER_UNSET", 0)
    again = dataobject(PACKAGE)(Enum("Shade", {"DARK": 1}))
    assert again._proto_enum.items()[0] == ("SHADE_PLACEHOLDER_UNSET", 0)


def test_members_numbers_and_names_are_accepted():
    for red, green in ((EnumTestColor.RED, EnumTestColor.GREEN), (1, 2), ("RED", "GREEN")):
        value = Painted(green, [red, green], {"a": red})
        again = Painted.from_proto(value.to_proto())
        assert again == Painted(2, [1, 2], {"a": 1})
        assert value.to_dict() == {"color": "GREEN", "colors": ["RED", "GREEN"], "rooms": {"a": "RED"}}
        assert value.to_json() == json.dumps(value.to_dict())


def test_unknown_numbers_stay_numbers():
    value = Painted(7, [1, 9], {"a": 8})
    assert value.to_dict() == {"color": 7, "colors": ["RED", 9], "rooms": {"a": 8}}
    assert Painted.from_json(value.to_json()) == Painted.from_proto(value.to_proto()) == value


def test_absent_enums():
    assert Painted().to_json() == '{"color": null, "colors": null, "rooms": null}'
    assert Painted.from_proto(Painted().to_proto()).to_dict()["color"] == "PLACEHOLDER_UNSET"
    assert Painted.from_json('{"color": "PLACEHOLDER_UNSET"}').color == 0


def test_maps_of_fields():
    assert Painted.fields_enum_map == {
        "color": EnumTestColor,
        "colors": EnumTestColor,
        "rooms": EnumTestColor,
    }
    assert Painted.fields_enum_rev["color"][1] == "RED"


def test_two_enums_of_one_name_do_not_mix():
    one = dataobject(f"{PACKAGE}.one")(Enum("EnumTestKind", {"A": 0, "B": 1}))
    two = dataobject(f"{PACKAGE}.two")(Enum("EnumTestKind", {"X": 0, "Y": 1}))

    @dataobject(PACKAGE)
    class Both(DataObjectBase):
        a: one
        b: two

    assert Both(1, 1).to_dict() == {"a": "B", "b": "Y"}


def test_import_enum():
    wrapper = EnumTestColor._proto_enum
    assert isprotobufenum(wrapper)
    assert import_enum(wrapper, EnumTestColor) == ("EnumTestColor", "EnumTestColorRev")
    with pytest.raises(AttributeError, match="`not a proto enum` is not a valid protobuf enumeration"):
        import_enum("not a proto enum")


def test_values_must_be_numbers():
    with pytest.raises(ValueError, match="must be int"):
        dataobject(PACKAGE)(Enum("Texts", {"A": "a"}))
