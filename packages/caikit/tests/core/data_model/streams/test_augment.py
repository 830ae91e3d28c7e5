"""Augmentation of streams."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest

from caikit.core.augmentors import AugmentorBase
from caikit.core.data_model import DataStream


class Adder(AugmentorBase):
    augmentor_type = int

    def __init__(self, produces_none: bool = False) -> None:
        super().__init__(42, produces_none)

    def _augment(self, obj: int) -> int | None:
        return None if self.produces_none and not obj else obj + 5


class Noise(AugmentorBase):
    augmentor_type = float

    def __init__(self, random_seed: int = 42) -> None:
        super().__init__(random_seed, False)

    def _augment(self, obj: float) -> float:
        return obj + random.random()


@pytest.fixture
def numbers() -> DataStream[int]:
    return DataStream.from_iterable([1, 0, 3, 2])


def test_originals_come_first(numbers: DataStream[int]) -> None:
    assert list(numbers.augment(Adder(), 1)) == [1, 0, 3, 2, 6, 5, 8, 7]
    assert len(numbers.augment(Adder(), 3)) == 16


def test_none_results_are_left_out(numbers: DataStream[int]) -> None:
    assert list(numbers.augment(Adder(produces_none=True), 1)) == [1, 0, 3, 2, 6, 8, 7]


def test_the_post_function_sees_everything(numbers: DataStream[int]) -> None:
    expected = ["1", "0", "3", "2", "6", "5", "8", "7"]
    assert list(numbers.augment(Adder(), 1, post_augment_func=str)) == expected


@pytest.mark.parametrize("kind", [tuple, list])
def test_one_element_of_each_item(kind: type) -> None:
    stream = DataStream.from_iterable([kind((1, "foo")), kind((0, "bar"))])
    expected = [kind((1, "foo")), kind((0, "bar")), (6, "foo"), (5, "bar")]
    assert list(stream.augment(Adder(), 1, augment_index=0)) == expected


def test_passes_are_equal_even_after_one_that_was_abandoned() -> None:
    stream = DataStream.from_iterable([0.0, 1.0, 2.0]).augment(Noise(), 2)
    first = list(stream)
    assert first[3:6] != first[6:]
    partial = iter(stream)
    assert [next(partial) for _ in range(5)] == first[:5]
    assert list(stream) == first


def test_determinism_is_a_choice() -> None:
    stream = DataStream.from_iterable([0.0]).augment(Noise(), 1, enforce_determinism=False)
    assert list(stream) != list(stream)


def test_augmented_streams_can_be_pickled() -> None:
    stream = DataStream.from_iterable([0.0, 1.0]).augment(Noise(), 1)
    assert list(pickle.loads(pickle.dumps(stream))) == list(stream)


def test_an_empty_stream_stays_empty() -> None:
    assert list(DataStream.from_iterable([]).augment(Adder(), 1)) == []


def test_nothing_is_read_before_iteration() -> None:
    DataStream.from_iterable(iter([1 / 1])).augment(Adder(), 1)
    DataStream(lambda: 1 / 0).augment(Adder(), 1)  # type: ignore[arg-type,return-value]  # never called


@pytest.mark.parametrize(
    ("items", "index", "message"),
    [
        ([1], 0, "augment_index cannot be used unless stream contains lists/tuples"),
        ([(1,)], None, "augment_index must be given to augment a stream of lists/tuples"),
    ],
)
def test_the_index_must_fit_the_items(items: list[Any], index: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataStream.from_iterable(items).augment(Adder(), 1, augment_index=index)
    with pytest.raises(ValueError, match=message):
        list(DataStream.from_iterable(iter(items)).augment(Adder(), 1, augment_index=index))


def test_the_index_must_exist() -> None:
    with pytest.raises(IndexError, match="augment_index is out of bounds of obj in stream"):
        list(DataStream.from_iterable([(1,)]).augment(Adder(), 1, augment_index=1))


@pytest.mark.parametrize(
    ("arguments", "problem", "message"),
    [
        ({"augmentor": Adder(), "aug_cycles": "1"}, TypeError, "`aug_cycles`"),
        (
            {"augmentor": Adder(), "aug_cycles": 0},
            ValueError,
            "value check failed: Augmentation cycles must be an int > 0",
        ),
        ({"augmentor": str, "aug_cycles": 1}, TypeError, "`augmentor`"),
        (
            {"augmentor": Adder(), "aug_cycles": 1, "enforce_determinism": 1},
            TypeError,
            "`enforce_determinism`",
        ),
        (
            {"augmentor": Adder(), "aug_cycles": 1, "post_augment_func": 1},
            TypeError,
            "Post augmentation operation is not callable",
        ),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, Any], problem: type[Exception], message: str, numbers: DataStream[int]
) -> None:
    with pytest.raises(problem, match=message):
        numbers.augment(**arguments)


def test_the_example_of_the_documentation() -> None:
    class Doubling(AugmentorBase):
        augmentor_type = int

        def _augment(self, val: int) -> int:
            return val * 2

    stream = DataStream.from_iterable(range(10)).augment(Doubling(42, False), 1, post_augment_func=float)
    result = list(stream.augment(Noise(), 1))
    assert len(result) == 40
    assert result[:20] == [float(n) for n in range(10)] + [float(n) for n in range(0, 20, 2)]
    assert all(type(value) is float for value in result)


def test_none_from_an_augmentor_that_never_said_so_is_an_error(numbers: DataStream[int]) -> None:
    class Forgetful(AugmentorBase):
        augmentor_type = int

        def _augment(self, obj: int) -> int | None:
            return None

    items = iter(numbers.augment(Forgetful(1), 1))
    assert [next(items) for _ in range(4)] == [1, 0, 3, 2]
    with pytest.raises(TypeError, match=r"Output type \[<class 'NoneType'>\] is misaligned"):
        next(items)
