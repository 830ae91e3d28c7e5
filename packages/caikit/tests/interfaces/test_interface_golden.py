"""The interface files of the interfaces are those that were published, and constructors follow their rows."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from caikit.core.data_model import DataBase

HERE = Path(__file__).parent
DUMP = HERE.parent / "golden" / "dump" / "per_object"
BY_HAND = {"EvaluationResult", "Image", "SingleTimeSeries", "TimeSeries"}
"""Classes with constructors of their own."""


def published_files() -> list[Any]:
    packages = ("caikit_data_model.common.*", "caikit_data_model.runtime.*")
    return [pytest.param(path, id=path.name) for name in packages for path in sorted(DUMP.glob(name))]


def rows() -> list[Any]:
    """The messages of both lists, with the numbers and names of their rows."""
    text = "".join((HERE / name).read_text() for name in ("messages.txt", "messages_ts_vision.txt"))
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("message "):
            fields = found.setdefault(words[1], [])
        elif line.startswith("  "):
            oneof = [word.removeprefix("oneof=") for word in words if word.startswith("oneof=")]
            fields.append(oneof[0] if oneof else words[1])
    return [pytest.param(name, list(dict.fromkeys(fields)), id=name) for name, fields in found.items()]


@pytest.mark.parametrize("path", published_files())
def test_interface_files(path: Path) -> None:
    expected = path.read_text()
    kind = "enum" if "-- ENUMS --" in expected else "message"
    name = next(line.split()[1] for line in expected.splitlines() if line.startswith(kind))
    package = path.name.removesuffix(f".{name.lower()}.proto")
    cls = DataBase.get_class_for_name(f"{package}.{name}")
    made = cls._proto_enum if kind == "enum" else cls.get_proto_class()
    assert made.DESCRIPTOR.file.name == path.name
    assert made.to_proto_file() == expected


@pytest.mark.parametrize(("name", "fields"), rows())
def test_positional_arguments_follow_the_rows(name: str, fields: list[str]) -> None:
    cls = DataBase.get_class_for_name(name)
    if cls.__name__ in BY_HAND:
        assert list(cls.__match_args__) == fields
        return
    parameters = inspect.signature(cls).parameters.values()
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional[: len(fields)] == fields


@pytest.mark.parametrize(("name", "fields"), rows())
def test_every_class_and_module_says_what_it_is(name: str, fields: list[str]) -> None:
    cls = DataBase.get_class_for_name(name)
    assert cls.__doc__, name
    assert inspect.getmodule(cls).__doc__
