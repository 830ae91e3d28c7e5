"""Streams over files and folders."""

from __future__ import annotations

import csv
import json
import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caikit.core.data_model import DataStream

Write = Callable[[str, "str | bytes"], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write_file


FILE_READERS = [
    DataStream.from_jsonl,
    DataStream.from_json_array,
    DataStream.from_csv,
    DataStream.from_header_csv,
    DataStream.from_txt,
]
FOLDER_READERS = [
    DataStream.from_txt_collection,
    DataStream.from_json_collection,
    DataStream.from_csv_collection,
    DataStream.from_jsonl_collection,
]


@pytest.mark.parametrize("reader", FILE_READERS)
def test_files_must_exist(reader: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        reader(str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError, match=r"not a file|not a regular file"):
        reader(str(tmp_path))


@pytest.mark.parametrize("reader", FOLDER_READERS)
def test_folders_must_exist(reader: Callable[[str], Any], write: Write, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Could not find collection directory `.*nothing`"):
        reader(str(tmp_path / "nothing"))
    with pytest.raises(NotADirectoryError, match=r"collection path `.*` is not a directory"):
        reader(write("file.txt", ""))


def test_text_lines(write: Write) -> None:
    stream = DataStream.from_txt(write("a.txt", "one\n\ntwo \r\n\nthree\n\nlast"))
    assert list(stream) == ["one", "", "two ", "", "three", "", "last"]
    assert len(stream.filter()) == 4


def test_text_must_be_utf8(write: Write) -> None:
    with pytest.raises(UnicodeDecodeError):
        list(DataStream.from_txt(write("a.txt", b"\xff\xfe\xfd\n")))


def test_jsonl(write: Write) -> None:
    path = write("a.jsonl", '{"a": 1}\n\n[1.5, 2e3]\r\n"x"\n  \nnull')
    assert list(DataStream.from_jsonl(path)) == [{"a": 1}, [1.5, 2000.0], "x", None]


def test_jsonl_takes_control_characters_in_keys(write: Write) -> None:
    path = write("a.jsonl", '{"a\\tb": 1, "c\td": 3}\n\n{"a\\nb": 2}\n')
    assert list(DataStream.from_jsonl(path)) == [{"a\tb": 1, "c\td": 3}, {"a\nb": 2}]


def test_a_bad_line_is_named(write: Write) -> None:
    path = write("bad.jsonl", '{"a": 1}\nnot json\n')
    lines = iter(DataStream.from_jsonl(path))
    assert next(lines) == {"a": 1}
    with pytest.raises(
        ValueError, match=r"Invalid JSON object in `b'not json\\n'`, error: Expecting value"
    ) as info:
        next(lines)
    assert f"({path}, line 2, column 1)" in str(info.value)


@pytest.mark.parametrize(
    ("line", "where"),
    [('  {"a": tru}', "line 3, column 9"), ('{"a": 1} 5', "line 3, column 10"), ('{"a', "line 3, column 2")],
)
def test_the_column_of_a_mistake_in_a_line_is_named(line: str, where: str, write: Write) -> None:
    path = write("bad.jsonl", f'1\n\n{line}\n"next"\n')
    with pytest.raises(ValueError, match=rf"\({path}, {where}\)"):
        list(DataStream.from_jsonl(path))


def test_jsonl_is_read_line_by_line(write: Write) -> None:
    lines = iter(DataStream.from_jsonl(write("a.jsonl", b'{"a": 1}\n' + b"\xff" * 200_000)))
    assert next(lines) == {"a": 1}
    with pytest.raises(UnicodeDecodeError):
        next(lines)


@pytest.mark.parametrize("reader", [DataStream.from_jsonl, DataStream.from_json_array])
def test_json_nested_too_deeply_is_invalid(reader: Callable[[str], DataStream[Any]], write: Write) -> None:
    path = write("deep.json", "[" * 100_000 + "]" * 100_000)
    with pytest.raises(ValueError, match="Invalid JSON object"):
        list(reader(path))


def test_json_array(write: Write) -> None:
    path = write("a.json", ' [ {"a": [1, 2]}, "x,]", 1.5, 1e3, 12 , null, true ] \n')
    assert list(DataStream.from_json_array(path)) == [{"a": [1, 2]}, "x,]", 1.5, 1000.0, 12, None, True]
    assert [type(item) for item in DataStream.from_json_array(path)][2:5] == [float, float, int]


def test_an_empty_array_is_an_empty_stream(write: Write) -> None:
    assert list(DataStream.from_json_array(write("a.json", "[ ]"))) == []


def test_large_arrays_are_cut_at_any_place(write: Write) -> None:
    items = [
        {"text": 'é\\"]' * (number % 7), "value": number * 1.25e-3, "flag": None} for number in range(20_000)
    ]
    items.append({"text": "x" * 300_000, "value": 1.0, "flag": None})
    for offset in range(3):
        path = write("a.json", " " * offset + json.dumps(items, indent=offset or None))
        assert list(DataStream.from_json_array(path)) == items


@pytest.mark.parametrize("pad", range(65_530, 65_537))
def test_numbers_at_the_end_of_a_chunk_stay_whole(pad: int, write: Write) -> None:
    path = write("a.json", "[" + " " * (pad - 3) + "123456, 7, true]")
    assert list(DataStream.from_json_array(path)) == [123456, 7, True]


def test_json_array_reads_no_further_than_needed(write: Write) -> None:
    path = write("a.json", "[1, 2," + " " * 200_000 + "broken")
    items = iter(DataStream.from_json_array(path))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="Invalid JSON object"):
        next(items)


@pytest.mark.parametrize(
    "content", ["", "  ", "not json", '{"a": ', "[1, 2", "[1 2]", "[1,]", "[1]x", "[", '["a', "[,1]"]
)
def test_malformed_arrays(content: str, write: Write) -> None:
    path = write("bad.json", content)
    with pytest.raises(ValueError, match=r"Invalid JSON object in `.*bad.json`"):
        list(DataStream.from_json_array(path))


def test_the_line_of_a_mistake_is_named(write: Write) -> None:
    path = write("bad.json", "[\n" + "1,\n" * 50_000 + "x]")
    with pytest.raises(ValueError, match=r"Expecting value \(line 50002, column 1\)"):
        list(DataStream.from_json_array(path))


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("[1, x]", "line 1, column 5"),
        ("[\n 1,\n  2 3]", "line 3, column 5"),
        ("[1,\r\n2]\r\n!", "line 3, column 1"),
        ("[" + '"abcdefg", ' * 30_000 + "x]", "line 1, column 330002"),
        ("[" + '"abcdefg",\n' * 30_000 + " x]", "line 30001, column 2"),
        ('["' + "x" * 200_000 + '",\n"' + "y" * 100_000 + '" x]', "line 2, column 100004"),
    ],
)
def test_line_and_column_of_a_mistake_in_an_array(content: str, where: str, write: Write) -> None:
    with pytest.raises(ValueError, match=rf"\({where}\)"):
        list(DataStream.from_json_array(write("bad.json", content)))


@pytest.mark.parametrize("content", ['{"a": 1}', "3", '"[1]"', "null"])
def test_other_json_is_no_array(content: str, write: Write) -> None:
    with pytest.raises(ValueError, match=r"Non-array JSON object in `.*obj.json`"):
        list(DataStream.from_json_array(write("obj.json", content)))


def test_csv(write: Write) -> None:
    path = write("a.csv", 'a,"b\nc"\r\nd,é\r\ne,f\r\n')
    assert list(DataStream.from_csv(path)) == [["a", "b\nc"], ["d", "é"], ["e", "f"]]
    assert list(DataStream.from_csv(path, skip=2)) == [["d", "é"], ["e", "f"]]
    assert list(DataStream.from_csv(path, skip=20)) == []
    assert list(DataStream.from_csv(write("b.csv", "a;b\n"), delimiter=";")) == [["a", "b"]]
    with pytest.raises(ValueError, match="expected skip of at least 0, got -1"):
        DataStream.from_csv(path, skip=-1)
    with pytest.raises(TypeError, match="`skip`"):
        DataStream.from_csv(path, skip="1")  # type: ignore[arg-type]  # the mistake under test


def test_header_csv(write: Write) -> None:
    path = write("a.csv", "k1,k2\n1,2\n3\n4,5,6\n")
    assert list(DataStream.from_header_csv(path)) == [
        {"k1": "1", "k2": "2"},
        {"k1": "3", "k2": None},
        {"k1": "4", "k2": "5", None: ["6"]},
    ]
    assert DataStream.from_header_csv(path, fieldnames=["x", "y"]).peek() == {"x": "k1", "y": "k2"}


@pytest.mark.parametrize(
    ("reader", "name", "content", "item"),
    [
        (DataStream.from_header_csv, "a.csv", "k1\n1\n", {"k1": "1"}),
        (DataStream.from_csv, "a.csv", "k1\n", ["k1"]),
        (DataStream.from_jsonl, "a.jsonl", "1\n", 1),
        (DataStream.from_json_array, "a.json", "[1]", 1),
    ],
)
def test_a_byte_order_mark_is_not_data(
    reader: Callable[[str], DataStream[Any]], name: str, content: str, item: Any, write: Write
) -> None:
    assert reader(write(name, b"\xef\xbb\xbf" + content.encode())).peek() == item


def test_broken_csv_is_named(write: Write) -> None:
    path = write("bad.csv", "a\nb\n" + "x" * 200_000 + "\n")
    with pytest.raises(csv.Error, match=r"Invalid CSV in `.*bad.csv`: .*\(line 3\)"):
        list(DataStream.from_csv(path))


@pytest.mark.parametrize(
    ("reader", "content", "line"),
    [
        (DataStream.from_txt, b"one\ntwo \xff\n", 2),
        (DataStream.from_csv, b"a,b\n" * 10_000 + b"c,\xc3\xa9\xe9,d\n", 10_001),
        (DataStream.from_header_csv, b"a,b\r\n1,2\r\n\x80,1\r\n", 3),
        (DataStream.from_json_array, b'["a",\n' * 1 + b'"b",\n' * 20_000 + b'"\xff"]', 20_002),
        (DataStream.from_jsonl, b'"a"\n\n"\xff"\n', 3),
        (DataStream.from_csv, b"a\n" + b"x" * 65_533 + b"\xc3", 2),
    ],
)
def test_the_line_of_bad_bytes_is_named(
    reader: Callable[[str], DataStream[Any]], content: bytes, line: int, write: Write
) -> None:
    path = write("bad.bin", content)
    with pytest.raises(UnicodeDecodeError, match=rf"can't decode byte .* \({path}, line {line}\)"):
        list(reader(path))


@pytest.mark.parametrize("reader", [DataStream.from_txt_collection, DataStream.from_json_collection])
def test_a_file_with_bad_bytes_of_a_collection_is_named(
    reader: Callable[..., DataStream[Any]], write: Write, tmp_path: Path
) -> None:
    write("a.bin", b'"good"\n')
    path = write("b.bin", b'"bad"\n\n\xff')
    with pytest.raises(UnicodeDecodeError, match=rf"\({path}, line 3\)"):
        list(reader(str(tmp_path), extension="bin"))


@pytest.mark.parametrize(
    ("reader", "line"),
    [
        (DataStream.from_jsonl, '{"number": 12345, "label": "some text"}\n'),
        (DataStream.from_json_array, '{"number": 12345, "label": "some text"},\n'),
        (DataStream.from_csv, '12345,"some text"\n'),
        (DataStream.from_header_csv, '12345,"some text"\n'),
        (DataStream.from_txt, "12345 some text\n"),
    ],
)
def test_large_files_take_little_memory(
    reader: Callable[[str], DataStream[Any]], line: str, write: Write
) -> None:
    count = 1_500_000 // len(line)
    content = line * count
    path = write("large", f"[{content}0]" if reader == DataStream.from_json_array else content)
    del content
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader(path)) in (count - 1, count, count + 1)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_a_file_that_is_cut_while_it_is_read_is_an_error(write: Write) -> None:
    path = write("a.json", "[" + "1234567,\n" * 50_000 + "1]")
    numbers = iter(DataStream.from_json_array(path))
    assert next(numbers) == 1234567
    os.truncate(path, 100_000)
    with pytest.raises(ValueError, match=r"Invalid JSON object in `.*a.json`: .* \(line \d+, column \d+\)"):
        list(numbers)


def test_a_file_that_changes_between_passes_is_read_anew(write: Write) -> None:
    stream = DataStream.from_csv(write("a.csv", "1\n2\n"))
    assert list(stream) == [["1"], ["2"]]
    write("a.csv", "3\n")
    assert list(stream) == [["3"]]


@pytest.mark.parametrize(
    ("name", "content", "items"),
    [
        ("a.json", "[1, 2]", [1, 2]),
        ("a.JSON", "[1, 2]", [1, 2]),
        ("a.jsonl", "1\n2\n", [1, 2]),
        ("a.csv", "1,2\n", [["1", "2"]]),
        ("a.log", "1\n2\n", ["1", "2"]),
        ("plain", "1\n2\n", ["1", "2"]),
    ],
)
def test_from_file_goes_by_extension(name: str, content: str, items: list[Any], write: Write) -> None:
    assert list(DataStream.from_file(write(name, content))) == items


def test_collections_are_sorted_and_flat(write: Write, tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        write(f"{name}.txt", f"{name}\ntext")
        write(f"{name}.json", json.dumps({"name": name}))
        write(f"{name}.csv", f"name,n\n{name},1\n{name},2\n")
        write(f"{name}.jsonl", f'"{name}"\n\n1\n')
    write("note.md", "other")
    write("folder/d.txt", "deep")
    os.makedirs(tmp_path / "z.txt")
    folder = str(tmp_path)

    assert list(DataStream.from_txt_collection(folder)) == ["a\ntext", "b\ntext", "c\ntext"]
    assert list(DataStream.from_txt_collection(folder, extension="md")) == ["other"]
    assert list(DataStream.from_json_collection(folder)) == [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    rows = DataStream.from_csv_collection(folder)
    assert len(rows) == 6
    assert rows.peek() == {"name": "a", "n": "1"}
    assert list(DataStream.from_jsonl_collection(folder)) == ["a", 1, "b", 1, "c", 1]


def test_a_broken_file_of_a_collection_is_named(write: Write, tmp_path: Path) -> None:
    write("a.json", "[1")
    with pytest.raises(ValueError, match=r"Invalid JSON object in `.*a.json`"):
        list(DataStream.from_json_collection(str(tmp_path)))


def test_file_streams_can_be_pickled(write: Write) -> None:
    for stream in (
        DataStream.from_jsonl(write("a.jsonl", "1\n2\n")),
        DataStream.from_json_array(write("a.json", "[1, 2]")),
    ):
        assert list(pickle.loads(pickle.dumps(stream))) == [1, 2]


def test_derived_classes_make_their_own_kind(write: Write) -> None:
    class Special(DataStream[Any]):
        pass

    path = write("a.jsonl", "1\n")
    assert type(Special.from_jsonl(path)) is Special
    assert type(Special.from_iterable([1])) is Special
    assert type(Special.from_file(path)) is DataStream
    assert type(Special.from_jsonl(path).map(str)) is DataStream


@pytest.mark.parametrize("data", [5, None])
def test_from_iterable_needs_an_iterable(data: Any) -> None:
    with pytest.raises(TypeError, match="variable `data`"):
        DataStream.from_iterable(data)


def test_samples_have_the_items_that_one_counts(write: Write, tmp_path: Path) -> None:
    text = DataStream.from_txt(write("a.txt", "one\n\ntwo\n\n\nthree\nfour\n"))
    assert (len(text), len(text.filter())) == (7, 4)
    rows = "1,2\n3,4\n5,6\n"
    for stream in (
        DataStream.from_csv(write("plain.csv", rows)),
        DataStream.from_header_csv(write("header.csv", "k1,k2\n" + rows)),
        DataStream.from_csv(write("header.csv", "k1,k2\n" + rows), skip=1),
    ):
        assert [len(row) for row in stream] == [2, 2, 2]
    assert len(DataStream.from_json_array(write("a.json", '[{"a": 1}, {"a": 2}]'))) == 2
    assert len(DataStream.from_jsonl(write("a.jsonl", '{"a": 1}\n' * 4))) == 4
    for number, lines in enumerate((2, 2, 3)):
        write(f"many/{number}.txt", "text\n" * lines)
        write(f"many/{number}.json", f'{{"number": {number}}}')
        write(f"many/{number}.csv", "k1,k2\n1,2\n3,4\n")
        write(f"many/{number}.jsonl", '{"a": 1}\n' * lines)
    folder = str(tmp_path / "many")
    assert len(DataStream.from_txt_collection(folder)) == 3
    assert len(DataStream.from_json_collection(folder)) == 3
    assert [len(row) for row in DataStream.from_csv_collection(folder)] == [2] * 6
    assert len(DataStream.from_jsonl_collection(folder)) == 7
