"""Types as docstrings of several styles state them."""

# ruff: noqa: UP006, UP007, UP035, UP045 - annotations are spelled in every way that users spell them

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

import pytest

from caikit.core import DataObjectBase, dataobject
from caikit.core.data_model import DataStream
from caikit.core.signature_parsing.docstrings import (
    get_arg_type,
    get_return_type,
    is_optional,
    parse_docstring,
)


@dataobject("tests.core.docstrings")
class DocstringSample(DataObjectBase):
    text: str


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x (str): words", str),
        ("x (Optional[str]): words", Optional[str]),
        ("x (Dict[str, int]): words", Dict[str, int]),
        ("x (DataStream[str]): words", DataStream[str]),
        ("x (str or int): words", Union[str, int]),
        ("x (int|str): words", Union[int, str]),
        ("x (Union[str, int]): words", Union[str, int]),
        ("x (List[DocstringSample]): words", List[DocstringSample]),
        ("x: int | str\n            the thing", Union[int, str]),
        ("x: int or str\n            the thing", Union[int, str]),
        ("x: Dict[str, int] of things", Dict[str, int]),
        ("x: List(str)\n            the thing", List[str]),
        ("x: yadda yadda blah tests.core.docstrings.DocstringSample", DocstringSample),
        ("x: print the input id", None),
        ("x: the number\n            of type int", None),
        ("x (NoSuchThing): words", None),
    ],
)
def test_parameters(text: str, expected: Any) -> None:
    docstring = parse_docstring(f"Something.\n\n    Args:\n        {text}\n    ")
    assert get_arg_type(docstring, "x") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Something.\n\nReturns:\n    DocstringSample: text",
        "Something.\n\nReturns:\n    DocstringSample\n        text",
        "Something.\n\nYields:\n    DocstringSample: text",
        "Something.\n\nReturns\n-------\nDocstringSample\n    text",
        "Something.\n\n:returns: text\n:rtype: DocstringSample",
    ],
)
def test_results(text: str) -> None:
    assert get_return_type(parse_docstring(text)) is DocstringSample


def test_other_styles() -> None:
    sphinx = parse_docstring("Something.\n\n:param a: words\n:type a: int")
    numpy = parse_docstring("Something.\n\nParameters\n----------\na : int\n    words")
    assert get_arg_type(sphinx, "a") is int
    assert get_arg_type(numpy, "a") is int


def test_the_first_description_of_a_parameter_counts() -> None:
    docstring = parse_docstring("Something.\n\nArgs:\n    a: int\n    a: str\n")
    assert get_arg_type(docstring, "a") is int


def test_optional_marks() -> None:
    docstring = parse_docstring(
        "Something.\n\nArgs:\n    a: int\n        Optional thing\n    b: An optional word\n    c: not optional\n"
    )
    assert is_optional(docstring, "a")
    assert is_optional(docstring, "b")
    assert not is_optional(docstring, "c")
    assert not is_optional(docstring, "unknown")


def test_no_docstring_tells_nothing() -> None:
    assert parse_docstring(None) is None
    assert get_arg_type(None, "a") is None
    assert get_return_type(None) is None
    assert not is_optional(None, "a")
