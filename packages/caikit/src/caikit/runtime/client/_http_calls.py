"""Calls over HTTP, sent again where that does no harm, and ended when their time is over."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine import Uninterrupted, end_early, shorten
from caikit.runtime.names import StreamEventTypes
from caikit.runtime.trace._outgoing import outgoing_pairs

from ._connections import Connection
from ._cut import cut
from ._deadline import Deadline
from ._errors import from_answer, from_event, from_failed_connection, from_timeout, remote_error, root_of
from ._sse import EventReader, EventTooLargeError

if TYPE_CHECKING:
    import requests
    from urllib3 import BaseHTTPResponse
    from urllib3.util.retry import Retry

_EVENTS = "text/event-stream"
_PIECE = 1 << 16
MOST_ERROR_BYTES = 1 << 20
MOST_BYTES = 1 << 28
REDIRECTS = (301, 302, 303, 307, 308)
_LIMIT_KEY = "connection.options.max_response_bytes"


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request; `repeatable` says that sending it twice does no harm."""

    method: str
    target: str
    path: str
    body: bytes | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, how often and for how much to wait."""

    deadline: Deadline
    retry: Retry
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    media_type: str


def exchange(connection: Connection, call: HttpCall, patience: Patience) -> Answer:
    """The whole answer to a request."""
    with Uninterrupted(), contextlib.closing(_open(connection, call, patience)) as response:
        content = b"".join(_read(response, call.target, patience, patience.most_bytes))
        return Answer(content, media_type(response.headers.get("content-type")))


def stream_events(connection: Connection, call: HttpCall, patience: Patience) -> Iterator[bytes]:
    """The data of each message as it arrives; closing the iterator ends the request."""
    with Uninterrupted():
        response = _open(connection, call, patience)
    try:
        if media_type(response.headers.get("content-type")) != _EVENTS:
            found = media_type(response.headers.get("content-type")) or "nothing"
            raise remote_error(
                "INTERNAL", f"expected {_EVENTS} from {call.target}{call.path}, got {shorten(found)}"
            )
        reader = EventReader(patience.most_bytes)
        try:
            for piece in _read(response, call.target, patience, None):
                for event in reader.feed(piece):
                    if event.name == StreamEventTypes.ERROR.value:
                        raise from_event(event.data)
                    if event.name == StreamEventTypes.MESSAGE.value:
                        yield event.data
        except EventTooLargeError:
            raise too_large(patience.most_bytes) from None
        if reader.unfinished:
            raise remote_error("UNAVAILABLE", f"{call.target} ended the stream in the middle of an event")
    finally:
        with Uninterrupted():
            response.close()


def _open(connection: Connection, call: HttpCall, patience: Patience) -> requests.Response:
    """The answer, with its body still to be read; raises if it tells of an error."""
    response = _send_until_answered(connection, call, patience)
    if response.status_code == 200:
        return response
    with contextlib.closing(response):
        if response.is_redirect:
            raise redirected(call, response.headers.get("location"))
        body = b""
        for piece in _read(response, call.target, patience, None):
            body += piece
            if len(body) > MOST_ERROR_BYTES:
                break
        raise from_answer(response.status_code, body)


def _send_until_answered(connection: Connection, call: HttpCall, patience: Patience) -> requests.Response:
    import requests
    from urllib3.exceptions import HTTPError

    retry = patience.retry
    while True:
        problem: Exception | None = None
        response: requests.Response | None = None
        try:
            response = _send(connection.resource, call, patience.deadline)
        except (requests.RequestException, HTTPError) as failed:
            if isinstance(failed, requests.Timeout) or patience.deadline.passed:
                raise from_timeout(call.target, patience.deadline.seconds) from failed
            problem = failed
        if response is not None and not (
            call.repeatable and response.status_code in (retry.status_forcelist or ())
        ):
            return response
        next_retry, pause = None, 0.0
        if _may_be_sent_again(call, response, problem):
            next_retry, pause = next_try(retry, call, None if response is None else response.raw, problem)
        if next_retry is None or not patience.deadline.allows(pause):
            if response is not None:
                return response
            raise from_failed_connection(call.target, problem or RuntimeError()) from problem
        if response is not None:
            response.close()
        retry = next_retry
        time.sleep(pause)


def _send(session: Any, call: HttpCall, deadline: Deadline) -> requests.Response:
    response: requests.Response = session.request(
        call.method,
        f"{call.target}{call.path}",
        data=call.body,
        params=call.query,
        headers={"accept-encoding": "identity", **dict(outgoing_pairs()), **call.headers},
        timeout=deadline.remaining(),
        # Else an environment variable would take its place.
        verify=session.verify,
        stream=True,
        # The body and the credentials are for this server.
        allow_redirects=False,
    )
    return response


def _may_be_sent_again(call: HttpCall, response: requests.Response | None, problem: Exception | None) -> bool:
    import requests

    if response is not None:
        return True
    if isinstance(problem, requests.exceptions.SSLError) or not isinstance(problem, requests.ConnectionError):
        return False
    return call.repeatable or _was_not_sent(problem)


def next_try(
    retry: Retry, call: HttpCall, answer: BaseHTTPResponse | None, problem: Exception | None
) -> tuple[Retry | None, float]:
    """What is left to try after one more failure, and the seconds before it."""
    from urllib3.exceptions import HTTPError

    try:
        retry = retry.increment(call.method, call.path, response=answer, error=problem)
        respected = answer is not None and retry.respect_retry_after_header
        asked = retry.get_retry_after(answer) if answer is not None and respected else None
    except HTTPError:
        return None, 0.0
    return retry, asked or retry.get_backoff_time()


def _was_not_sent(problem: Exception) -> bool:
    from urllib3.exceptions import NewConnectionError

    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    return isinstance(reason, NewConnectionError) or isinstance(root_of(problem), ConnectionRefusedError)


def _read(
    response: requests.Response, target: str, patience: Patience, most_bytes: int | None
) -> Iterator[bytes]:
    """The body in the pieces in which it arrives."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    size = 0
    while True:
        _limit_wait(response, patience.deadline)
        try:
            with Uninterrupted():
                end_early(partial(cut, getattr(response.raw, "connection", None)))
                piece = response.raw.read1(_PIECE)
        except ReadTimeoutError as problem:
            raise from_timeout(target, patience.deadline.seconds) from problem
        except (HTTPError, OSError) as problem:
            message = f"{target} ended its answer before it was complete: {root_of(problem)}"
            raise remote_error("UNAVAILABLE", message) from problem
        if not piece:
            return
        if patience.deadline.passed:
            raise from_timeout(target, patience.deadline.seconds)
        size += len(piece)
        if most_bytes is not None and size > most_bytes:
            raise too_large(most_bytes)
        yield piece


def _limit_wait(response: requests.Response, deadline: Deadline) -> None:
    """The next piece may take what is left of the time, not the whole time once more."""
    socket = getattr(getattr(response.raw, "connection", None), "sock", None)
    if socket is not None and deadline.seconds is not None:
        socket.settimeout(deadline.remaining())


def too_large(most_bytes: int) -> Exception:
    return remote_error(
        "RESOURCE_EXHAUSTED", f"Received an answer of more than {most_bytes} bytes; the limit is {_LIMIT_KEY}"
    )


def media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def redirected(call: HttpCall, location: str | None) -> Exception:
    where = shorten(location or "")
    return remote_error("UNKNOWN", f"{call.target} redirects to {where}, which is not followed")
