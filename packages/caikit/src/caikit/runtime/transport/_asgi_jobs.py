"""What an ASGI request does in a worker, and how its result comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterator
from functools import partial

from caikit.runtime.engine import Body, RequestContext, RequestError, Status
from caikit.runtime.engine.limits import STALL_SECONDS_KEY

from ._hand_over import HandOver, Item
from ._loop_bridge import LoopBridge
from .http_messages import HttpAnswer, HttpEndpoint, HttpRequest, SocketClose, SocketEndpoint


def run(
    bridge: LoopBridge,
    result: asyncio.Future[HttpAnswer],
    endpoint: HttpEndpoint,
    context: RequestContext,
    request: HttpRequest,
    body: Body,
) -> None:
    """In a worker: make one answer."""
    try:
        answer = endpoint.answer(context, request, body)
    except BaseException as error:
        bridge.call(_deliver_error, result, error)
    else:
        bridge.call(deliver, result, answer)


def deliver(result: asyncio.Future[HttpAnswer], answer: HttpAnswer) -> None:
    if not result.done():
        result.set_result(answer)


def _deliver_error(result: asyncio.Future[HttpAnswer], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error if isinstance(error, Exception) else broken())


def run_stream(
    line: HandOver[bytes | HttpAnswer],
    endpoint: HttpEndpoint,
    context: RequestContext,
    request: HttpRequest,
    body: Body,
) -> None:
    """In a worker: make a stream, as fast as its reader takes it."""
    # The response starts as soon as the request is known to be well-formed, not with the first item.
    context.on_decoded = partial(line.put, b"")
    _produce(line, context, lambda: endpoint.stream(context, request, body))


def run_socket(
    line: HandOver[bytes | SocketClose],
    endpoint: SocketEndpoint,
    context: RequestContext,
    messages: Iterator[bytes],
) -> None:
    """In a worker: answer the messages of a client, as fast as it reads."""
    _produce(line, context, lambda: endpoint.converse(context, messages))


def _produce(
    line: HandOver[Item], context: RequestContext, begin: Callable[[], Generator[Item, None, None]]
) -> None:
    try:
        with contextlib.closing(begin()) as items:
            for item in items:
                if not line.put(item):
                    if line.stalled:
                        context.cancel.cancel(
                            f"given up: its client reads nothing ({STALL_SECONDS_KEY})",
                            Status.DEADLINE_EXCEEDED,
                        )
                    return
    except BaseException:
        line.failed = True
        raise
    finally:
        line.finish()


def broken() -> RequestError:
    return RequestError(Status.INTERNAL, "The server failed to make an answer")


def stopped() -> RequestError:
    return RequestError(Status.UNAVAILABLE, "The server was stopped before the answer was complete")
