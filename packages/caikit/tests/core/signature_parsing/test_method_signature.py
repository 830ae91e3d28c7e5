"""What the signature of a method tells, with annotations that are objects."""

# ruff: noqa: B006, RUF013, UP006, UP007, UP035, UP045 - annotations are spelled in every way that users spell them

import copy
import functools
import inspect
from typing import Any, Dict, List, Optional, Union, get_type_hints

import docstring_parser
import pytest

from caikit.core import DataObjectBase, ModuleBase, dataobject
from caikit.core.data_model import DataStream, ProducerId, json_dict
from caikit.core.data_model.json_dict import JsonDict
from caikit.core.signature_parsing import CaikitMethodSignature, CustomSignature
from caikit.core.signature_parsing.parsers import (
    get_args_with_defaults,
    get_argument_types,
    get_output_type_name,
)

# mypy: disable-error-code="no-untyped-def,empty-body"
# reason: missing annotations are what is tested


@dataobject("tests.core.signatures")
class SignatureSample(DataObjectBase):
    text: str


class Sample(ModuleBase):
    def run(
        self,
        text: str,
        without_hint,
        producer_id: int,
        count: int = None,
        guessed=12,
        items=[1, 2],
        without_value=None,
        signature_sample=None,
        *args,
        option: Optional[float] = None,
        _=1,
        **kwargs,
    ) -> SignatureSample: ...

    @classmethod
    def train(cls, data: "DataStream[SignatureSample]") -> "Sample": ...

    def documented(self, a, b, c, d: int, undescribed):
        """Something.

        Args:
            a: tests.core.signatures.SignatureSample
                the input
            b: int | str
                optional thing
            c (Dict[str, int]): the map
            d: An optional number
        Returns:
            SignatureSample
                text
        """


def test_parameters_of_every_kind() -> None:
    signature = CaikitMethodSignature(Sample, "run")
    assert signature.parameters == {
        "text": str,
        "without_hint": None,
        "producer_id": ProducerId,
        "count": int,
        "guessed": int,
        "items": List[int],
        "without_value": None,
        "signature_sample": SignatureSample,
        "option": Optional[float],
    }
    assert list(signature.parameters or {})[:3] == ["text", "without_hint", "producer_id"]
    assert signature.return_type is SignatureSample
    assert signature.default_parameters == {
        "count": None,
        "guessed": 12,
        "items": [1, 2],
        "without_value": None,
        "signature_sample": None,
        "option": None,
    }
    assert signature.method_signature == inspect.signature(Sample.run)
    assert signature.qualified_name.endswith("Sample.run")
    assert (signature.module, signature.method_name, signature.context_arg) == (Sample, "run", None)


def test_a_missing_method_has_no_parameters() -> None:
    signature = CaikitMethodSignature(Sample, "fly")
    assert signature.parameters is None
    assert signature.return_type is None
    assert signature.default_parameters == {}


def test_methods_of_the_base_have_neither_parameters_nor_result() -> None:
    signature = CaikitMethodSignature(ModuleBase, "train")
    assert signature.parameters == {}
    assert signature.return_type is None


def test_quoted_annotations_are_resolved() -> None:
    signature = CaikitMethodSignature(Sample, "train")
    assert signature.parameters == {"data": DataStream[SignatureSample]}
    assert signature.return_type is Sample


def test_docstrings_fill_the_gaps() -> None:
    signature = CaikitMethodSignature(Sample, "documented")
    assert signature.parameters == {
        "a": SignatureSample,
        "b": Optional[Union[int, str]],
        "c": Dict[str, int],
        "d": Optional[int],
        "undescribed": None,
    }
    assert signature.return_type is SignatureSample


def test_unreadable_docstrings_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise docstring_parser.ParseError(text)

    monkeypatch.setattr(docstring_parser, "parse", refuse)
    signature = CaikitMethodSignature(Sample, "documented")
    assert signature.parameters == dict.fromkeys("abc") | {"d": int, "undescribed": None}


def test_a_custom_signature_replaces_parameters_and_result() -> None:
    original = CaikitMethodSignature(Sample, "run", context_arg="without_value")
    custom = CustomSignature(original, {"other": bytes}, bool)
    assert custom.parameters == {"other": bytes}
    assert custom.return_type is bool
    assert custom.default_parameters == original.default_parameters
    assert (custom.module, custom.method_name, custom.context_arg) == (Sample, "run", "without_value")


def test_functions_can_be_read_directly() -> None:
    def _run(a, b: bool, c: int = None, d: str = None, e: int = 5, f: float = 0.5, g=None): ...

    assert get_args_with_defaults(_run) == {"c": None, "d": None, "e": 5, "f": 0.5, "g": None}
    assert get_argument_types(_run) == {
        "a": None, "b": bool, "c": int, "d": str, "e": int, "f": float, "g": None,
    }  # fmt: skip
    assert get_output_type_name(Sample, inspect.signature(Sample.train), Sample.train) is Sample


def test_unions_keep_the_order_in_which_they_are_written() -> None:
    def one(
        first: Optional[Union[bytes, bool]],
        many: List[Union[bytes, bool]],
        bare: Union[bytes, bool],
        quoted: "Optional[Union[bytes, bool]]",
    ): ...
    def two(
        first: Optional[Union[bool, bytes]],
        many: List[Union[bool, bytes]],
        bare: Union[bool, bytes],
        quoted: "Optional[Union[bool, bytes]]",
    ): ...

    members = {name: hint.__args__ for name, hint in get_argument_types(one).items()}
    assert members["first"] == members["quoted"] == (bytes, bool, type(None))
    assert members["many"][0].__args__ == members["bare"] == (bytes, bool)
    members = {name: hint.__args__ for name, hint in get_argument_types(two).items()}
    assert members["first"] == members["quoted"] == (bool, bytes, type(None))
    assert members["many"][0].__args__ == members["bare"] == (bool, bytes)


def test_aliases_stay_the_same_objects() -> None:
    def run(a: JsonDict, b: "JsonDict", c: Any, d: "Optional[JsonDict]"): ...

    types = get_argument_types(run)
    assert types["a"] is JsonDict
    assert types["b"] is JsonDict
    assert types["c"] is Any
    assert types["d"].__args__[0] is JsonDict


def well_behaved(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def with_a_signature(function):
    def wrapper(*positional, **named):
        return function(*positional, **named)

    wrapper.__signature__ = inspect.signature(function)
    return wrapper


def opaque(function):
    def wrapper(*positional, **named):
        return function(*positional, **named)

    return wrapper


class CallableObject:
    def __call__(self, sample: SignatureSample, count: "int" = 3) -> "SignatureSample": ...


def preset(self, sample: SignatureSample, extra: int, style="without_hint") -> "SignatureSample":
    """Something.

    Args:
        style: str
            optional thing
    """


class Odd(ModuleBase):
    @well_behaved
    @well_behaved
    def decorated(self, sample: "SignatureSample", count: "Optional[int]" = None) -> "SignatureSample": ...

    @with_a_signature
    def described(self, sample: "SignatureSample", count: int = 1) -> "SignatureSample": ...

    @opaque
    def hidden(self, sample: SignatureSample) -> SignatureSample: ...

    @classmethod
    @well_behaved
    def of_class(cls, sample: SignatureSample, base: "Odd" = None) -> "Odd": ...

    @staticmethod
    def static(sample: SignatureSample) -> SignatureSample: ...

    @functools.lru_cache  # noqa: B019 - it is never called
    def cached(self, sample: SignatureSample) -> SignatureSample: ...

    @functools.singledispatchmethod
    def dispatched(self, sample: SignatureSample) -> SignatureSample: ...

    def kinds(self, sample: SignatureSample, /, *rest: int, only: float = 1.0, **more: str) -> None: ...

    def broken(self, sample: "SignatureSample", unreadable_text: "no ( type") -> "Nowhere": ...  # noqa: F722, F821

    with_object = CallableObject()
    preset_method = functools.partialmethod(preset, extra=3)
    preset_function = functools.partial(preset, None, extra=3)
    written_in_c = int
    without_value = 5


ONLY_SAMPLE = {"sample": SignatureSample}


@pytest.mark.parametrize(
    ("method", "parameters", "return_type"),
    [
        ("decorated", {**ONLY_SAMPLE, "count": Optional[int]}, SignatureSample),
        ("described", {**ONLY_SAMPLE, "count": int}, SignatureSample),
        ("hidden", {}, None),
        ("of_class", {**ONLY_SAMPLE, "base": Odd}, Odd),
        ("static", ONLY_SAMPLE, SignatureSample),
        ("cached", ONLY_SAMPLE, SignatureSample),
        ("dispatched", ONLY_SAMPLE, SignatureSample),
        ("kinds", {**ONLY_SAMPLE, "only": float}, type(None)),
        ("broken", {**ONLY_SAMPLE, "unreadable_text": "no ( type"}, None),
        ("with_object", {**ONLY_SAMPLE, "count": int}, SignatureSample),
        ("preset_method", {**ONLY_SAMPLE, "extra": int, "style": str}, SignatureSample),
        ("preset_function", {**ONLY_SAMPLE, "extra": int, "style": str}, SignatureSample),
        ("written_in_c", None, None),
        ("without_value", None, None),
    ],
)
def test_odd_methods(method, parameters, return_type) -> None:
    signature = CaikitMethodSignature(Odd, method)
    assert signature.parameters == parameters
    assert signature.return_type == return_type


def test_preset_arguments_are_defaults() -> None:
    signature = CaikitMethodSignature(Odd, "preset_function")
    assert signature.default_parameters == {"extra": 3, "style": "without_hint"}


def test_copies_of_signatures_with_recursive_types() -> None:
    class Recursive(ModuleBase):
        def run(self, values: JsonDict) -> SignatureSample: ...

    signature = CaikitMethodSignature(Recursive, "run")
    assert signature.parameters == {"values": JsonDict}
    get_type_hints(Recursive.run, vars(json_dict))
    assert copy.deepcopy({"of a method": signature})["of a method"].parameters == {"values": JsonDict}
