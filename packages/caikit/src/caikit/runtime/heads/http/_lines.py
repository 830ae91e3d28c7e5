"""Operations with streamed input: lines of a body, or messages of a WebSocket; each is the JSON of one input."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from caikit.core.data_model._codec import JsonInputError
from caikit.runtime.engine import Body, Codec, RequestContext, RequestError, Status, shorten
from caikit.runtime.transport.http_messages import CLOSED, HttpAnswer, HttpRequest, SocketClose

from ._answers import detail_answer, failure_answer, last_words
from ._arguments import ArgumentPlan
from ._endpoints import OperationEndpoint
from ._json import finite_json
from ._media import LINES, parse_media_type
from ._typed_body import Arguments

_LINE = "line"
_MESSAGE = "message"


class LinesEndpoint(OperationEndpoint):
    """One operation with streamed input at one path."""

    takes_lines = True

    def accept(self, request: HttpRequest) -> HttpAnswer | None:
        refusal = self.refuse_encoding(request)
        if refusal is not None or parse_media_type(request.content_type) == LINES:
            return refusal
        given = (request.content_type or b"(none)").decode("latin-1")
        return detail_answer(415, f"Unsupported media type: {shorten(given)}. Expected {LINES}.")

    def converse(
        self, context: RequestContext, messages: Iterator[bytes]
    ) -> Generator[bytes | SocketClose, None, None]:
        codec: Codec[bytes] = self._make_codec(_MESSAGE, finite_json)
        inputs = _at_least_one(messages, _MESSAGE)
        try:
            if self.streaming:
                yield from self._engine.run_stream(self._operation, codec, context, inputs)
            else:
                yield self._engine.run(self._operation, codec, context, inputs)
        except Exception as error:
            failure, cause = self._failure(error)
            yield from last_words(failure_answer(failure, cause, inference=self._inference))
            return
        yield CLOSED

    def _choose_codec(self, request: HttpRequest, body: Body) -> tuple[Codec[Any], Body]:
        codec = self._make_codec(_LINE, self._encode)
        return codec, body if isinstance(body, bytes) else _at_least_one(body, _LINE)

    def _make_codec(self, place: str, encode: Callable[[Any], Any]) -> Codec[Any]:
        return Codec(decode=_InputReader(self._plan, place).decode, encode=encode, reads_ahead=True)


class _InputReader:
    """Reads the inputs of one request; the first one says which model is meant."""

    def __init__(self, plan: ArgumentPlan, place: str) -> None:
        self._plan = plan
        self._place = place
        self._count = 0

    def decode(self, text: bytes, context: RequestContext) -> Arguments:
        self._count += 1
        model_id = context.model_id
        try:
            return self._plan.decode(text, context)
        except JsonInputError as error:
            raise JsonInputError(
                [replace(issue, loc=(self._place, self._count, *issue.loc)) for issue in error.issues]
            ) from None
        finally:
            if model_id is not None:
                context.model_id = model_id


def _at_least_one(texts: Iterable[bytes], what: str) -> Iterator[bytes]:
    text = None
    for text in texts:
        yield text
    if text is None:
        raise RequestError(
            Status.INVALID_ARGUMENT, f"The request stream is empty: expected at least one {what}"
        )
