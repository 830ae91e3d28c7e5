"""The transport-free core of the runtime: operations, and how one is run."""

from .admission import Gate
from .cancel import CancelToken
from .context import RequestContext
from .engine import Engine
from .errors import Failure, OperationFailed, Origin, RequestError, new_error_id, shorten, to_failure
from .observer import Metrics, Observer
from .operation import Body, Codec, HttpRoute, Kind, Layout, Operation, Shape
from .status import Status
from .workers import WorkerPool

__all__ = [
    "Body",
    "CancelToken",
    "Codec",
    "Engine",
    "Failure",
    "Gate",
    "HttpRoute",
    "Kind",
    "Layout",
    "Metrics",
    "Observer",
    "Operation",
    "OperationFailed",
    "Origin",
    "RequestContext",
    "RequestError",
    "Shape",
    "Status",
    "WorkerPool",
    "new_error_id",
    "shorten",
    "to_failure",
]
