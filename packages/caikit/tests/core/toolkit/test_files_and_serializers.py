"""Files of common formats."""

from __future__ import annotations

import os
import tarfile
import zipfile

import pytest
import yaml

import caikit.core
from caikit.core.toolkit import fileio, serializers


@pytest.mark.parametrize(
    ("kind", "value", "content"),
    [
        ("txt", "é\n", "é\n".encode()),
        ("json", {"é": 1}, b'{\n  "\xc3\xa9": 1\n}'),
        ("yaml", {"b": [1], "a": "x"}, b"a: x\nb:\n- 1\n"),
        ("csv", [["a", "b,c"], ["1", ""]], b'a,"b,c"\r\n1,\r\n'),
        ("dict_csv", [{"a": "1", "b": "2"}], b"a,b\r\n1,2\r\n"),
        ("binary", b"\x00\xff", b"\x00\xff"),
        ("pickle", {"a": (1, 2)}, None),
    ],
)
def test_save_and_load(tmp_path, kind, value, content):
    path = str(tmp_path / "file")
    getattr(fileio, f"save_{kind}")(value, path)
    assert getattr(fileio, f"load_{kind}")(path) == value
    if content is not None:
        assert (tmp_path / "file").read_bytes() == content
    assert getattr(caikit.core, f"load_{kind}") is getattr(caikit.core.toolkit, f"load_{kind}")


def test_appending_and_lines(tmp_path):
    path = str(tmp_path / "file")
    fileio.save_txt(" a \n", path)
    fileio.save_txt("b", path, mode="a")
    assert fileio.load_txt_lines(path) == ["a", "b"]
    fileio.save_raw("c", path)
    assert fileio.load_txt(path) == "c"


def test_csv_corner_cases(tmp_path):
    path = tmp_path / "file"
    fileio.save_csv([[None, 'a "b"']], str(path))
    assert fileio.load_csv(str(path)) == [["", 'a "b"']]
    path.unlink()
    fileio.save_dict_csv([], str(path))
    assert not path.exists()


def test_appending_rows(tmp_path):
    path = str(tmp_path / "file")
    fileio.save_csv([["a", 1]], path)
    fileio.save_csv([["b", 2]], path, mode="a")
    assert fileio.load_csv(path) == [["a", "1"], ["b", "2"]]
    fileio.save_dict_csv([{"a": 1}], path)
    fileio.save_dict_csv([{"a": 2}], path, mode="a")
    assert fileio.load_dict_csv(path) == [{"a": "1"}, {"a": "a"}, {"a": "2"}]


@pytest.mark.parametrize(("kind", "error"), [("json", TypeError), ("yaml", yaml.YAMLError)])
def test_what_cannot_be_written_leaves_the_file_alone(tmp_path, kind, error):
    path = str(tmp_path / "file")
    getattr(fileio, f"save_{kind}")({"a": 1}, path)
    with pytest.raises(error):
        getattr(fileio, f"save_{kind}")({"a": 1, "b": object()}, path)
    assert getattr(fileio, f"load_{kind}")(path) == {"a": 1}


@pytest.mark.parametrize("kind", ["txt", "json", "yaml", "csv", "dict_csv", "binary", "pickle", "raw"])
def test_files_that_cannot_be_written_are_named(tmp_path, kind):
    path = str(tmp_path / "missing" / "file")
    value = {"binary": b"a", "csv": [["a"]], "dict_csv": [{"a": 1}]}.get(kind, "a")
    with pytest.raises(FileNotFoundError, match="missing"):
        getattr(fileio, f"save_{kind}")(value, path)
    (tmp_path / "missing").write_text("no directory")
    with pytest.raises(NotADirectoryError, match="missing"):
        getattr(fileio, f"save_{kind}")(value, path)


def names_in(archive):
    if archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as file:
            return file.namelist()
    with tarfile.open(archive) as file:
        return file.getnames()


@pytest.mark.parametrize(
    ("extension", "suffix"), [("zip", "zip"), (".zip", "zip"), ("tar", "tar"), ("gztar", "tar.gz")]
)
def test_compress(tmp_path, extension, suffix):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "a.txt").write_text("a")
    archive = fileio.compress(str(tmp_path / "in"), str(tmp_path / "arch"), extension)
    assert archive == str(tmp_path / f"arch.{suffix}")
    assert "sub/a.txt" in map(os.path.normpath, names_in(archive))


def test_compress_into_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    assert fileio.compress("in") == os.path.join(os.getcwd(), "archive.zip")


def test_an_archive_does_not_contain_itself(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    assert names_in(fileio.compress(".")) == ["a.txt"]


@pytest.mark.parametrize(
    ("path", "extension", "error"),
    [("missing", "zip", FileNotFoundError), ("a.txt", "zip", NotADirectoryError), ("", "rar", ValueError)],
)
def test_what_cannot_be_compressed(tmp_path, path, extension, error):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(error):
        fileio.compress(str(tmp_path / path), str(tmp_path / "arch"), extension)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "value", "load"),
    [
        ("JSONSerializer", {"a": [1]}, fileio.load_json),
        ("YAMLSerializer", {"a": [1]}, fileio.load_yaml),
        ("CSVSerializer", [["a", "b"]], fileio.load_csv),
        ("PickleSerializer", {1, 2}, fileio.load_pickle),
    ],
)
def test_serializers(tmp_path, name, value, load):
    serializer = getattr(serializers, name)()
    serializer.serialize(value, str(tmp_path / "file"))
    assert load(str(tmp_path / "file")) == value
    assert isinstance(serializer, getattr(caikit.core, "ObjectSerializer"))  # noqa: B009 - the public face


def test_text_serializer(tmp_path):
    serializers.TextSerializer().serialize(["a", "b"], str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "a\nb"


def test_serializer_is_abstract():
    with pytest.raises(TypeError):
        serializers.ObjectSerializer()
