"""Timestamps, structs, protobuf modules, names."""

import datetime
import subprocess
import sys
import types

import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory, struct_pb2, timestamp_pb2

import caikit.core.data_model
from caikit.core.data_model import data_backends, protobufs
from caikit.core.data_model.json_dict import dict_to_struct, struct_to_dict
from caikit.core.data_model.protobufs import import_protobufs
from caikit.core.data_model.runtime_context import RuntimeServerContextType
from caikit.core.data_model.timestamp import datetime_to_proto, proto_to_datetime


@pytest.mark.parametrize(
    "moment",
    [
        datetime.datetime(2024, 1, 2, 3, 4, 5, 678901),
        datetime.datetime(1969, 12, 31, 20, 0, 0, 500000),
        datetime.datetime(1901, 2, 3, 4, 5, 6, 7),
        datetime.datetime(2999, 1, 1),
    ],
)
def test_local_times_survive(moment):
    assert proto_to_datetime(datetime_to_proto(moment)) == moment


def test_times_before_1970_have_positive_nanos():
    moment = datetime.datetime(1969, 12, 31, 23, 59, 59, 250000, tzinfo=datetime.timezone.utc)
    assert datetime_to_proto(moment) == timestamp_pb2.Timestamp(seconds=-1, nanos=250000000)


def test_wrong_types_of_times():
    with pytest.raises(TypeError):
        datetime_to_proto("now")
    with pytest.raises(TypeError):
        proto_to_datetime(struct_pb2.Struct())


def test_structs():
    value = {
        "a": 1,
        "b": [1.5, None, {"c": True, "d": {}}],
        "e": "x",
        "f": [],
        "g": (1, 2),
        "h": np.float32(0.5),
    }
    plain = {**value, "g": [1, 2], "h": 0.5}
    assert struct_to_dict(dict_to_struct(value)) == plain
    assert struct_to_dict(dict_to_struct({"x": float("inf")})) == {"x": float("inf")}
    assert struct_to_dict(dict_to_struct({"x": float("nan")}))["x"] != 0
    assert type(struct_to_dict(dict_to_struct({"x": 1.0}))["x"]) is int
    with pytest.raises(ValueError, match="Unsupported value type: <class 'bytes'>"):
        dict_to_struct({"a": b"x"})


def test_structs_of_another_pool():
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    classes = [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.protobuf.{name}"))
        for name in ("Struct", "Value", "ListValue")
    ]
    made = dict_to_struct({"a": [1, {"b": None}], "c": "x"}, *classes)
    assert type(made) is classes[0]
    assert struct_to_dict(made) == {"a": [1, {"b": None}], "c": "x"}


def test_import_protobufs(tmp_path, monkeypatch):
    package = tmp_path / "tests_import_protobufs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one_pb2.py").write_text(
        "from google.protobuf import descriptor_pb2, descriptor_pool, message_factory\n"
        "from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper\n"
        "file = descriptor_pb2.FileDescriptorProto(name='one', package='caikit_data_model.tests_import', syntax='proto3')\n"
        "file.message_type.add(name='ImportedOne')\n"
        "file.enum_type.add(name='ImportedKind').value.add(name='IMPORTED_A', number=0)\n"
        "pool = descriptor_pool.DescriptorPool()\n"
        "pool.AddSerializedFile(file.SerializeToString())\n"
        "DESCRIPTOR = pool.FindFileByName('one')\n"
        "ImportedOne = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name['ImportedOne'])\n"
        "ImportedKind = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name['ImportedKind'])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    names = {}
    import_protobufs(str(package), "tests_import_protobufs", names)
    assert names["all_enum_names"] == ["ImportedKind"]
    assert names["ImportedOne"] is protobufs.ImportedOne

    from caikit.core.data_model import enums, import_enums

    target = {"protobufs": types.SimpleNamespace(**names)}
    import_enums(target)
    assert target["ImportedKind"]["IMPORTED_A"].value == 0
    assert enums.ImportedKindRev == {0: "IMPORTED_A"}


def test_the_names_of_the_package():
    module = caikit.core.data_model
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)
    assert data_backends.__all__ == ["DataModelBackendBase", "DictBackend"]
    assert {argument.__forward_arg__ for argument in RuntimeServerContextType.__args__} == {
        "grpc.ServicerContext",
        "fastapi.Request",
    }


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, caikit.core.data_model, caikit.core.data_model.runtime_context\n"
        "print([name for name in ('numpy', 'grpc', 'starlette', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
