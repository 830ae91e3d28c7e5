"""The transport-free core of the runtime: operations, and how one is run."""

from ._request_id import (
    REQUEST_ID_HEADER,
    TRACE_HEADER,
    choose_request_id,
    find_request_id,
    make_request_id,
)
from .abort import Uninterrupted, can_be_aborted, end_early
from .access_log import AccessLog
from .admission import Gate
from .cancel import CancelToken
from .context import RequestContext, Served, Span
from .engine import Engine
from .errors import (
    Failure,
    MissingInputsError,
    OperationFailed,
    Origin,
    Reason,
    RequestError,
    new_error_id,
    shorten,
    to_failure,
)
from .in_loop import LoopRuns
from .observer import Listener, Observation, Observer
from .operation import Body, Codec, HttpRoute, Kind, Layout, Operation, Shape
from .status import Status
from .workers import WorkerPool

__all__ = [
    "REQUEST_ID_HEADER",
    "TRACE_HEADER",
    "AccessLog",
    "Body",
    "CancelToken",
    "Codec",
    "Engine",
    "Failure",
    "Gate",
    "HttpRoute",
    "Kind",
    "Layout",
    "Listener",
    "LoopRuns",
    "MissingInputsError",
    "Observation",
    "Observer",
    "Operation",
    "OperationFailed",
    "Origin",
    "Reason",
    "RequestContext",
    "RequestError",
    "Served",
    "Shape",
    "Span",
    "Status",
    "Uninterrupted",
    "WorkerPool",
    "can_be_aborted",
    "choose_request_id",
    "end_early",
    "find_request_id",
    "make_request_id",
    "new_error_id",
    "shorten",
    "to_failure",
]
