"""Reads and writes small files of common formats.

All text is UTF-8. `mode="a"` of the functions that write adds to the end of a file. Errors are those of `open`
and of the format's module in the standard library (`csv`, `json`, `pickle`) or of `yaml`.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

__all__ = [
    "compress",
    "load_binary",
    "load_csv",
    "load_dict_csv",
    "load_json",
    "load_pickle",
    "load_txt",
    "load_txt_lines",
    "load_yaml",
    "save_binary",
    "save_csv",
    "save_dict_csv",
    "save_json",
    "save_pickle",
    "save_raw",
    "save_txt",
    "save_yaml",
]

_Path = str | os.PathLike[str]


def load_txt(filename: _Path) -> str:
    """The whole text, with `\\n` at the ends of lines whatever they are in the file."""
    with open(filename, encoding="utf-8") as file:
        return file.read()


def load_txt_lines(filename: _Path) -> list[str]:
    """The lines, without white space at either end."""
    with open(filename, encoding="utf-8") as file:
        return [line.strip() for line in file]


def save_txt(text: str, filename: _Path, mode: str = "w") -> None:
    """Write the text as it is; no newline is added."""
    save_raw(text, filename, mode)


def save_raw(content: str, filename: _Path, mode: str = "w") -> None:
    """The same as `save_txt`."""
    with open(filename, mode, encoding="utf-8") as file:
        file.write(content)


def load_binary(filename: _Path) -> bytes:
    """The whole content of the file."""
    with open(filename, "rb") as file:
        return file.read()


def save_binary(data: bytes, filename: _Path) -> None:
    """Write `data` as the whole content of the file."""
    with open(filename, "wb") as file:
        file.write(data)


def load_csv(filename: _Path) -> list[list[str]]:
    """All rows, the first one included; fields are separated by commas and may be quoted with `"`."""
    with open(filename, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def save_csv(text_list: Iterable[Iterable[Any]], filename: _Path, mode: str = "w") -> None:
    """One line per row, ended by CR LF; None becomes an empty field, everything else its `str`."""
    with open(filename, mode, encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(text_list)


def load_dict_csv(filename: _Path) -> list[dict[str, str]]:
    """One dictionary per row, with the header row as keys.

    Fields that are missing at the end of a row are None; those beyond the header are a list under the key None.
    """
    with open(filename, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def save_dict_csv(dict_list: Sequence[Mapping[str, Any]], filename: _Path, mode: str = "w") -> None:
    """A header row from the keys of the first dictionary, then one row each; no file for an empty list.

    `mode="a"` writes the header again. A key that the first dictionary does not have is a ValueError.
    """
    if not dict_list:
        return
    with open(filename, mode, encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict_list[0]))
        writer.writeheader()
        writer.writerows(dict_list)


def load_json(filename: _Path) -> Any:
    """The value of a JSON document."""
    with open(filename, encoding="utf-8") as file:
        return json.load(file)


def save_json(obj: Any, filename: _Path, mode: str = "w") -> None:
    """Indented by two spaces. What JSON cannot express is a TypeError, and the file stays as it was."""
    save_raw(json.dumps(obj, indent=2, ensure_ascii=False), filename, mode)


def load_yaml(filename: _Path) -> Any:
    """The value of a YAML document of plain types; tags that stand for Python objects are a `yaml.YAMLError`."""
    with open(filename, encoding="utf-8") as file:
        return yaml.safe_load(file)


def save_yaml(obj: Any, filename: _Path, mode: str = "w") -> None:
    """Sorted by keys. What is not of a plain type is a `yaml.YAMLError`, and the file stays as it was."""
    save_raw(yaml.safe_dump(obj, default_flow_style=False), filename, mode)


def load_pickle(filename: _Path) -> Any:
    """The pickled object; a pickle can run any code, so its origin must be trusted."""
    with open(filename, "rb") as file:
        return pickle.load(file)  # noqa: S301 - reading pickles is what this function is for


def save_pickle(obj: Any, filename: _Path, mode: str = "wb") -> None:
    """Written piece by piece: if an object in the middle cannot be pickled, the file is incomplete."""
    with open(filename, mode) as file:
        pickle.dump(obj, file)


def compress(dir_path: _Path, output_path: str | None = None, extension: str = "zip") -> str:
    """Pack a directory with everything below it into an archive and return the path of the archive.

    The path is `output_path` (default: `archive` in the working directory) and the ending that belongs to
    `extension`, which is the name of a `shutil` format: "zip", "tar", "gztar" (ending `.tar.gz`), "bztar" or
    "xztar".
    """
    base = output_path or os.path.join(os.getcwd(), "archive")
    archive_format = extension.lstrip(".")
    # built elsewhere, so that an archive in the directory does not contain the beginning of itself
    with tempfile.TemporaryDirectory() as elsewhere:
        built = shutil.make_archive(os.path.join(elsewhere, "archive"), archive_format, dir_path)
        target = base + os.path.basename(built).removeprefix("archive")
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        return shutil.move(built, target)
