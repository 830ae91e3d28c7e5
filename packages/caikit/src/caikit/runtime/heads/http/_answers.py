"""Bodies and statuses of what goes wrong."""

from __future__ import annotations

import json
from typing import Any

from caikit._exception_text import safe_repr
from caikit.core.data_model._json_input import Issue, JsonInputError
from caikit.runtime.engine import Failure, Observation, Origin, RequestError, Status, shorten
from caikit.runtime.engine.guard import AccessRefusedError
from caikit.runtime.engine.private_paths import hide_folders
from caikit.runtime.transport.http_messages import HeaderList, HttpAnswer, SocketClose

JSON_HEADERS: HeaderList = [(b"content-type", b"application/json")]

HTTP_STATUS = {
    Status.OK: 200,
    Status.INVALID_ARGUMENT: 400,
    Status.FAILED_PRECONDITION: 400,
    Status.OUT_OF_RANGE: 400,
    Status.UNAUTHENTICATED: 401,
    Status.PERMISSION_DENIED: 403,
    Status.NOT_FOUND: 404,
    Status.ALREADY_EXISTS: 409,
    Status.ABORTED: 409,
    Status.RESOURCE_EXHAUSTED: 429,
    Status.CANCELLED: 499,
    Status.UNKNOWN: 500,
    Status.DATA_LOSS: 500,
    Status.INTERNAL: 500,
    Status.UNIMPLEMENTED: 501,
    Status.UNAVAILABLE: 503,
    Status.DEADLINE_EXCEEDED: 504,
}

MOST_ISSUES = 100

_MALFORMED = 422
_SWITCHED = 101
_SOCKET_CODES = 4000
_LONGEST_REASON = 100
_LONGEST_INPUT = 1000
_RETRY_LATER = (b"retry-after", b"1")


class BadRequestError(RequestError):
    """Raised when a body cannot be read at all; answers in the short form `{"detail": ...}`."""

    def __init__(self, http_status: int, detail: str) -> None:
        super().__init__(Status.INVALID_ARGUMENT, detail)
        self.http_status = http_status


def json_answer(status: int, content: Any) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(content).encode(), list(JSON_HEADERS))


def detail_answer(status: int, detail: str, headers: HeaderList | None = None) -> HttpAnswer:
    """The short form, for requests that reach no operation."""
    answer = json_answer(status, {"detail": detail})
    answer.headers.extend(headers or ())
    return answer


def refusal_answer(error: RequestError, http_status: int | None = None) -> HttpAnswer:
    """The answer to a request that no operation has seen."""
    if http_status is None:
        http_status = HTTP_STATUS[error.status]
    answer = _failure_answer(http_status, shorten(error.message), error.id)
    if isinstance(error, AccessRefusedError):
        answer.headers.append((b"www-authenticate", error.challenge.encode()))
    if http_status == HTTP_STATUS[Status.RESOURCE_EXHAUSTED]:
        answer.headers.append(_RETRY_LATER)
    return answer


def failure_answer(failure: Failure, cause: BaseException | None, *, inference: bool) -> HttpAnswer:
    """The answer to a request whose operation failed."""
    if isinstance(cause, BadRequestError):
        return detail_answer(cause.http_status, cause.message)
    if isinstance(cause, JsonInputError) and cause.issues:
        return _issues_answer(failure, cause.issues)
    status, details = describe(failure, cause, inference=inference)
    return _failure_answer(status, details, failure.id)


def last_words(answer: HttpAnswer) -> tuple[bytes, SocketClose]:
    """What a WebSocket is told where a request without one gets this answer."""
    content = json.loads(answer.body)
    reason = str(content.get("details") or content.get("detail") or "")
    reason = reason.encode("utf-8", "replace")[:_LONGEST_REASON].decode("utf-8", "ignore")
    return answer.body, SocketClose(_SOCKET_CODES + answer.status, reason)


def answer_status(observation: Observation, *, stream_error_status: bool = False) -> int:
    """The status of the answer to a request that the engine has served."""
    error, context, shape = observation.error, observation.context, observation.operation.shape
    if shape.input_streaming and context.headers.get("upgrade", "").lower() == "websocket":
        return _SWITCHED
    if error is None or (shape.output_streaming and observation.sent):
        return HTTP_STATUS[Status.OK]
    malformed = is_malformed(error)
    if shape.output_streaming and not stream_error_status and (context.streaming or not malformed):
        return HTTP_STATUS[Status.OK]
    if isinstance(error, BadRequestError):
        return error.http_status
    return _MALFORMED if malformed else HTTP_STATUS[observation.status]


def is_malformed(cause: BaseException | None) -> bool:
    """True for requests that are refused before anything else is done."""
    return isinstance(cause, BadRequestError | JsonInputError)


def describe(failure: Failure, cause: BaseException | None, *, inference: bool) -> tuple[int, str]:
    """HTTP status and text of a failure."""
    details = failure.message
    if failure.origin is Origin.UNEXPECTED and (failure.in_stream or not inference):
        details = f"Unhandled exception: {details}"
    elif isinstance(cause, JsonInputError):
        return _MALFORMED, details
    elif failure.origin is Origin.INPUT and failure.in_stream:
        details = hide_folders(shorten(safe_repr(cause)))
    return HTTP_STATUS[failure.status], details


def error_content(status: int, details: str, id_: str) -> dict[str, Any]:
    return {"details": details, "code": status, "id": id_}


def _failure_answer(status: int, details: str, id_: str) -> HttpAnswer:
    answer = json_answer(status, error_content(status, details, id_))
    if status == HTTP_STATUS[Status.UNAVAILABLE]:
        answer.headers.append(_RETRY_LATER)
    return answer


def _issues_answer(failure: Failure, found: list[Issue]) -> HttpAnswer:
    issues = [
        {
            "type": issue.type,
            "loc": [_shorten(step) for step in issue.loc],
            "msg": shorten(issue.msg + issue.also),
            "input": _shorten(issue.input),
        }
        for issue in found[:MOST_ISSUES]
    ]
    first = found[0]
    place = ".".join(str(step) for step in issues[0]["loc"])
    content = {
        "details": shorten(f"{shorten(first.msg)} at {place}{first.also}") if place else issues[0]["msg"],
        "additional_info": issues,
        "code": _MALFORMED,
        "id": failure.id,
    }
    return json_answer(_MALFORMED, content)


def _shorten(value: Any) -> Any:
    """What was wrong, without sending back a huge request."""
    if isinstance(value, bytes):
        value = value[:_LONGEST_INPUT].decode("utf-8", "replace")
    if isinstance(value, str):
        return shorten(value, _LONGEST_INPUT)
    try:
        text = _begin_json(value)
    except ValueError:
        # Not a number, or infinite: JSON has no word for it.
        return str(value)[:_LONGEST_INPUT]
    except (TypeError, RecursionError):
        return f"<{type(value).__name__}>"
    return value if len(text) <= _LONGEST_INPUT else shorten(text, _LONGEST_INPUT)


def _begin_json(value: Any) -> str:
    """The JSON text of a value, or somewhat more of it than is shown: the rest is not even written."""
    text = ""
    for piece in json.JSONEncoder(allow_nan=False).iterencode(value):
        text += piece
        if len(text) > _LONGEST_INPUT:
            break
    return text
