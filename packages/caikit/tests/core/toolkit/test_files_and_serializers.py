"""Files of common formats."""

from __future__ import annotations

import os
import tarfile
import zipfile

import pytest

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
