"""Streams of requests for modules, and streams of answers that hold on to their models."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from caikit._exception_text import safe_str
from caikit.core.data_model import DataStream
from caikit.core.data_model._schema import MapOf, Node, Repeated, Scalar
from caikit.runtime.engine.errors import MissingInputsError, RequestError
from caikit.runtime.engine.status import Status

if TYPE_CHECKING:
    from .bind_arguments import Leases

MAX_LAG = 10_000
"""How many messages one streamed parameter may be read ahead of another."""

_ZEROS: dict[str, Any] = {"string": "", "bytes": b"", "bool": False, "double": 0.0, "float": 0.0}


class HeldStream:
    """The answers of a model, which stays in use until they end or nobody wants more of them."""

    __slots__ = ("_absent", "_items", "_leases")

    def __init__(
        self, items: Iterator[Any], leases: Leases, *, absent: Collection[str] = frozenset()
    ) -> None:
        """`absent` are the inputs that the request lacks, though the task requires them."""
        self._items = items
        self._leases = leases
        self._absent = absent

    def __iter__(self) -> HeldStream:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._items)
        except BaseException as error:
            self.close()
            problem = missed_inputs(error, self._absent)
            if problem is not None:
                raise problem from error
            raise

    def close(self) -> None:
        try:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        finally:
            self._leases.release()


def missed_inputs(error: BaseException, absent: Collection[str]) -> MissingInputsError | None:
    """The mistake of the client, if a module has failed on None in the place of an input."""
    if absent and isinstance(error, AttributeError | TypeError) and "NoneType" in safe_str(error):
        return MissingInputsError(sorted(absent))
    return None


class RequestStreams:
    """Splits a stream of messages into one stream per parameter, reading only as far as the module does."""

    def __init__(
        self, messages: Iterator[Mapping[str, Any]], elements: Mapping[str, Callable[[Any], Any]]
    ) -> None:
        """`elements` takes the value of a parameter, or MISSING, to the element for the module."""
        self._messages = messages
        self._elements = elements
        self._waiting: dict[str, deque[Any]] = {name: deque() for name in elements}
        self._iterators = {name: self._read(name) for name in elements}
        self._lock = threading.Lock()
        self._count = 0
        self._failure: Exception | None = None

    def stream(self, name: str) -> DataStream[Any]:
        """The elements of one parameter; they can be read once."""
        return DataStream(self._iterators.__getitem__, name)

    def _read(self, name: str) -> Iterator[Any]:
        waiting = self._waiting[name]
        while waiting or self._advance(waiting):
            yield waiting.popleft()

    def _advance(self, waiting: deque[Any]) -> bool:
        """Read one more message, unless somebody else has just done so."""
        with self._lock:
            if waiting:
                return True
            if self._failure is not None:
                raise self._failure
            try:
                return self._read_message()
            except Exception as error:
                self._failure = error
                raise

    def _read_message(self) -> bool:
        for message in self._messages:
            self._count += 1
            for name, element in self._elements.items():
                try:
                    value = element(message.get(name, MISSING))
                except MissingElementError:
                    raise RequestError(
                        Status.INVALID_ARGUMENT,
                        f"Message {self._count} of the request stream has no '{name}'",
                    ) from None
                self._append(name, value)
            return True
        return False

    def _append(self, name: str, value: Any) -> None:
        self._waiting[name].append(value)
        if len(self._waiting[name]) > MAX_LAG:
            raise RequestError(
                Status.RESOURCE_EXHAUSTED,
                f"More than {MAX_LAG} elements of '{name}' wait while another part of the request stream is read",
            )


class MissingElementError(Exception):
    """A message of a request stream lacks the value of a streamed parameter."""


MISSING: Any = object()


def absent_element(node: Node) -> Callable[[], Any]:
    """What stands for the value of a field that a message cannot show to be missing."""
    match node:
        case Scalar(kind=kind):
            zero = _ZEROS.get(kind, 0)
            return lambda: zero
        case Repeated():
            return list
        case MapOf():
            return dict
        case _:
            return _raise_missing


def _raise_missing() -> Any:
    raise MissingElementError
