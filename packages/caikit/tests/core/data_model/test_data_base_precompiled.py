"""DataBase over message classes that come from elsewhere."""

from types import SimpleNamespace

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from caikit.core.data_model import DataBase

FIELD = descriptor_pb2.FieldDescriptorProto


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/precompiled.proto", package="tests.pre", syntax="proto3"
    )
    color = file.enum_type.add(name="Color")
    color.value.add(name="NONE", number=0)
    color.value.add(name="RED", number=1)
    for name in ("Part", "Lone"):
        part = file.message_type.add(name=name)
        part.field.add(name="x", number=1, type=FIELD.TYPE_INT64, label=FIELD.LABEL_OPTIONAL)
    whole = file.message_type.add(name="Whole")
    whole.oneof_decl.add(name="choice")
    whole.oneof_decl.add(name="_maybe")
    whole.field.add(name="foo", number=1, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    for name, number, label in (("part", 2, FIELD.LABEL_OPTIONAL), ("parts", 3, FIELD.LABEL_REPEATED)):
        whole.field.add(
            name=name, number=number, type=FIELD.TYPE_MESSAGE, type_name=".tests.pre.Part", label=label
        )
    whole.field.add(name="color", number=4, type=FIELD.TYPE_ENUM, type_name=".tests.pre.Color", label=1)
    whole.field.add(name="a", number=5, type=FIELD.TYPE_INT64, label=1, oneof_index=0)
    whole.field.add(name="b", number=6, type=FIELD.TYPE_STRING, label=1, oneof_index=0)
    whole.field.add(
        name="maybe", number=7, type=FIELD.TYPE_SINT32, label=1, oneof_index=1, proto3_optional=True
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tests.pre.{name}"))
        for name in ("Part", "Whole", "Lone")
    ]


PartMessage, WholeMessage, LoneMessage = message_classes()


class Part(DataBase):
    _proto_class = PartMessage


class Whole(DataBase):
    _proto_class = WholeMessage


def test_constructor():
    value = Whole("foo", Part(1), maybe=3, a=5)
    assert (value.foo, value.part.x, value.parts, value.maybe, value.a, value.choice) == (
        "foo",
        1,
        None,
        3,
        5,
        5,
    )
    assert Whole(choice="x").b == "x"
    assert Part(1) != Part(1)
    with pytest.raises(TypeError, match="Too many arguments given"):
        Part(1, 2)
    with pytest.raises(TypeError, match="Unknown field zz"):
        Part(zz=1)
    with pytest.raises(TypeError, match="Got multiple values for field x"):
        Part(1, x=1)


def test_round_trips():
    value = Whole("foo", Part(1), [Part(2)], 1, b="text", maybe=0)
    again = Whole.from_proto(value.to_proto())
    assert again.to_dict() == {
        "foo": "foo",
        "part": {"x": 1},
        "parts": [{"x": 2}],
        "color": "RED",
        "b": "text",
        "maybe": 0,
    }
    assert Whole.from_json(value.to_json()).to_json() == value.to_json()
    assert Whole.from_binary_buffer(value.to_binary_buffer()).which_oneof("choice") == "b"
    assert Whole.fields == ("foo", "part", "parts", "color", "a", "b", "maybe")
    assert Whole.full_name == "tests.pre.Whole"
    assert Whole.fields_enum_rev["color"][1] == "RED"
    assert Whole.from_proto(WholeMessage()).maybe is None


def test_a_proto_class_is_needed():
    with pytest.raises(ValueError, match="value check failed: No proto class found"):

        class Bare(DataBase):
            pass


def test_a_stand_in_for_a_descriptor_is_enough():
    fields = [SimpleNamespace(name="foo"), SimpleNamespace(name="bar")]
    descriptor = SimpleNamespace(
        fields=fields,
        fields_by_name={field.name: field for field in fields},
        oneofs_by_name={},
        oneofs=[],
        name="Fake",
        full_name="tests.pre.Fake",
    )

    class Fake(DataBase):
        _proto_class = SimpleNamespace(DESCRIPTOR=descriptor)

    assert (Fake(1).foo, Fake(1).bar, Fake.fields) == (1, None, ("foo", "bar"))


def test_own_constructors_are_kept():
    class Lone(DataBase):
        _proto_class = LoneMessage

        def __init__(self, x):
            self.x = x + 1

    assert Lone.from_proto(LoneMessage(x=3)).x == 4
