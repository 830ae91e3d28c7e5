"""Sources of training data: what they read, and what they refuse."""

import json
import pickle
import re
import subprocess
import sys
import tracemalloc
import uuid

import grpc
import pytest

from caikit.core import DataObjectBase, dataobject
from caikit.core.data_model import DataStream
from caikit.core.data_model._codec import decode_json
from caikit.interfaces.common.data_model.stream_sources import (
    Directory,
    FileReference,
    ListOfFileReferences,
    S3Files,
)
from caikit.runtime.service_generation.data_stream_source import (
    DataStreamSourceBase,
    JsonDataStreamSourcePlugin,
    PluginFactory,
    make_data_stream_source,
)
from caikit.runtime.services.stream_sources._parse import element_parser
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

PACKAGE = "tests.stream_sources"


@dataobject(PACKAGE)
class Sample(DataObjectBase):
    number: int
    label: str


@dataobject(PACKAGE)
class Noted(DataObjectBase):
    note: int | str


SAMPLES = [Sample(1, "a"), Sample(2, "b")]


@pytest.fixture
def source_class(temp_config):
    temp_config({"runtime": {"service_generation": {"package": f"tests.p{uuid.uuid4().hex}"}}})
    return make_data_stream_source(Sample)


@pytest.fixture
def base(temp_config, tmp_path):
    """A folder with data that is the base of all sources, and one file beside it."""
    folder = tmp_path / "data"
    (folder / "many").mkdir(parents=True)
    rows = [{"number": 1, "label": "a", "extra": None}, {"number": 2, "label": "b"}]
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "rows.csv").write_text("number,label\n1,a\n2,b\n")
    (folder / "rows.txt").write_text("1 a\n")
    for name in ("rows.json", "rows.jsonl", "rows.csv"):
        (folder / f"no_extension_{name.partition('.')[2]}").write_text((folder / name).read_text())
    (folder / "nothing").write_text("")
    for number, row in enumerate(rows):
        (folder / "many" / f"{number}.json").write_text(json.dumps(row))
    (folder / "many" / "all.jsonl").write_text((folder / "rows.jsonl").read_text())
    (folder / "many" / "text.txt").write_text("x")
    (tmp_path / "secret.json").write_text("[]")
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    temp_config({"data_streams": {"file_source_base": str(folder)}})
    return folder


def read(source):
    return [(sample.number, sample.label) for sample in source]


BOTH = [(1, "a"), (2, "b")]


def test_names_and_attributes(source_class):
    assert source_class.__name__ == "DataStreamSourceSample"
    assert source_class.get_proto_class().DESCRIPTOR.full_name.endswith(".DataStreamSourceSample")
    assert source_class.ELEMENT_TYPE is Sample
    assert source_class.FileReference is FileReference
    assert source_class.JsonData.__name__ == "DataStreamSourceSampleJsonData"
    assert [plugin.get_field_number() for plugin in source_class.PLUGINS] == [1, 2, 3, 4, 5]
    assert make_data_stream_source(Sample) is source_class
    assert issubclass(source_class, DataStreamSourceBase)


def test_an_instance_is_a_stream(source_class):
    source = source_class(jsondata=source_class.JsonData(SAMPLES))
    assert isinstance(source, DataStream)
    assert read(source) == read(source) == BOTH
    assert len(source) == 2
    assert list(source.map(lambda sample: sample.number)) == [1, 2]
    assert isinstance(source.to_data_stream(), DataStream)


def test_the_wire_brings_it_back(source_class):
    source = source_class(jsondata=source_class.JsonData(SAMPLES))
    assert read(source_class.from_proto(source.to_proto())) == BOTH
    assert read(source_class.from_json(source.to_json())) == BOTH
    assert read(pickle.loads(pickle.dumps(source))) == BOTH


def test_another_process_can_read_a_pickled_source():
    source_class = make_data_stream_source(int)
    pickled = pickle.dumps(source_class(source_class.JsonData([1, 2])))
    script = "import pickle, sys; print(list(pickle.loads(sys.stdin.buffer.read())))"
    read_there = subprocess.run(
        [sys.executable, "-c", script], input=pickled, capture_output=True, check=True
    )
    assert read_there.stdout.strip() == b"[1, 2]"


@pytest.mark.parametrize(
    ("value", "source_type"),
    [
        ({"data": [{"number": 1, "label": "a"}]}, "JsonData"),
        ({"filename": "rows.json"}, "FileReference"),
        ({"files": ["rows.json"]}, "ListOfFileReferences"),
        ({"dirname": "many"}, "Directory"),
        ({"files": ["x"], "bucket": "b"}, "S3Files"),
    ],
)
def test_json_names_the_source_by_its_fields(source_class, base, value, source_type):
    source = decode_json(source_class, {"data_stream": value})
    assert type(source.data_stream) is getattr(source_class, source_type)


def test_json_cannot_name_what_lies_outside(source_class, base):
    with pytest.raises(CaikitRuntimeException, match="lies outside"):
        decode_json(source_class, {"data_stream": {"filename": "../secret.json"}})


def test_no_source_is_an_empty_stream(source_class):
    assert list(source_class()) == []
    assert list(source_class.from_proto(source_class.get_proto_class()())) == []


def test_two_sources_at_once(source_class):
    with pytest.raises(CaikitRuntimeException) as caught:
        source_class(jsondata=source_class.JsonData(SAMPLES), file=FileReference("rows.json"))
    assert caught.value.status_code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("element_type", "values"), [(int, [1, 2]), (str, ["a"]), (float, [0.5]), (bool, [True]), (bytes, [b"x"])]
)
def test_inline_scalars(temp_config, element_type, values):
    temp_config({"runtime": {"service_generation": {"package": f"tests.p{uuid.uuid4().hex}"}}})
    source_class = make_data_stream_source(element_type)
    source = source_class(source_class.JsonData(values))
    assert list(source_class.from_proto(source.to_proto())) == values
    assert source_class.__name__ == f"DataStreamSource{element_type.__name__.capitalize()}"


@pytest.mark.parametrize(
    "name",
    ["rows.json", "rows.jsonl", "rows.csv", "no_extension_json", "no_extension_jsonl", "no_extension_csv"],
)
def test_files(source_class, base, name):
    assert read(source_class(file=FileReference(name))) == BOTH


def test_list_of_files(source_class, base):
    source = source_class(list_of_files=ListOfFileReferences(["rows.json", "rows.csv"]))
    assert read(source) == BOTH * 2


@pytest.mark.parametrize("extension", [None, "json", "jsonl"])
def test_directories(source_class, base, extension):
    assert read(source_class(directory=Directory("many", extension))) == BOTH


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            FileReference("missing.json"),
            "Invalid .json data source file: missing.json",
        ),
        (
            FileReference("missing.txt"),
            "Invalid .txt data source file: missing.txt",
        ),
        (
            FileReference("many"),
            "Invalid data source file: many (expected a file, it is a folder)",
        ),
        (FileReference(""), "Invalid data source file: expected its name, got none"),
        (
            FileReference("rows.txt"),
            "Extension not supported! .txt (expected .json, .jsonl or .csv, or none, got rows.txt)",
        ),
        (
            FileReference("nothing"),
            (
                "Could not load input file with no extension: nothing (expected a JSON array, JSON lines, a multipart "
                "form or CSV, with items that are Sample)"
            ),
        ),
        (Directory("many", "csv"), "directory many contains no source files with extension csv"),
        (
            Directory("many", "txt"),
            "Extension not supported! txt (expected .json, .jsonl or .csv, for folder many)",
        ),
    ],
)
def test_unreadable_sources_fail_when_they_are_read(source_class, base, source, message):
    opened = source_class(source)
    with pytest.raises(CaikitRuntimeException) as caught:
        list(opened)
    assert (caught.value.status_code, caught.value.message) == (grpc.StatusCode.INVALID_ARGUMENT, message)


BROKEN = b'{"number": '
FORM = b"""--xx
Content-Disposition: form-data; name="a"; filename="rows.jsonl"

{"number": 1, "label": "a"}
{"number":
--xx--
"""


@pytest.mark.parametrize(
    ("content", "source", "message"),
    [
        ({"x.json": BROKEN}, FileReference("sub/x.json"), "Invalid JSON object in `sub/x.json`: "),
        ({"x.json": b"{}"}, FileReference("sub/x.json"), "Non-array JSON object in `sub/x.json`"),
        ({"x.jsonl": BROKEN}, ListOfFileReferences(["sub/x.jsonl"]), "(sub/x.jsonl, line 1, column 11)"),
        ({"x.csv": b"a\n" + b"x" * 200_000}, FileReference("sub/x.csv"), "Invalid CSV in `sub/x.csv`: "),
        ({"x": FORM}, FileReference("sub/x"), "(sub/x: rows.jsonl, line 2, column 11)"),
        ({"x.json": BROKEN}, Directory("sub"), "Invalid JSON object in `sub/x.json`: "),
        ({"x.jsonl": BROKEN}, Directory("sub", "jsonl"), "(sub/x.jsonl, line 1, column 11)"),
    ],
    ids=["json", "no array", "jsonl", "csv", "multipart", "folder json", "folder jsonl"],
)
def test_errors_name_files_as_the_request_did(source_class, base, content, source, message):
    (base / "sub").mkdir()
    for name, data in content.items():
        (base / "sub" / name).write_bytes(data)
    with pytest.raises(Exception, match=re.escape(message)) as caught:
        list(source_class(source))
    assert str(base) not in str(caught.value)


def test_a_file_that_vanishes_is_named_as_in_the_request(source_class, base):
    stream = source_class(file=FileReference("rows.jsonl")).to_data_stream()
    (base / "rows.jsonl").unlink()
    with pytest.raises(CaikitRuntimeException) as caught:
        list(stream)
    assert caught.value.message == "Unable to read data source file rows.jsonl: No such file or directory"
    assert caught.value.status_code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_union_has_a_name_of_its_own():
    told = []
    parse = element_parser(Noted, told.append)
    assert [parse(item).note for item in ({"note": 1}, {"note": "a"}, {"note_str": "b"})] == [1, "a", "b"]
    assert told == []


def test_a_missing_directory(source_class, base):
    found = {"nodir": "", "rows.json": " (expected a folder, it is a file)"}
    for name, reason in found.items():
        with pytest.raises(CaikitRuntimeException) as caught:
            list(source_class(directory=Directory(name)))
        assert caught.value.message == (f"Invalid json directory source file: {name}{reason}")


def test_object_stores_are_not_read(source_class, base):
    with pytest.raises(
        NotImplementedError, match=r"S3Files are not implemented as stream sources in this runtime."
    ):
        list(source_class(s3files=S3Files(files=["x"])))


@pytest.mark.parametrize(
    "source",
    [
        FileReference("../secret.json"),
        FileReference("many/../../secret.json"),
        FileReference("/etc/hostname"),
        FileReference("link.json"),
        FileReference("rows.json\0"),
        ListOfFileReferences(["rows.json", "../secret.json"]),
        Directory("..", "json"),
        Directory("/etc", "json"),
    ],
)
def test_nothing_outside_the_base_is_read(source_class, base, source):
    message = source_class.get_proto_class()
    with pytest.raises(CaikitRuntimeException, match="lies outside") as caught:
        source_class(source)
    assert caught.value.status_code is grpc.StatusCode.INVALID_ARGUMENT
    assert str(base.parent) not in caught.value.message
    field = {FileReference: "file", ListOfFileReferences: "list_of_files", Directory: "directory"}[
        type(source)
    ]
    with pytest.raises(CaikitRuntimeException, match="lies outside"):
        source_class.from_proto(message(**{field: source.to_proto()}))


def test_a_link_in_a_folder_does_not_lead_out(source_class, base):
    source = source_class(directory=Directory(".", "json"))
    with pytest.raises(CaikitRuntimeException, match=r"link\.json"):
        list(source)


def test_without_a_base_any_path_is_read(source_class, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"number": 1, "label": "a"}\n')
    assert read(source_class(file=FileReference(str(path)))) == BOTH[:1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.json",
            "[{}, 1]",
            "Invalid Sample in `x.json`: expected an object for Sample, got int (element 2, line 1, column 6)",
        ),
        (
            "x.jsonl",
            '{"number": 1}\n\n{"number": 9223372036854775808}',
            "Invalid Sample in `x.jsonl`: Input should be less than or equal to 9223372036854775807 at number (line 3)",
        ),
        (
            "x.csv",
            "1,a\n2,b\n",
            "Invalid Sample in `x.csv`: expected some of the fields number, label, got only '1', 'a' (line 2)",
        ),
        (
            "x.csv",
            "number,label\n\n1\n",
            "Invalid CSV in `x.csv`: expected 2 columns as in the header, got 1 (line 3)",
        ),
        ("x.csv", 'number,label\n1,"a', "Invalid CSV in `x.csv`: unexpected end of data (line 2)"),
        (
            "x.csv",
            "label,number,label\n",
            "Invalid CSV in `x.csv`: the column 'label' stands twice in the header (line 1)",
        ),
    ],
)
def test_elements_that_do_not_fit(source_class, base, name, content, message):
    (base / name).write_text(content)
    with pytest.raises(CaikitRuntimeException) as caught:
        list(source_class(file=FileReference(name)))
    assert (caught.value.status_code, caught.value.message) == (grpc.StatusCode.INVALID_ARGUMENT, message)


def test_a_form_is_read_and_checked_like_its_files(source_class, base):
    header = "number,label\n"
    (base / "good").write_text(
        form("rows.csv", header + "1,a\n") + form("rows.json", '[{"number": 2}]', "--")
    )
    assert read(source_class(file=FileReference("good"))) == [(1, "a"), (2, "")]
    (base / "bad").write_text(form("one.csv", header + "1,a\n") + form("two.csv", header + "x,b\n", "--"))
    with pytest.raises(CaikitRuntimeException, match=r"Invalid Sample in `bad: two\.csv`: .* \(line 2\)"):
        list(source_class(file=FileReference("bad")))


def form(filename, content, end=""):
    head = f'Content-Disposition: form-data; name="a"; filename="{filename}"'
    return f"--xx\n{head}\n\n{content}" + (f"\n--xx{end}\n" if end else "\n")


@pytest.mark.parametrize(
    ("element_type", "content", "values"),
    [
        (int, "n\n1\n2\n", [1, 2]),
        (float, "n\n1\n0.5\n", [1.0, 0.5]),
        (str, "n\na\n1\n", ["a", "1"]),
        (bool, "n\ntrue\nfalse\n", [True, False]),
        (bytes, "n\neA==\n", [b"x"]),
    ],
)
def test_a_table_of_scalars_has_one_column(temp_config, base, element_type, content, values):
    temp_config({"runtime": {"service_generation": {"package": f"tests.p{uuid.uuid4().hex}"}}})
    (base / "scalars.csv").write_text(content)
    source_class = make_data_stream_source(element_type)
    assert list(source_class(file=FileReference("scalars.csv"))) == values
    (base / "scalars.csv").write_text("n,m\n1,2\n")
    with pytest.raises(CaikitRuntimeException, match=rf"Invalid {element_type.__name__} in `scalars.csv`"):
        list(source_class(file=FileReference("scalars.csv")))


def test_text_of_no_kind_is_not_taken_for_a_table(source_class, base):
    (base / "prose").write_text("Once upon a time\nthere was a file.\n")
    with pytest.raises(CaikitRuntimeException, match="Could not load input file with no extension: prose"):
        list(source_class(file=FileReference("prose")))


def test_large_files_take_little_memory(source_class, base):
    (base / "large.csv").write_text("number,label\n" + "1,some text\n" * 15_000)
    source = source_class(file=FileReference("large.csv"))
    tracemalloc.start()
    try:
        assert sum(1 for _ in source) == 15_000
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


class SecondInline(JsonDataStreamSourcePlugin):
    name = "SecondInline"


def test_plugins_must_differ_in_number_and_name():
    class Renumbered(JsonDataStreamSourcePlugin):
        name = f"Renumbered{uuid.uuid4().hex}"

        def get_field_number(self):
            return 9

    PluginFactory.register(SecondInline)
    PluginFactory.register(Renumbered)
    inline = {"a": {"type": "JsonData"}, "b": {"type": "SecondInline"}}
    with pytest.raises(ValueError, match="Duplicate plugin field numbers"):
        PluginFactory.get_plugins(inline)
    assert len(PluginFactory.get_plugins({"a": {"type": "JsonData"}, "b": {"type": Renumbered.name}})) == 2
