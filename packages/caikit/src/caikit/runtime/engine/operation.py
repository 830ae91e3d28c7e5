"""Everything that can be known about a callable of the service before a request arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase

    from .context import RequestContext

Out = TypeVar("Out")


class Shape(Enum):
    """How many messages travel in each direction."""

    UNARY = (False, False)
    SERVER_STREAM = (False, True)
    CLIENT_STREAM = (True, False)
    BIDI = (True, True)

    @property
    def input_streaming(self) -> bool:
        return bool(self.value[0])

    @property
    def output_streaming(self) -> bool:
        return bool(self.value[1])

    @classmethod
    def of(cls, input_streaming: bool, output_streaming: bool) -> Shape:
        return cls((bool(input_streaming), bool(output_streaming)))


class Kind(Enum):
    """What an operation is for."""

    INFERENCE = auto()
    JOB = auto()
    TRAINING = auto()
    MANAGEMENT = auto()
    INFO = auto()


class Layout(Enum):
    """Where the fields of a request travel over HTTP."""

    INFERENCE = auto()
    """A JSON object with `model_id`, `inputs` and `parameters`."""

    REQUEST = auto()
    """The JSON object of the request itself."""

    QUERY = auto()
    """Query parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """Where and how an operation is served over HTTP."""

    method: str
    path: str
    layout: Layout
    required: tuple[str, ...] = ()
    """INFERENCE: the fields that travel in `inputs`; QUERY: the parameters that must be given."""
    visible: bool = True
    summary: str = ""
    description: str = ""
    extra_openapi: Mapping[str, Any] = field(default_factory=dict)
    compact: bool = False
    """Answer with JSON that has no blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One callable of the service, compiled at start-up.

    `work` runs in a worker thread and may block. It takes the request context and the keyword arguments that the
    client gave (an iterator of them, one per message, for streamed input) and returns a data object
    (an iterable of them for streamed output).
    """

    name: str
    service: str
    shape: Shape
    request: type[DataObjectBase]
    response: type[DataObjectBase]
    work: Callable[[RequestContext, Any], Any]
    kind: Kind
    http: HttpRoute | None = None
    acknowledge: bool = False
    """Send initial metadata before anything else is done."""
    runs_in_loop: Callable[[str | None], bool] | None = None
    """Tells whether a model has asked to be called in the event loop and is there. None: no module has asked."""

    @property
    def grpc_path(self) -> str:
        return f"/{self.service}/{self.name}"


@dataclass(frozen=True, slots=True)
class Codec(Generic[Out]):
    """Wire format of one operation, compiled by a head at start-up; runs in the worker."""

    decode: Callable[[bytes, RequestContext], dict[str, Any]]
    encode: Callable[[Any], Out]
    reads_ahead: bool = False
    """Streamed input: the first message says which model is meant, so it is decoded before the work begins."""


Body = bytes | Iterator[bytes]
