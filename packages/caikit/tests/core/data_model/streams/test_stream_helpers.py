"""Converter, CSV column formatter, validator and resolver."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from caikit.core.data_model import DataStream
from caikit.core.data_model.streams.converter import DataStreamConverter
from caikit.core.data_model.streams.csv_column_formatter import CSVColumnFormatter
from caikit.core.data_model.streams.resolver import DataStreamResolver
from caikit.core.data_model.streams.validator import DataStreamValidator
from caikit.core.exceptions import DataValidationError


def stream_of(*items: Any) -> DataStream[Any]:
    return DataStream.from_iterable(items)


@pytest.mark.parametrize(
    ("item", "as_list", "as_dict"),
    [
        ({"b": 2, "a": 1}, [1, 2], {"b": 2, "a": 1}),
        ([1, 2], [1, 2], {"a": 1, "b": 2}),
        ([1, 2, 3], [1, 2, 3], {"a": 1, "b": 2}),
        ((1, 2), [1, 2], {"a": 1, "b": 2}),
    ],
)
def test_conversion(item: Any, as_list: list[int], as_dict: dict[str, int]) -> None:
    assert DataStreamConverter(list, ["a", "b"]).convert(stream_of(item)).peek() == as_list
    assert DataStreamConverter(dict, ["a", "b"]).convert(stream_of(item)).peek() == as_dict


@pytest.mark.parametrize(
    ("target", "item", "problem"),
    [(list, {"a": 1}, KeyError), (dict, [1], IndexError), (list, 5, TypeError), (dict, "ab", TypeError)],
)
def test_items_that_do_not_convert(target: type, item: Any, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        DataStreamConverter(target, ["a", "b"]).convert(stream_of(item)).peek()


def test_converter_arguments() -> None:
    with pytest.raises(
        ValueError, match="Conversion of stream data items to type <class 'tuple'> not supported"
    ):
        DataStreamConverter(tuple, ["a"])
    with pytest.raises(ValueError, match="value check failed: `key_list` should be nonempty"):
        DataStreamConverter(list, [])
    for target, keys in (("list", ["a"]), (list, [1]), (list, 5)):
        with pytest.raises(TypeError):
            DataStreamConverter(target, keys)  # type: ignore[arg-type]  # the mistakes under test


@pytest.mark.parametrize(
    ("item", "formatted"),
    [
        (["foo", "bar", "baz", "buz"], ["foo", ["bar", "baz", "buz"]]),
        (["foo", "bar"], ["foo", ["bar"]]),
        (["foo", ["bar"]], ["foo", ["bar"]]),
        (["foo", ["bar"], "baz"], ["foo", ["bar", "baz"]]),
        (["foo"], ["foo"]),
        (("foo", "bar"), ("foo", "bar")),
        ({"text": "foo", "labels": "bar"}, {"text": "foo", "labels": "bar"}),
    ],
)
def test_column_formatting(item: Any, formatted: Any) -> None:
    formatter = CSVColumnFormatter({"text": str, "labels": list})
    stream = formatter.format(stream_of(item))
    assert stream.peek() == formatted
    assert stream.peek() == formatted


def test_a_list_that_is_not_last_takes_one_value() -> None:
    assert CSVColumnFormatter({"labels": list, "text": str}).format(stream_of(["a", "b", "c"])).peek() == [
        ["a"],
        "b",
        "c",
    ]


def test_formatter_without_lists_changes_nothing() -> None:
    stream = stream_of(["a"])
    assert CSVColumnFormatter({"text": str}).format(stream) is stream


def test_formatter_arguments() -> None:
    with pytest.raises(ValueError, match="value check failed: `expected_columns` should be nonempty"):
        CSVColumnFormatter({})
    with pytest.raises(TypeError):
        CSVColumnFormatter([("a", str)])  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"a": 1}, "Data item is missing required key(s): {'b'} "),
        ({"a": "1", "b": "x"}, "Expected a in data item to be of type <class 'int'>, but got <class 'str'>"),
        ([1], "Expected data item to have 2 elements but contained 1 elements"),
        ((1, 2), "Expected element 1 in data item to be of type <class 'str'>, but got <class 'int'>"),
        ("ab", "This data item of type <class 'str'> cannot be converted :("),
    ],
)
def test_validation(item: Any, reason: str) -> None:
    good = {"a": 1, "b": "x", "c": None}
    stream = DataStreamValidator({"a": int, "b": str}).validate(stream_of(good, [1, "x"], item))
    for _ in range(2):
        items = iter(stream)
        assert [next(items), next(items)] == [good, [1, "x"]]
        with pytest.raises(DataValidationError) as info:
            next(items)
        assert (info.value.reason, info.value.item_number) == (reason, 2)


def test_validator_needs_keys() -> None:
    with pytest.raises(ValueError, match="value check failed"):
        DataStreamValidator({})


def test_resolver_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("hello,one\nworld,two,three\n")
    resolved = DataStreamResolver(dict, {"text": str, "labels": list}).as_data_stream(str(path))
    assert list(resolved) == [
        {"text": "hello", "labels": ["one"]},
        {"text": "world", "labels": ["two", "three"]},
    ]
    assert list(pickle.loads(pickle.dumps(resolved))) == list(resolved)


def test_resolver_over_a_stream() -> None:
    resolver = DataStreamResolver(list, {"text": str, "number": int})
    assert list(resolver.as_data_stream(stream_of({"text": "a", "number": 1}, ("b", 2)))) == [
        ["a", 1],
        ["b", 2],
    ]


def test_resolver_arguments() -> None:
    with pytest.raises(TypeError):
        DataStreamResolver("dict", {"a": str})  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(TypeError):
        DataStreamResolver(dict, ["a"])  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(TypeError):
        DataStreamResolver(dict, {"a": str}).as_data_stream(5)  # type: ignore[arg-type]  # the mistake under test
