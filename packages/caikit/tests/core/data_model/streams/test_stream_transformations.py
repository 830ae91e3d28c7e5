"""map, filter, flatten, chain, zip, slicing, splitting, shuffling."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from typing import Any

import pytest

from caikit.core.data_model import DataStream


@pytest.fixture
def numbers() -> DataStream[int]:
    return DataStream.from_iterable(range(5))


def test_map_passes_extra_arguments(numbers: DataStream[int]) -> None:
    def scaled(item: int, factor: int, offset: int = 0) -> int:
        return item * factor + offset

    assert list(numbers.map(scaled, 2, offset=1)) == [1, 3, 5, 7, 9]
    assert list(numbers.map(scaled, factor=3)) == [0, 3, 6, 9, 12]


def test_map_looks_at_its_function_when_it_runs(numbers: DataStream[int]) -> None:
    mapped = numbers.map("nothing to call")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(TypeError, match="not callable"):
        list(mapped)


def test_filter(numbers: DataStream[int]) -> None:
    assert list(numbers.filter()) == [1, 2, 3, 4]
    assert list(numbers.filter(lambda item, limit: item > limit, 2)) == [3, 4]


def test_filter_needs_a_function(numbers: DataStream[int]) -> None:
    with pytest.raises(ValueError, match="value check failed: filter function is not callable"):
        numbers.filter(3)  # type: ignore[arg-type]  # the mistake under test


def test_steps_of_a_chain_are_independent_of_later_ones(numbers: DataStream[int]) -> None:
    doubled = numbers.map(lambda item: item * 2)
    large = doubled.filter(lambda item: item > 2)
    assert list(large.map(str)) == ["4", "6", "8"]
    assert list(large) == [4, 6, 8]
    assert list(doubled) == [0, 2, 4, 6, 8]


def test_a_function_that_raises_stop_iteration_does_not_cut_the_stream(numbers: DataStream[int]) -> None:
    def exhausted(_: int) -> Any:
        return next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(numbers.map(exhausted))


def increased(item: int) -> int:
    return item + 1


def is_small(item: int) -> bool:
    return item < 3_001


@pytest.mark.parametrize("depth", [49, 50, 51, 3_000])
def test_chains_of_any_depth(depth: int) -> None:
    stream = DataStream.from_iterable(range(3))
    for _ in range(depth):
        stream = stream.map(increased)
    stream = stream.filter(is_small).map(str)
    expected = [str(number) for number in range(depth, depth + 3) if number < 3_001]
    assert list(stream) == expected
    assert list(pickle.loads(pickle.dumps(stream))) == expected


def test_a_deep_chain_is_cut_by_no_stop_iteration() -> None:
    def exhausted(_: int) -> Any:
        return next(iter(()))

    stream = DataStream.from_iterable(range(3))
    for _ in range(100):
        stream = stream.map(increased)
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(stream.map(exhausted))


def test_a_sum_of_many_streams() -> None:
    left = right = DataStream.from_iterable([0])
    for number in range(2_000):
        left = left.chain([number])
        right = DataStream.from_iterable([number]) + right
    assert len(left) == len(right) == 2_001
    assert len(pickle.loads(pickle.dumps(left))) == 2_001


def test_streams_inside_of_streams() -> None:
    numbers = DataStream.from_iterable([1, 2])
    nested = DataStream.from_iterable([numbers, numbers.map(increased)])
    assert list(nested.map(list)) == [[1, 2], [2, 3]]
    assert list(nested.flatten()) == [1, 2, 2, 3]
    assert [list(inner) for inner in pickle.loads(pickle.dumps(nested))] == [[1, 2], [2, 3]]


@pytest.mark.parametrize(
    "transform",
    [
        lambda stream: stream.map(increased),
        lambda stream: stream.filter(is_small),
        lambda stream: stream.zip(stream.map(increased)),
        lambda stream: stream.chain([7]),
        lambda stream: stream.shuffle(1, seed=1),
        lambda stream: stream.train_test_split(0.0, seed=1)[0],
    ],
)
def test_an_error_of_the_source_comes_through_where_it_happens(transform: Any) -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("broken source")

    items = iter(transform(DataStream(failing)))
    assert next(items) is not None
    with pytest.raises(ValueError, match="broken source"):
        list(items)


@pytest.mark.parametrize("lengths", [(1, 2), (2, 1), (2, 2, 1), (1, 2, 2), (2, 1, 2), (0, 1), (1, 0)])
def test_zip_notices_every_difference_in_length(lengths: tuple[int, ...]) -> None:
    zipped = DataStream.zip(*(DataStream.from_iterable(range(length)) for length in lengths))
    items = iter(zipped)
    for expected in range(min(lengths)):
        assert next(items) == (expected,) * len(lengths)
    with pytest.raises(ValueError, match=r"Failed to zip data streams with different lengths."):
        next(items)


def test_zip_passes_errors_of_its_sources() -> None:
    def failing() -> Iterator[int]:
        yield 0
        raise ValueError("broken source")

    numbers = DataStream.from_iterable(range(3))
    for pair in ((numbers, DataStream(failing)), (DataStream(failing), numbers)):
        with pytest.raises(ValueError, match="broken source"):
            list(DataStream.zip(*pair))


def test_transformations_are_lazy() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for item in range(10):
            read.append(item)
            yield item

    stream = DataStream(source)
    other = DataStream.from_iterable(range(10))
    for transformed in (
        stream.map(str),
        stream.filter(lambda _: True),
        stream.zip(other),
        stream.chain(other),
        stream.map(lambda item: (item,))[0],
    ):
        assert read == []
        iterator = iter(transformed)
        next(iterator)
        next(iterator)
        assert read == [0, 1]
        read.clear()


def test_flatten() -> None:
    assert list(DataStream.from_iterable([[1, 2], (3,), "ab"]).flatten()) == [1, 2, 3, "a", "b"]
    with pytest.raises(TypeError, match="not iterable"):
        list(DataStream.from_iterable([1]).flatten())


def test_chain(numbers: DataStream[int]) -> None:
    letters = DataStream.from_iterable("ab")
    assert list(numbers.chain(letters, [9])) == [0, 1, 2, 3, 4, "a", "b", 9]
    assert list(DataStream.chain(letters, letters)) == ["a", "b", "a", "b"]
    assert list(DataStream.chain([letters, numbers]).flatten()) == ["a", "b", 0, 1, 2, 3, 4]
    assert list(DataStream.chain()) == []
    assert list(letters + numbers) == ["a", "b", 0, 1, 2, 3, 4]


def test_chained_one_shot_iterables_can_be_read_again() -> None:
    stream = DataStream.from_iterable([1]) + (letter for letter in "ab")
    assert [list(stream), list(stream)] == [[1, "a", "b"]] * 2


def test_zip(numbers: DataStream[int]) -> None:
    assert list(numbers.zip(numbers.map(str)))[:2] == [(0, "0"), (1, "1")]
    assert list(DataStream.zip(numbers, numbers, numbers))[4] == (4, 4, 4)
    assert list(DataStream.zip()) == []


def test_zip_takes_streams_of_one_length(numbers: DataStream[int]) -> None:
    with pytest.raises(TypeError, match="element of `args`"):
        numbers.zip([1, 2, 3, 4, 5])  # type: ignore[arg-type]  # the mistake under test
    zipped = iter(numbers.zip(DataStream.from_iterable("ab")))
    assert [next(zipped), next(zipped)] == [(0, "a"), (1, "b")]
    with pytest.raises(ValueError, match=r"Failed to zip data streams with different lengths."):
        next(zipped)


def test_indexing_picks_from_every_item() -> None:
    stream = DataStream.from_iterable(["abc", "def"])
    assert list(stream[1]) == ["b", "e"]
    assert list(stream[:2]) == ["ab", "de"]
    assert list(DataStream.from_iterable([{"k": 1}])["k"]) == [1]
    with pytest.raises(TypeError, match="not subscriptable"):
        list(DataStream.from_iterable([1])[0])


def test_eager_reads_now() -> None:
    read: list[int] = []
    stream = DataStream.from_iterable(range(3)).map(lambda item: read.append(item) or item).eager()
    assert read == [0, 1, 2]
    assert list(stream) == [0, 1, 2]
    assert read == [0, 1, 2]


@pytest.mark.parametrize(
    ("seed", "share", "train_size", "test_size"),
    [(42, 0.25, 762, 238), (501, 0.25, 754, 246), (42, 0.75, 257, 743)],
)
def test_split(seed: int, share: float, train_size: int, test_size: int) -> None:
    train, test = DataStream.from_iterable(range(1000)).train_test_split(share, seed)
    assert (len(train), len(test)) == (train_size, test_size)
    assert sorted([*train, *test]) == list(range(1000))
    assert list(train) == list(train)


def test_an_unseeded_split_stays_what_it_is() -> None:
    train, test = DataStream.from_iterable(range(100)).train_test_split()
    assert [list(train), list(test)] == [list(train), list(test)]
    assert sorted([*train, *test]) == list(range(100))


@pytest.mark.parametrize("kind", [ValueError, AssertionError])
def test_split_share_is_checked(kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"expected test_split between 0.0 and 1.0, got 2"):
        DataStream.from_iterable([1]).train_test_split(2)


@pytest.mark.parametrize("size", [0, 1, 4, 10, 11])
def test_shuffle_keeps_all_items(size: int) -> None:
    stream = (
        DataStream.from_iterable(range(10)).shuffle(size) if size else DataStream.from_iterable([]).shuffle(1)
    )
    assert sorted(stream) == (list(range(10)) if size else [])
    assert list(stream) == list(stream)


def test_shuffle_order_depends_on_seed_and_buffer() -> None:
    numbers = DataStream.from_iterable(range(10))
    assert list(numbers.shuffle(3, seed=42)) == [2, 0, 4, 3, 1, 5, 8, 7, 6, 9]
    assert list(numbers.shuffle(100, seed=42)) == [7, 3, 2, 8, 5, 6, 9, 4, 0, 1]
    assert list(numbers.shuffle(3, seed=43)) != list(numbers.shuffle(3, seed=42))


def test_shuffle_arguments_are_checked() -> None:
    stream = DataStream.from_iterable([1])
    with pytest.raises(TypeError, match="buffer_size"):
        stream.shuffle("3")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="value check failed: Buffer size must be an int > 0"):
        stream.shuffle(0)


def test_streams_leave_the_random_numbers_of_the_program_alone() -> None:
    before = random.getstate()
    stream = DataStream.from_iterable(range(10))
    list(stream.shuffle(3))
    list(stream.train_test_split()[0])
    assert random.getstate() == before
