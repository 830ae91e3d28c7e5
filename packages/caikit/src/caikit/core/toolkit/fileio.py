"""Reads and writes small files of common formats."""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
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
    with open(filename, encoding="utf-8") as file:
        return file.read()


def load_txt_lines(filename: _Path) -> list[str]:
    """The lines, without white space at their ends."""
    with open(filename, encoding="utf-8") as file:
        return [line.strip() for line in file]


def save_txt(text: str, filename: _Path, mode: str = "w") -> None:
    save_raw(text, filename, mode)


def save_raw(content: str, filename: _Path, mode: str = "w") -> None:
    with open(filename, mode, encoding="utf-8") as file:
        file.write(content)


def load_binary(filename: _Path) -> bytes:
    with open(filename, "rb") as file:
        return file.read()


def save_binary(data: bytes, filename: _Path) -> None:
    with open(filename, "wb") as file:
        file.write(data)


def load_csv(filename: _Path) -> list[list[str]]:
    with open(filename, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def save_csv(text_list: Iterable[Iterable[Any]], filename: _Path, mode: str = "w") -> None:
    with open(filename, mode, encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(text_list)


def load_dict_csv(filename: _Path) -> list[dict[str, str]]:
    """One dictionary per row, with the header row as keys."""
    with open(filename, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def save_dict_csv(dict_list: Sequence[Mapping[str, Any]], filename: _Path, mode: str = "w") -> None:
    """A header row from the keys of the first dictionary, then one row each; nothing for an empty list."""
    if not dict_list:
        return
    with open(filename, mode, encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict_list[0]))
        writer.writeheader()
        writer.writerows(dict_list)


def load_json(filename: _Path) -> Any:
    with open(filename, encoding="utf-8") as file:
        return json.load(file)


def save_json(obj: Any, filename: _Path, mode: str = "w") -> None:
    with open(filename, mode, encoding="utf-8") as file:
        json.dump(obj, file, indent=2, ensure_ascii=False)


def load_yaml(filename: _Path) -> Any:
    with open(filename, encoding="utf-8") as file:
        return yaml.safe_load(file)


def save_yaml(obj: Any, filename: _Path, mode: str = "w") -> None:
    with open(filename, mode, encoding="utf-8") as file:
        yaml.safe_dump(obj, file, default_flow_style=False)


def load_pickle(filename: _Path) -> Any:
    """The pickled object; a pickle can run any code, so its origin must be trusted."""
    with open(filename, "rb") as file:
        return pickle.load(file)  # noqa: S301 - reading pickles is what this function is for


def save_pickle(obj: Any, filename: _Path, mode: str = "wb") -> None:
    with open(filename, mode) as file:
        pickle.dump(obj, file)


def compress(dir_path: _Path, output_path: str | None = None, extension: str = "zip") -> str:
    """Pack a directory into an archive next to `output_path` (`archive` here) and return its path.

    `extension` is the name of a `shutil` format; "gztar" makes a file that ends with ".tar.gz".
    """
    base = output_path or os.path.join(os.getcwd(), "archive")
    return shutil.make_archive(base, extension.lstrip("."), dir_path)
