"""What iterating, counting and pickling a data stream does."""

from __future__ import annotations

import multiprocessing
import pickle
import queue
import threading
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from caikit.core.data_model import DataStream


class CountingSource:
    """Counts passes and items, so that tests can see who reads what."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.passes = 0
        self.items = 0

    def __call__(self) -> Iterator[int]:
        self.passes += 1
        for number in range(self.size):
            self.items += 1
            yield number


def letters(count: int) -> list[str]:
    return list("abcdefgh"[:count])


def is_even(number: int) -> bool:
    return number % 2 == 0


def plus(number: int, other: int, times: int = 1) -> int:
    return number + other * times


def test_streams_can_be_read_again() -> None:
    stream = DataStream.from_iterable((1, 2, 3, 4))
    assert list(stream) == [1, 2, 3, 4]
    assert list(stream) == [1, 2, 3, 4]


def test_the_generator_function_gets_its_arguments_and_may_return_any_iterable() -> None:
    stream = DataStream(letters, count=2)
    assert list(stream) == ["a", "b"]
    assert (stream.generator_func, stream.generator_args, stream.generator_kwargs) == (
        letters,
        (),
        {"count": 2},
    )


def test_what_is_not_callable_is_no_generator_function() -> None:
    with pytest.raises(TypeError, match=r"Data stream `generator_func` is not callable."):
        DataStream([1, 2])  # type: ignore[arg-type]  # the mistake under test


def test_a_generator_function_must_return_an_iterable() -> None:
    stream: DataStream[int] = DataStream(lambda: 5)  # type: ignore[arg-type,return-value]  # the mistake under test
    with pytest.raises(RuntimeError, match="`generator_func` did not return an iterable"):
        iter(stream)


@pytest.mark.parametrize("collect", [list, tuple, sorted, lambda stream: [*stream]])
def test_collecting_a_stream_reads_the_source_once(
    collect: typing.Callable[[Iterable[int]], Iterable[int]],
) -> None:
    source = CountingSource(5)
    stream = DataStream(source)
    assert list(collect(stream)) == [0, 1, 2, 3, 4]
    assert source.passes == 1
    assert len(stream) == 5
    assert source.passes == 1


def test_the_length_is_counted_once() -> None:
    source = CountingSource(3)
    stream = DataStream(source)
    assert len(stream) == 3
    assert len(stream) == 3
    assert source.passes == 1


def test_truth_needs_one_item_only() -> None:
    source = CountingSource(3)
    assert DataStream(source)
    assert source.items == 1
    assert not DataStream.from_iterable([])


def test_counting_does_not_disturb_a_pass_that_runs() -> None:
    stream = DataStream(CountingSource(3))
    items = iter(stream)
    assert next(items) == 0
    assert len(stream) == 3
    assert list(items) == [1, 2]


def test_an_unread_pass_survives_counting() -> None:
    stream = DataStream(CountingSource(3))
    items = iter(stream)
    assert len(stream) == 3
    assert list(items) == [0, 1, 2]


def test_one_shot_iterables_are_remembered() -> None:
    stream = DataStream.from_iterable(letter for letter in "abc")
    assert stream.peek() == "a"
    assert list(stream) == ["a", "b", "c"]
    assert list(zip(stream, stream, strict=True)) == [("a", "a"), ("b", "b"), ("c", "c")]
    assert len(stream) == 3


def test_one_shot_iterables_are_read_when_asked_for() -> None:
    source = CountingSource(5)
    stream = DataStream.from_iterable(source())
    assert source.items == 0
    assert stream.peek() == 0
    assert source.items == 1


def test_the_failure_of_a_one_shot_iterable_is_remembered() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("broken source")

    stream = DataStream.from_iterable(failing())
    for _ in range(2):
        with pytest.raises(ValueError, match="broken source"):
            list(stream)


def test_a_second_pass_over_a_shared_iterator_is_an_error() -> None:
    iterator = iter([1, 2])
    stream = DataStream(lambda: iterator)
    assert list(stream) == [1, 2]
    with pytest.raises(RuntimeError, match="can be read once"):
        list(stream)


@pytest.mark.parametrize("make", [lambda: iter([1, 2, 3]), lambda: (number for number in (1, 2, 3))])
def test_looking_at_a_shared_iterator_takes_nothing_away(make: typing.Callable[[], Iterator[int]]) -> None:
    iterator = make()
    stream = DataStream(lambda: iterator)
    assert stream.peek() == 1
    assert stream
    assert stream.peek() == 1
    assert list(stream) == [1, 2, 3]
    with pytest.raises(RuntimeError, match="can be read once"):
        stream.peek()


def test_a_shared_iterator_goes_on_where_a_pass_stopped() -> None:
    iterator = (number for number in range(6))
    stream = DataStream(lambda: iterator)
    for number in stream:
        if number == 2:
            break
    assert stream.peek() == 3
    assert list(stream.map(plus, 1)) == [4, 5, 6]


def test_looking_at_a_stream_keeps_no_source_open() -> None:
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            closed.append(True)

    stream = DataStream(source)
    assert stream.peek() == 0
    assert closed == [True]
    assert list(stream) == [0, 1, 2, 3, 4]


def test_a_shared_iterator_that_is_empty_stays_empty() -> None:
    iterator: Iterator[int] = iter([])
    stream = DataStream(lambda: iterator)
    assert list(stream) == []
    assert list(stream) == []


@pytest.mark.parametrize("problem", [TypeError("bad item"), ValueError("bad item")])
def test_errors_of_the_source_are_not_lost_while_collecting(problem: Exception) -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise problem

    with pytest.raises(type(problem), match="bad item"):
        list(DataStream(failing))


def test_threads_that_feed_each_other_do_not_block() -> None:
    letters_in: queue.Queue[str] = queue.Queue()

    def waiting() -> Iterator[str]:
        yield letters_in.get(timeout=5)

    received: list[list[str]] = []
    reader = threading.Thread(target=lambda: received.append(list(DataStream(waiting))))
    reader.start()
    assert list(DataStream(letters, 1)) == ["a"]
    letters_in.put("a")
    reader.join(5)
    assert received == [["a"]]


@pytest.mark.parametrize("one_shot", [True, False])
def test_threads_may_share_a_stream(one_shot: bool) -> None:
    numbers = range(5000)
    stream = DataStream.from_iterable((n for n in numbers) if one_shot else numbers)
    received: list[list[int]] = []
    threads = [threading.Thread(target=lambda: received.append(list(stream))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert received == [list(numbers)] * 4


def test_streams_are_annotations() -> None:
    assert typing.get_args(DataStream[int]) == (int,)
    assert typing.get_origin(DataStream[int]) is DataStream
    assert issubclass(DataStream, Iterable)


def test_closing_an_iteration_closes_the_source() -> None:
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            closed.append(True)

    items = iter(DataStream(source).map(plus, 1))
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]  # iterations are generators
    assert closed == [True]


def test_peek() -> None:
    assert DataStream.from_iterable("xy").peek() == "x"
    with pytest.raises(IndexError, match="Cannot peek empty stream"):
        DataStream.from_iterable([]).peek()


def test_the_pipe_hands_the_stream_to_a_module() -> None:
    class Doubler:
        def stream(self, data_stream: DataStream[int]) -> DataStream[int]:
            return data_stream.map(lambda number: number * 2)

    assert list(DataStream.from_iterable([1, 2]) | Doubler()) == [2, 4]


def all_kinds_of_streams() -> list[DataStream[typing.Any]]:
    numbers = DataStream.from_iterable(range(6))
    return [
        numbers,
        DataStream.from_iterable(number for number in range(6)),
        numbers.map(plus, 1, times=2).filter(is_even).map(str),
        numbers.filter(),
        DataStream.from_iterable([[1], [2, 3]]).flatten(),
        DataStream.from_iterable(["ab", "cd"])[0],
        numbers.chain(["x"]),
        numbers.zip(numbers.map(str)),
        numbers.shuffle(3, seed=1),
        *numbers.train_test_split(0.5, seed=3),
    ]


def collect_in_a_process(stream: DataStream[typing.Any], answers: typing.Any) -> None:
    answers.put(list(stream))


@pytest.mark.parametrize("stream", all_kinds_of_streams())
def test_streams_can_be_pickled(stream: DataStream[typing.Any]) -> None:
    expected = list(stream)
    assert list(pickle.loads(pickle.dumps(stream))) == expected


def test_streams_work_in_spawned_processes(tmp_path: Path) -> None:
    path = tmp_path / "numbers.jsonl"
    path.write_text("1\n2\n3\n")
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    stream = DataStream.from_jsonl(str(path)).map(plus, 1).zip(DataStream.from_iterable("abc"))
    process = context.Process(target=collect_in_a_process, args=(stream, answers))
    process.start()
    assert answers.get(timeout=30) == [(2, "a"), (3, "b"), (4, "c")]
    process.join(10)
    answers.close()
    answers.join_thread()


def test_membership_reads_no_further_than_needed() -> None:
    source = CountingSource(5)
    assert 1 in DataStream(source)
    assert source.items == 2
    assert 9 not in DataStream(source)


def test_a_million_items() -> None:
    stream = DataStream.from_iterable(range(1_000_000)).map(plus, 1).filter(is_even)
    assert sum(1 for _ in stream) == 500_000
    assert len(stream) == 500_000


def test_a_stream_that_contains_itself_is_an_error() -> None:
    stream: DataStream[int] = DataStream(lambda: stream)
    with pytest.raises(RecursionError):
        list(stream)


def test_an_error_in_the_middle_is_the_same_on_every_pass() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("broken source")

    stream = DataStream(failing).map(plus, 1)
    for _ in range(2):
        items = iter(stream)
        assert next(items) == 2
        with pytest.raises(ValueError, match="broken source"):
            next(items)
        assert list(items) == []
    with pytest.raises(ValueError, match="broken source"):
        len(stream)


def test_what_cannot_be_pickled_says_so() -> None:
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(DataStream(lambda: [1]))
