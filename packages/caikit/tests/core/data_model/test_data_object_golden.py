"""The data objects of the golden library have exactly the recorded interface files."""

import importlib
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"
DUMP = GOLDEN / "dump" / "per_object"
PACKAGE = "caikit_data_model.golden_lib"


@pytest.fixture
def library(monkeypatch):
    pytest.importorskip("caikit.interfaces.common.data_model")
    monkeypatch.syspath_prepend(str(GOLDEN / "shim"))
    monkeypatch.syspath_prepend(str(GOLDEN / "lib"))
    # By its own name, as other tests do: a second import would replace the classes that they hold.
    return importlib.import_module("golden_lib.data_model")


def test_interface_files(library):
    expected = {path.name: path.read_text() for path in DUMP.glob(f"{PACKAGE}.*.proto")}
    classes = [
        library.DocumentInput,
        library.EchoResult,
        library.Everything,
        library.Everything.Inner,
        library.FileResult,
        library.Greeting,
        library.Person,
        library.Score,
        library.TrainRecord,
    ]
    made = {}
    for cls in classes:
        message = cls.get_proto_class()
        made[message.DESCRIPTOR.file.name] = message.to_proto_file()
    for enum in (library.Mood, library.Everything.Color):
        made[enum._proto_enum.DESCRIPTOR.file.name] = enum._proto_enum.to_proto_file()
    assert made == expected


def test_recorded_answer(library):
    value = library.Everything(
        opt_int=0,
        mood=library.Mood.GRUMPY,
        color=1,
        list_obj=[library.Person("Ann")],
        choice="str",
        named_choice=True,
    )
    assert value.to_json() == (
        '{"an_int": null, "a_float": null, "a_bool": null, "a_str": null, "some_bytes": null, "i32": null, '
        '"i64": null, "u32": null, "u64": null, "f32": null, "f64": null, "opt_int": 0, "opt_str": null, '
        '"defaulted": 42, "a_list": null, "list_int": null, '
        '"list_obj": [{"name": "Ann", "age": null, "mood": null, "tags": null}], "map_ss": null, "map_si": null, '
        '"js": null, "when": null, "mood": "GRUMPY", "inner": null, "color": "RED", "choice_str": "str", "a_flag": true}'
    )
