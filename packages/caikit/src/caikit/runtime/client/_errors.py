"""What a server, or the way to it, says has gone wrong, as the exception that is raised here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine import shorten
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

if TYPE_CHECKING:
    import grpc

_MORE_STATUSES = {
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    415: "INVALID_ARGUMENT",
    502: "UNAVAILABLE",
}
_LONGEST_CHAIN = 20


def remote_error(status: str, message: str, error_id: str | None = None) -> CaikitRuntimeException:
    """`status` is the name of a gRPC status, `error_id` what the server's log calls the error."""
    import grpc

    made = CaikitRuntimeException(grpc.StatusCode[status], message)
    if error_id:
        made.id = made.metadata["error_id"] = error_id
    return made


def from_rpc(call: Any, fallback: str) -> CaikitRuntimeException:
    """The error that a finished call tells."""
    code: grpc.StatusCode | None = call.code()
    return remote_error("UNKNOWN" if code is None else code.name, call.details() or fallback)


def from_answer(status: int, body: bytes) -> CaikitRuntimeException:
    """The error that an HTTP answer tells."""
    content = _read_object(body)
    details = content.get("details", content.get("detail"))
    if not isinstance(details, str):
        details = f"Received status {status} from remote server: {shorten(body.decode('utf-8', 'replace'))}"
    return _from_content(status, details, content)


def from_event(data: bytes) -> CaikitRuntimeException:
    """The error that an event of a stream tells."""
    content = _read_object(data)
    status, details = content.get("code"), content.get("details")
    if not isinstance(details, str):
        details = f"Received an error from remote server: {shorten(data.decode('utf-8', 'replace'))}"
    return _from_content(status if isinstance(status, int) else 0, details, content)


def unreadable(source: str, expected: type[Any], problem: Exception) -> CaikitRuntimeException:
    """The error for an answer that is not what it should be."""
    return remote_error(
        "INTERNAL", f"The answer of {source} is no {expected.__name__}: {shorten(str(problem))}"
    )


def from_timeout(target: str, seconds: float | None) -> CaikitRuntimeException:
    patience = "" if seconds is None else f" within {seconds:g} s"
    return remote_error("DEADLINE_EXCEEDED", f"Deadline Exceeded: no complete answer from {target}{patience}")


def from_failed_connection(target: str, problem: BaseException) -> CaikitRuntimeException:
    return remote_error("UNAVAILABLE", f"Unable to reach {target}: {root_of(problem)}")


def reason_of(problem: Exception) -> str:
    """What went wrong in one line, with the name of the status if there is one."""
    if isinstance(problem, CaikitRuntimeException):
        return f"{problem.status_code.name}: {problem.message}"
    return f"{type(problem).__name__}: {problem}"


def root_of(problem: BaseException) -> BaseException:
    """The innermost of exceptions that were wrapped into each other."""
    for _ in range(_LONGEST_CHAIN):
        inner = getattr(problem, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next(
                (each for each in problem.args if isinstance(each, BaseException)), problem.__cause__
            )
        if inner is None:
            break
        problem = inner
    return problem


def _from_content(status: int, details: str, content: dict[str, Any]) -> CaikitRuntimeException:
    error_id = content.get("id")
    return remote_error(
        _status_name(status, content.get("status")), details, error_id if isinstance(error_id, str) else None
    )


def _status_name(status: int, told: Any) -> str:
    import grpc

    from caikit.runtime.names import HTTP_TO_STATUS_CODE

    if isinstance(told, str) and told in grpc.StatusCode.__members__:
        return told
    code = HTTP_TO_STATUS_CODE.get(status)
    return _MORE_STATUSES.get(status, "UNKNOWN") if code is None or status == 200 else code.name


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
