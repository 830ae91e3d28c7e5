"""The message of a random class: numbers, types and presence, and the file that describes it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from dm_classes import Case, Made, cases, made_classes
from dm_fields import FieldPlan
from dm_kinds import NAMES
from dm_oracle import is_map, is_repeated, same, stable, union_of, view
from dm_settings import SECONDS, examples
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import DataBase, DataObjectBase

pytestmark = pytest.mark.timeout(SECONDS)

SCALARS = {
    "str": FieldDescriptor.TYPE_STRING,
    "int": FieldDescriptor.TYPE_INT64,
    "float": FieldDescriptor.TYPE_DOUBLE,
    "bool": FieldDescriptor.TYPE_BOOL,
    "bytes": FieldDescriptor.TYPE_BYTES,
    "np.int32": FieldDescriptor.TYPE_INT32,
    "np.int64": FieldDescriptor.TYPE_INT64,
    "np.uint32": FieldDescriptor.TYPE_UINT32,
    "np.uint64": FieldDescriptor.TYPE_UINT64,
    "np.float32": FieldDescriptor.TYPE_FLOAT,
    "np.float64": FieldDescriptor.TYPE_DOUBLE,
    "Literal['a', 'é']": FieldDescriptor.TYPE_STRING,
    "Literal[1, -2]": FieldDescriptor.TYPE_INT64,
}
MESSAGES = {
    "datetime.datetime": "google.protobuf.Timestamp",
    "timestamp_pb2.Timestamp": "google.protobuf.Timestamp",
    "JsonDict": "google.protobuf.Struct",
    "struct_pb2.Struct": "google.protobuf.Struct",
    "Any": "google.protobuf.Any",
}


def check_type(made: Made, field: Any, kind: str) -> None:
    known = NAMES.get(kind)
    if kind in SCALARS:
        assert field.type == SCALARS[kind]
    elif kind in MESSAGES:
        assert field.message_type.full_name == MESSAGES[kind]
    elif hasattr(known, "_proto_enum"):
        assert field.enum_type == known._proto_enum.DESCRIPTOR
    elif isinstance(known, type) and issubclass(known, DataObjectBase):
        assert field.message_type == known.get_proto_class().DESCRIPTOR
    elif known is None:  # another random class
        assert field.message_type.name.startswith("Message")
    else:  # nested in the message
        nested = field.message_type or field.enum_type
        assert nested.containing_type is not None
        assert nested.name.endswith(kind)


def check_field(made: Made, plan: FieldPlan, fields: list[Any], before: int) -> None:
    if plan.shape == "union":
        for position, (field, (name, member)) in enumerate(zip(fields, plan.members.items(), strict=True)):
            assert (field.name, union_of(field)) == (name, plan.name)
            assert field.number == (member.number or before + position + 1)
            if member.many:
                (values,) = field.message_type.fields
                assert (values.name, values.number, is_repeated(values)) == ("values", 1, True)
                field = values
            check_type(made, field, member.kind)
        return
    (field,) = fields
    assert (field.name, union_of(field)) == (plan.name, None)
    assert field.number == (plan.number or before + 1)
    assert is_repeated(field) is (plan.shape != "single")
    if plan.shape == "map":
        assert is_map(field)
        check_type(made, field.message_type.fields_by_name["key"], plan.key)
        field = field.message_type.fields_by_name["value"]
    else:
        expected = plan.shape == "single" and (plan.is_optional or plan.has_default)
        assert (field.containing_oneof is not None) is expected
    check_type(made, field, plan.kind)


@given(made_classes())
@examples(100)
def test_fields(made: Made) -> None:
    descriptor = made.cls.get_proto_class().DESCRIPTOR
    fields = list(descriptor.fields)
    before = 0
    for plan in made.fields.values():
        count = len(plan.members) or 1
        check_field(made, plan, fields[before : before + count], before)
        before += count
    assert before == len(fields)
    if not made.fields.keys() & {"fields", "full_name"}:
        assert made.cls.fields == tuple(field.name for field in fields)
        assert made.cls.full_name == descriptor.full_name
    assert list(made.cls.__dataclass_fields__) == list(made.fields)
    assert DataBase.get_class_for_name(descriptor.full_name) is made.cls


def files_of(file: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The file and all that it imports."""
    for dependency in file.dependencies:
        files_of(dependency, found)
    found[file.name] = file
    return found


def plain(file: Any) -> Any:
    """A file without the order of its parts, and the unions of its fields."""
    proto = descriptor_pb2.FileDescriptorProto()
    proto.ParseFromString(file) if isinstance(file, bytes) else file.CopyToProto(proto)
    unions = set()
    messages = list(proto.message_type)
    while messages:
        message = messages.pop()
        for field in message.field:
            field.ClearField("json_name")
            if field.HasField("oneof_index"):
                unions.add((message.name, field.name, message.oneof_decl[field.oneof_index].name))
                field.ClearField("oneof_index")
        del message.oneof_decl[:]
        for parts, key in ((message.field, "number"), (message.nested_type, "name")):
            ordered = sorted(parts, key=lambda part: getattr(part, key))
            del parts[:]
            parts.extend(ordered)
        messages.extend(message.nested_type)
    return proto, unions


@given(st.lists(made_classes(), min_size=8, max_size=8))
@examples(1)
def test_rendered_files_describe_the_same_messages(tmp_path_factory: Any, classes: list[Made]) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc")
    folder = tmp_path_factory.mktemp("interfaces")
    files: dict[str, Any] = {}
    for made in classes:
        files_of(made.cls.get_proto_class().DESCRIPTOR.file, files)
    own = {name: file for name, file in files.items() if not name.startswith("google/")}
    for file in own.values():
        for message in file.message_types_by_name.values():
            DataBase.get_class_for_name(message.full_name).get_proto_class().write_proto_file(str(folder))
        for enum in file.enum_types_by_name.values():
            DataBase.get_class_for_name(enum.full_name)._proto_enum.write_proto_file(str(folder))
    assert {path.name for path in folder.iterdir()} == set(own)
    wanted = folder / "descriptors"
    google = Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{folder}", f"-I{google}", f"--descriptor_set_out={wanted}", *sorted(own)]
    assert protoc.main(arguments) == 0
    compiled = descriptor_pb2.FileDescriptorSet()
    compiled.ParseFromString(wanted.read_bytes())
    assert len(compiled.file) == len(own)
    for file in compiled.file:
        assert plain(file.SerializeToString()) == plain(own[file.name])


@given(cases())
@examples(30)
def test_pickled_objects(case: Case) -> None:
    cls = case.made.cls
    module = sys.modules[__name__]
    # Classes are pickled by the name of their module.
    found: dict[str, Any] = {cls.__name__: cls}
    for held in case.made.known.values():
        found[held.__name__] = held
    for name, held in found.items():
        held.__module__ = __name__
        setattr(module, name, held)
    try:
        for value in case.values:
            made = pickle.loads(pickle.dumps(value))
            assert type(made) is cls
            assert same(view(made), view(value))
            assert stable(made.to_proto()) == stable(value.to_proto())
            assert made.to_json() == value.to_json()
    finally:
        for name in found:
            delattr(module, name)
