"""Multipart forms that were saved to a file."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from caikit.core.data_model import DataStream
from caikit.core.data_model.streams.multipart_decoder import Part, is_multipart_file, stream_multipart_file

Form = Callable[..., str]


def part(
    content: str, content_type: str = "application/json", filename: str = "a.json", name: str = "file"
) -> str:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    kind = f"Content-Type: {content_type}\n" if content_type else ""
    return f"Content-Disposition: {disposition}\n{kind}\n{content}\n"


@pytest.fixture
def form(tmp_path: Path) -> Form:
    def write(
        *parts: str, head: str = "", boundary: str = "xyz", end: str = "--xyz--\n", eol: str = "\n"
    ) -> str:
        text = head + "".join(f"--{boundary}\n{content}" for content in parts) + end
        path = tmp_path / "form.multipart"
        path.write_bytes(text.replace("\n", eol).encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n\n",
        "Content-Type: multipart/form-data; boundary=xyz\n\n",
        'content-type: multipart/mixed; boundary="xyz"\n',
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_parts_are_chained(form: Form, head: str, eol: str) -> None:
    path = form(
        part('[{"a": 1},\n{"a": 2}]'),
        part("comment", "", ""),
        part("a,b\n1,2\n3,4", "text/csv", "b.csv"),
        head=head,
        eol=eol,
    )
    assert is_multipart_file(path)
    stream = DataStream.from_multipart_file(path)
    assert list(stream) == [{"a": 1}, {"a": 2}, {"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert len(stream) == 4
    assert list(pickle.loads(pickle.dumps(stream))) == list(stream)
    assert list(DataStream.from_file(path)) == list(stream)


def test_parts_stand_at_their_first_byte(form: Form) -> None:
    parts = list(stream_multipart_file(form(part("[1]"), part("one\n\ntwo", "text/plain", "ü.txt"))))
    assert [(each.content_type, each.filename) for each in parts] == [
        ("application/json", "a.json"),
        ("text/plain", "ü.txt"),
    ]
    assert parts[1].fp.read(4) == b"one\n"
    assert parts[1].fp.read() == b"\ntwo"
    assert parts[1].fp.seek(0) == 0
    assert parts[1].fp.read() == b"one\n\ntwo"
    assert parts[0].fp.read() == b"[1]"
    for each in parts:
        assert isinstance(each, Part)
        each.fp.close()


def test_parts_of_one_name_are_all_kept(form: Form) -> None:
    assert list(DataStream.from_multipart_file(form(part("[1]"), part("[2]"), part("[]")))) == [1, 2]


def test_a_part_may_be_empty(form: Form) -> None:
    path = form("Content-Disposition: form-data; filename=x.csv\n\n", part("[1]"))
    assert list(DataStream.from_multipart_file(path)) == [1]


@pytest.mark.parametrize(
    ("content_type", "filename"),
    [
        ("application/jsonl", "x"),
        ("", "x.jsonl"),
        ("application/octet-stream", "x.JSONL"),
        ("application/x-ndjson", "x"),
        ("application/json", "x.jsonl"),
    ],
)
def test_json_lines(form: Form, content_type: str, filename: str) -> None:
    assert list(DataStream.from_multipart_file(form(part('{"a": 1}\n2', content_type, filename)))) == [
        {"a": 1},
        2,
    ]


def test_unsupported_content(form: Form) -> None:
    with pytest.raises(ValueError, match="Unsupported content type: text/plain"):
        DataStream.from_multipart_file(form(part("text", "text/plain", "a.txt")))


@pytest.mark.parametrize(
    "change",
    [{"end": ""}, {"boundary": "other"}, {"head": "Content-Type: multipart/form-data; boundary=no\n"}],
)
def test_boundaries_must_fit(form: Form, change: dict[str, str]) -> None:
    path = form(part("[1]"), **change)
    with pytest.raises(ValueError, match="Invalid form-data"):
        list(stream_multipart_file(path))
    with pytest.raises(ValueError, match="Invalid form-data"):
        DataStream.from_multipart_file(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        "---\nname: yaml\n",
        "-- comment\n",
        "--",
        "{}",
        "Content-Type: text/plain\n",
        "Content-Type: multipart/form-data\n",
    ],
)
def test_other_files_are_not_multipart(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other"
    path.write_text(content)
    assert not is_multipart_file(str(path))
    with pytest.raises(ValueError, match="value check failed: file is not multipart"):
        DataStream.from_multipart_file(str(path))


def test_the_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DataStream.from_multipart_file(str(tmp_path / "nothing"))
    with pytest.raises(IsADirectoryError):
        DataStream.from_multipart_file(str(tmp_path))


def test_parts_are_not_held_in_memory(form: Form) -> None:
    path = form(part("[1" + ",1" * 500_000 + "]"))
    assert len(DataStream.from_multipart_file(path)) == 500_001


def test_bad_bytes_in_a_part_are_named(form: Form) -> None:
    path = form(part("a,b\n1,2\n3,X", "text/csv", "b.csv"))
    content = Path(path).read_bytes().replace(b"X", b"\xff")
    Path(path).write_bytes(content)
    with pytest.raises(UnicodeDecodeError, match=r"form.multipart: b.csv, line 3"):
        list(DataStream.from_multipart_file(path))


def test_a_part_with_a_name_that_leads_elsewhere_is_only_a_name(form: Form, tmp_path: Path) -> None:
    path = form(part("[1]", filename="../../escaped.json"))
    assert list(DataStream.from_multipart_file(path)) == [1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["form.multipart"]


def test_a_form_that_is_cut_while_it_is_read_is_an_error(form: Form) -> None:
    path = form(part("[1]"), part("[2]"))
    items = iter(DataStream.from_multipart_file(path))
    assert next(items) == 1
    with open(path, "r+b") as binary:
        binary.truncate(150)
    with pytest.raises(ValueError, match=r"Invalid .* in `.*form.multipart"):
        list(items)


def test_a_mistake_in_a_part_names_file_and_part(form: Form) -> None:
    with pytest.raises(ValueError, match=r"Invalid JSON object in `.*form.multipart: a.json`"):
        list(DataStream.from_multipart_file(form(part("[1"))))
