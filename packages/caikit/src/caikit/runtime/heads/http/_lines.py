"""Operations with streamed input: a body of lines, each of which is the JSON body of one message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from caikit.core.data_model._codec import JsonInputError
from caikit.runtime.engine import Body, Codec, RequestContext, RequestError, Status, shorten
from caikit.runtime.transport.http_messages import HttpAnswer, HttpRequest

from ._answers import detail_answer
from ._arguments import ArgumentPlan
from ._endpoints import OperationEndpoint
from ._media import LINES, parse_media_type
from ._typed_body import Arguments

_PLACE = "line"


class LinesEndpoint(OperationEndpoint):
    """One operation with streamed input at one path."""

    takes_lines = True

    def accept(self, request: HttpRequest) -> HttpAnswer | None:
        refusal = self.refuse_encoding(request)
        if refusal is not None or parse_media_type(request.content_type) == LINES:
            return refusal
        given = (request.content_type or b"(none)").decode("latin-1")
        return detail_answer(415, f"Unsupported media type: {shorten(given)}. Expected {LINES}.")

    def _choose_codec(self, request: HttpRequest, body: Body) -> tuple[Codec[Any], Body]:
        codec = Codec(decode=_LineReader(self._plan).decode, encode=self._encode, reads_ahead=True)
        return codec, body if isinstance(body, bytes) else _at_least_one(body)


class _LineReader:
    """Reads the lines of one body; the first one says which model is meant."""

    def __init__(self, plan: ArgumentPlan) -> None:
        self._plan = plan
        self._count = 0

    def decode(self, line: bytes, context: RequestContext) -> Arguments:
        self._count += 1
        model_id = context.model_id
        try:
            return self._plan.decode(line, context)
        except JsonInputError as error:
            raise JsonInputError(
                [replace(issue, loc=(_PLACE, self._count, *issue.loc)) for issue in error.issues]
            ) from None
        finally:
            if model_id is not None:
                context.model_id = model_id


def _at_least_one(lines: Iterable[bytes]) -> Iterator[bytes]:
    line = None
    for line in lines:
        yield line
    if line is None:
        raise RequestError(Status.INVALID_ARGUMENT, "The request stream is empty: expected at least one line")
