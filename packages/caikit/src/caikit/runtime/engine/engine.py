"""Runs operations: decode, work, encode; every failure is logged and counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NoReturn, TypeVar

from caikit._exception_text import safe_str

from .admission import Gate
from .context import RequestContext
from .errors import OperationFailed, RequestError, to_failure
from .observer import Observation, Observer
from .operation import Body, Codec, Operation
from .status import Status

Out = TypeVar("Out")


class Engine:
    """Serves operations for any head. Its methods are called in worker threads; only the gate is asked before."""

    def __init__(
        self, *, gate: Gate, observer: Observer, abort_exception: type[Exception] | None = None
    ) -> None:
        self.gate = gate
        self._observer = observer
        self._abort_exception = abort_exception

    def run(self, operation: Operation, codec: Codec[Out], context: RequestContext, body: Body) -> Out:
        """Serve a request that has one answer."""
        observation = Observation(operation, context, self._observer)
        try:
            result = self._work(operation, codec, context, body, observation)
            try:
                answer = codec.encode(result)
            except Exception as error:
                _complain(operation, result, error, "Could not serialize response")
        except BaseException as error:
            raise _failed(error, context, observation) from error
        observation.answered()
        return answer

    def run_stream(
        self, operation: Operation, codec: Codec[Out], context: RequestContext, body: Body
    ) -> Iterator[Out]:
        """Serve a request that has a stream of answers. Closing the iterator ends the work and frees everything."""
        observation = Observation(operation, context, self._observer)
        items: Iterator[Any] = iter(())
        handed_over = False
        try:
            items = iter(_stream(self._work(operation, codec, context, body, observation)))
            context.streaming = True
            for item in items:
                if context.cancel.cancelled:
                    context.cancel.raise_if_cancelled()
                observation.work += observation.lap()
                try:
                    answer = codec.encode(item)
                except Exception as error:
                    _complain(operation, item, error, "Could not serialize output in model response stream")
                observation.encoded_item()
                handed_over = True
                yield answer
                handed_over = False
                observation.lap()
            observation.work += observation.lap()
        except GeneratorExit as error:
            _close(items)
            if not handed_over:
                # Nobody has closed this stream: the model has raised it.
                raise _failed(error, context, observation) from error
            gone = _reason(context)
            observation.failed(to_failure(gone), gone)
            raise
        except BaseException as error:
            _close(items)
            raise _failed(error, context, observation) from error
        observation.ended()

    def _work(
        self,
        operation: Operation,
        codec: Codec[Out],
        context: RequestContext,
        body: Body,
        observation: Observation,
    ) -> Any:
        if not context.in_loop:
            # What interrupts a worker must never hit the event loop.
            context.abort_exception = self._abort_exception
        context.cancel.raise_if_cancelled()
        arguments: Any
        if isinstance(body, bytes):
            arguments = codec.decode(body, context)
            observation.received = 1
        else:
            arguments = _decode_stream(codec, context, body, observation)
            if codec.reads_ahead:
                arguments = chain([next(arguments)], arguments)
        observation.decoded()
        if context.on_decoded is not None:
            context.on_decoded()
        result = operation.work(context, arguments)
        observation.work = observation.lap()
        return result


def _decode_stream(
    codec: Codec[Any], context: RequestContext, body: Iterable[bytes], observation: Observation
) -> Iterator[Any]:
    for message in body:
        observation.received += 1
        yield codec.decode(message, context)


def _stream(result: Any) -> Iterable[Any]:
    if isinstance(result, Iterable):
        return result
    raise RequestError(Status.INTERNAL, f"Expected a stream of results, got {type(result).__name__}")


def _complain(operation: Operation, result: Any, error: Exception, complaint: str) -> NoReturn:
    """A result cannot be encoded. The client is told no more than the complaint; the log shows what the model returned."""
    found = f"expected {operation.response.__name__} from the model, got {type(result).__name__}"
    raise RequestError(Status.INTERNAL, complaint) from TypeError(f"{found}: {safe_str(error)}")


def _failed(error: BaseException, context: RequestContext, observation: Observation) -> OperationFailed:
    failure = to_failure(error, in_stream=context.streaming)
    observation.failed(failure, error)
    return OperationFailed(failure)


def _reason(context: RequestContext) -> RequestError:
    """Why nobody reads a stream any more."""
    try:
        context.cancel.raise_if_cancelled()
    except RequestError as error:
        return error
    return RequestError(Status.CANCELLED, "The client went away in the middle of the stream")


def _close(items: Iterator[Any]) -> None:
    """End the source of a stream that nobody reads any more."""
    close = getattr(items, "close", None)
    if close is not None:
        close()
