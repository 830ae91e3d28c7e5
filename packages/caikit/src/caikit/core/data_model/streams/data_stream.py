"""The stream of data that modules read for training and produce while they answer."""

from __future__ import annotations

import itertools
import operator
import os
import random
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import alog

from caikit.core.exceptions import error_handler

from . import _files, _transforms
from ._pass import Ahead, StreamPass
from ._pipeline import Pipeline, Step
from ._replay import Replay

__all__ = ["DataStream"]

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

T = TypeVar("T")
U = TypeVar("U")


class SplitShareError(ValueError, AssertionError):
    """The share of a split lies outside 0..1."""


class StreamingModule(Protocol):
    """What may stand on the right of `stream | module`."""

    def stream(self, data_stream: Any, /) -> Any: ...


class DataStream(Generic[T]):
    """A lazy sequence that can be iterated again and again.

    Each iteration calls the generator function anew, so nothing has to fit into memory. When such a
    function hands out one and the same iterator, the second pass raises an error instead of being empty.
    """

    _length: int | None = None
    _latest_pass: weakref.ref[StreamPass[T]] | None = None
    _spent: Iterator[T] | None = None
    _ahead: Ahead[T] | None = None

    def __init__(self, generator_func: Callable[..., Iterable[T]], *args: Any, **kwargs: Any) -> None:
        if not callable(generator_func):
            error("<COR83886275E>", TypeError("Data stream `generator_func` is not callable."))
        self.generator_func = generator_func
        self.generator_args = args
        self.generator_kwargs = kwargs

    # Iteration

    def __iter__(self) -> Iterator[T]:
        items = self.generator_func(*self.generator_args, **self.generator_kwargs)
        if not isinstance(items, Iterable):
            error("<COR35849950E>", RuntimeError("`generator_func` did not return an iterable"))
        source = iter(items)
        stream_pass = StreamPass(source, self._taken_ahead_from(source))
        self._latest_pass = weakref.ref(stream_pass)
        return self._read(stream_pass)

    def _taken_ahead_from(self, source: Iterator[T]) -> list[T]:
        ahead, self._ahead = self._ahead, None
        return ahead.items_of(source) if ahead is not None else []

    def _first(self) -> list[T]:
        """At most one item, which the next pass sees again even if the source can be read only once."""
        items = iter(self)
        first = list(itertools.islice(items, 1))
        latest = self._latest_pass() if self._latest_pass is not None else None
        if first and latest is not None and latest.is_mine:
            self._ahead = Ahead(latest.source, first)
        return first

    def _read(self, stream_pass: StreamPass[T]) -> Iterator[T]:
        produced = yield from stream_pass.read()
        if produced:
            self._spent = stream_pass.source
        elif stream_pass.source is self._spent:
            error(
                "<COR35849951E>",
                RuntimeError("data stream has a source that can be read once, and it was read before"),
            )

    def __len__(self) -> int:
        if self._length is None:
            self._length = self._count()
        return self._length

    def _count(self) -> int:
        latest = self._latest_pass() if self._latest_pass is not None else None
        if latest is not None and latest.waiting:
            return latest.count()
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        if self._length is not None:
            return self._length > 0
        return bool(self._first())

    def __getstate__(self) -> dict[str, Any]:
        passing = ("_ahead", "_latest_pass", "_spent")
        return {name: value for name, value in self.__dict__.items() if name not in passing}

    def __getitem__(self, idx: Any) -> DataStream[Any]:
        """The stream of `item[idx]`, not an element of this stream."""
        return self.map(operator.itemgetter(idx))

    def __add__(self, other: Iterable[Any]) -> DataStream[Any]:
        return self.chain(other)

    def __or__(self, module: StreamingModule) -> Any:
        return module.stream(self)

    # Sources

    @classmethod
    def from_iterable(cls: type[DataStream[Any]], data: Iterable[U]) -> DataStream[U]:
        """The elements of `data`; an iterator is remembered while it is read, so it can be read again."""
        error.type_check("<COR88684982E>", Iterable, data=data)
        return cls(iter, Replay(data) if isinstance(data, Iterator) else data)

    @classmethod
    def from_jsonl(cls: type[DataStream[Any]], filename: str) -> DataStream[Any]:
        """One JSON value per line that is not blank."""
        error.file_check("<COR88684983E>", filename)
        return cls(_files.jsonl_items, filename)

    @classmethod
    def from_json_array(cls: type[DataStream[Any]], filename: str) -> DataStream[Any]:
        """The elements of one JSON array, which is never held as a whole."""
        error.file_check("<COR88684984E>", filename)
        return cls(_files.json_array_items, filename)

    @classmethod
    def from_csv(
        cls: type[DataStream[Any]], filename: str, *args: Any, skip: int = 0, **kwargs: Any
    ) -> DataStream[list[str]]:
        """The rows as lists, after `skip` lines; other arguments are those of `csv.reader`."""
        error.type_check("<COR88684989E>", int, skip=skip)
        error.value_check("<COR88684990E>", skip >= 0, f"expected skip of at least 0, got {skip}")
        _check_csv_file(filename)
        return cls(_files.csv_rows, filename, skip, *args, **kwargs)

    @classmethod
    def from_header_csv(
        cls: type[DataStream[Any]], filename: str, *args: Any, **kwargs: Any
    ) -> DataStream[dict[str, str]]:
        """The rows as dicts keyed by the header; other arguments are those of `csv.DictReader`."""
        _check_csv_file(filename)
        return cls(_files.header_csv_rows, filename, *args, **kwargs)

    @classmethod
    def from_txt(cls: type[DataStream[Any]], filename: str) -> DataStream[str]:
        """The lines, blank ones too, without their line ends."""
        error.file_check("<COR88684985E>", filename)
        return cls(_files.txt_lines, filename)

    @staticmethod
    def from_file(filename: str) -> DataStream[Any]:
        """Choose the reader by extension: json, jsonl, csv, multipart; anything else is text."""
        readers: dict[str, Callable[[str], DataStream[Any]]] = {
            ".json": DataStream.from_json_array,
            ".jsonl": DataStream.from_jsonl,
            ".csv": DataStream.from_csv,
            ".multipart": DataStream.from_multipart_file,
        }
        extension = os.path.splitext(filename)[1].lower()
        return readers.get(extension, DataStream.from_txt)(filename)

    @classmethod
    def from_multipart_file(cls: type[DataStream[Any]], filename: str) -> DataStream[Any]:
        """The items of all files in a saved multipart form, one file after the other."""
        from . import _multipart_items

        _multipart_items.check_multipart(filename)
        return cls(_multipart_items.multipart_items, filename)

    @classmethod
    def from_txt_collection(
        cls: type[DataStream[Any]], dirname: str, extension: str = "txt"
    ) -> DataStream[str]:
        """The whole text of each file of a folder, sorted by name."""
        _check_collection(dirname)
        return cls(_files.txt_collection, dirname, extension)

    @classmethod
    def from_json_collection(
        cls: type[DataStream[Any]], dirname: str, extension: str = "json"
    ) -> DataStream[Any]:
        """The whole document of each file of a folder, sorted by name."""
        _check_collection(dirname)
        return cls(_files.json_collection, dirname, extension)

    @classmethod
    def from_csv_collection(cls: type[DataStream[Any]], dirname: str) -> DataStream[dict[str, str]]:
        """The rows, as dicts, of all csv files of a folder, sorted by name."""
        _check_collection(dirname)
        return cls(_files.csv_collection, dirname)

    @classmethod
    def from_jsonl_collection(cls: type[DataStream[Any]], dirname: str) -> DataStream[Any]:
        """The items of all jsonl files of a folder, sorted by name."""
        _check_collection(dirname)
        return cls(_files.jsonl_collection, dirname)

    # Transformations

    def map(self, func: Callable[..., U], *args: Any, **kwargs: Any) -> DataStream[U]:
        """The stream of `func(item, *args, **kwargs)`."""
        return self._then(Step(func, args, kwargs, keeps=False))

    def filter(self, func: Callable[..., Any] = bool, *args: Any, **kwargs: Any) -> DataStream[T]:
        """The items for which `func(item, *args, **kwargs)` is true."""
        error.value_check("<COR59884427E>", callable(func), "filter function is not callable")
        return self._then(Step(func, args, kwargs, keeps=True))

    def _then(self, step: Step) -> DataStream[Any]:
        plain = type(self) is DataStream  # a derived class may have its own way to iterate
        if plain and isinstance(self.generator_func, Pipeline):
            return DataStream(self.generator_func.then(step))
        return DataStream(Pipeline(self, (step,)))

    def flatten(self) -> DataStream[Any]:
        """The elements of the items, one level deep."""
        return DataStream(_transforms.flattened, self)

    def chain(*streams: Iterable[Any]) -> DataStream[Any]:
        """All streams one after the other: `a.chain(b, c)` or `DataStream.chain(a, b, c)`."""
        return DataStream(_transforms.chained, tuple(part for stream in streams for part in _parts(stream)))

    def zip(*streams: DataStream[Any]) -> DataStream[tuple[Any, ...]]:
        """Tuples with one item of each stream; streams of different lengths fail at the shorter end."""
        error.type_check_all("<COR19533030E>", DataStream, args=streams)
        return DataStream(_transforms.zipped, streams)

    def eager(self) -> DataStream[T]:
        """Read everything now; the result is a stream over memory."""
        return DataStream.from_iterable(list(self))

    def peek(self) -> T:
        """The first item of a fresh pass."""
        first = self._first()
        if not first:
            error("<COR48484123E>", IndexError("Cannot peek empty stream"))
        return first[0]

    # Order and choice

    def train_test_split(
        self, test_split: float = 0.25, seed: int | None = None
    ) -> tuple[DataStream[T], DataStream[T]]:
        """Divide the items at random into a training and a test stream, the same way on every pass."""
        if not 0.0 <= test_split <= 1.0:
            problem = SplitShareError(f"expected test_split between 0.0 and 1.0, got {test_split}")
            error("<COR71478250E>", problem)
        seed = random.SystemRandom().randint(0, 10000) if seed is None else seed
        return (
            DataStream(_transforms.split, self, test_split, seed, True),
            DataStream(_transforms.split, self, test_split, seed, False),
        )

    def shuffle(self, buffer_size: int, seed: int | None = None) -> DataStream[T]:
        """Mix the items through a buffer; a buffer as long as the stream gives a full shuffle."""
        error.type_check("<COR06395206E>", int, buffer_size=buffer_size)
        error.value_check("<COR71478251E>", buffer_size > 0, "Buffer size must be an int > 0")
        seed = random.SystemRandom().randint(0, 2**32) if seed is None else seed
        return DataStream(_transforms.shuffled, self, buffer_size, seed)

    def augment(
        self,
        augmentor: Any,
        aug_cycles: int,
        *,
        post_augment_func: Callable[[Any], Any] | None = None,
        augment_index: int | None = None,
        enforce_determinism: bool = True,
    ) -> DataStream[Any]:
        """All items, then `aug_cycles` times all items as the augmentor changes them.

        `augment_index` names the element to augment when items are lists or tuples.
        """
        from caikit.core.augmentors import AugmentorBase

        from ._augmentation import Augmentation

        error.type_check("<COR19533031E>", int, aug_cycles=aug_cycles)
        error.value_check("<COR19533032E>", aug_cycles > 0, "Augmentation cycles must be an int > 0")
        error.type_check("<COR19533033E>", AugmentorBase, augmentor=augmentor)
        error.type_check("<COR19533034E>", bool, enforce_determinism=enforce_determinism)
        error.type_check("<COR19533035E>", int, allow_none=True, augment_index=augment_index)
        if post_augment_func is not None and not callable(post_augment_func):
            error("<COR19533036E>", TypeError("Post augmentation operation is not callable"))
        augmentation = Augmentation(
            self, augmentor, aug_cycles, post_augment_func, augment_index, enforce_determinism
        )
        for item in self._items_in_memory()[:1]:
            augmentation.check_item(item)
        return DataStream(augmentation)

    def _items_in_memory(self) -> list[Any] | tuple[Any, ...]:
        if self.generator_func is iter and isinstance(self.generator_args[0], (list, tuple)):
            return self.generator_args[0]
        return ()


def _parts(items: Iterable[Any]) -> tuple[DataStream[Any], ...]:
    """A chain in a chain counts as its parts, so that the sum of many streams stays flat."""
    if not isinstance(items, DataStream):
        return (DataStream.from_iterable(items),)
    if type(items) is DataStream and items.generator_func is _transforms.chained:
        parts: tuple[DataStream[Any], ...] = items.generator_args[0]
        return parts
    return (items,)


def _check_csv_file(filename: str) -> None:
    if not os.path.isfile(filename):
        message = f"csv filename `{filename}` does not exist or is not a regular file."
        error("<COR88684986E>", FileNotFoundError(message))


def _check_collection(dirname: str) -> None:
    if not os.path.exists(dirname):
        error("<COR88684987E>", FileNotFoundError(f"Could not find collection directory `{dirname}`"))
    if not os.path.isdir(dirname):
        error("<COR88684988E>", NotADirectoryError(f"collection path `{dirname}` is not a directory"))
