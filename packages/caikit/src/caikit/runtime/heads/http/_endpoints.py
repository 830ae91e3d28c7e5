"""Operations as HTTP methods."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

from caikit.runtime.engine import (
    Body,
    Codec,
    Engine,
    Failure,
    HttpRoute,
    Kind,
    Layout,
    LoopRuns,
    MissingInputsError,
    Operation,
    RequestContext,
    shorten,
    to_failure,
)
from caikit.runtime.engine.guard import Guard
from caikit.runtime.transport.http_messages import HeaderList, HttpAnswer, HttpRequest

from ._answers import JSON_HEADERS, describe, detail_answer, failure_answer, is_malformed
from ._arguments import ArgumentPlan
from ._files import answers_with_file, file_answer, wants_json
from ._form import decode_form
from ._json import compact_json, finite_json
from ._media import FORM, JSON, find_parameter, parse_media_type
from ._model_id import find_body_model_id
from ._sse import SSE_HEADERS, error_frame, message_frame

Decode = Callable[[bytes, RequestContext], dict[str, Any]]


class OperationEndpoint:
    """One operation at one path."""

    takes_lines = False
    stream_headers: HeaderList = SSE_HEADERS

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        route: HttpRoute,
        guard: Guard | None = None,
        *,
        stream_error_status: bool = False,
    ) -> None:
        """`stream_error_status`: a stream that fails before its first item has the status of its failure."""
        self.guard = guard
        self._stream_error_status = stream_error_status
        self.streaming = operation.shape.output_streaming
        self.has_body = route.layout is not Layout.QUERY
        self._engine = engine
        self._operation = operation
        self._inference = operation.kind is Kind.INFERENCE
        self._plan = ArgumentPlan(operation, route)
        self._encode: Callable[[Any], Any] = _choose_encoder(operation, route)
        self._json_codec: Codec[Any] = Codec(decode=self._plan.decode, encode=self._encode)
        self.loop_runs = LoopRuns.of(operation, find_body_model_id)

    def refuse_encoding(self, request: HttpRequest) -> HttpAnswer | None:
        encoding = request.content_encoding
        if encoding is None or encoding.strip().lower() in (b"", b"identity"):
            return None
        return detail_answer(415, f"Unsupported content encoding: {shorten(encoding.decode('latin-1'))}.")

    def accept(self, request: HttpRequest) -> HttpAnswer | None:
        if request.content_encoding is not None and (refusal := self.refuse_encoding(request)) is not None:
            return refusal
        if not self.has_body or request.content_type == b"application/json":
            return None
        media_type = parse_media_type(request.content_type)
        if media_type == FORM:
            if find_parameter(request.content_type or b"", "boundary"):
                return None
            return detail_answer(400, "Missing boundary in multipart.")
        if media_type == JSON:
            return None
        given = (request.content_type or b"(none)").decode("latin-1")
        expected = "" if request.content_type else f" Expected {JSON} or {FORM}."
        return detail_answer(415, f"Unsupported media type: {shorten(given)}.{expected}")

    def answer(self, context: RequestContext, request: HttpRequest, body: Body) -> HttpAnswer:
        codec, content = self._choose_codec(request, body)
        if codec.encode is file_answer and wants_json(context.headers.get("accept")):
            codec = replace(codec, encode=_encode_json)
        try:
            answer: HttpAnswer = self._engine.run(self._operation, codec, context, content)
        except Exception as error:
            failure, cause = self._failure(error)
            return failure_answer(failure, cause, inference=self._inference)
        return answer

    def stream(
        self, context: RequestContext, request: HttpRequest, body: Body
    ) -> Generator[bytes | HttpAnswer, None, None]:
        codec, content = self._choose_codec(request, body)
        items: list[None] = []
        if self._stream_error_status:
            # The answer begins with the first item, not as soon as the request has proved to be well-formed.
            context.on_decoded = None
            codec = replace(codec, encode=partial(_encode_noted, codec.encode, items))
        try:
            yield from self._engine.run_stream(self._operation, codec, context, content)
            if self._stream_error_status and not items:
                yield b""
        except Exception as error:
            failure, cause = self._failure(error)
            malformed = is_malformed(cause) and not context.streaming
            if malformed or (self._stream_error_status and not items):
                yield failure_answer(failure, cause, inference=self._inference)
            else:
                status, details = describe(failure, cause, inference=self._inference)
                yield error_frame(status, details, failure.id)

    def _failure(self, error: Exception) -> tuple[Failure, BaseException | None]:
        failure, cause = to_failure(error), error.__cause__
        if isinstance(cause, MissingInputsError):
            places = ", ".join(map(self._plan.place_of, cause.names))
            failure = replace(failure, message=f"{failure.message}, expected at {places}")
        return failure, cause

    def _choose_codec(self, request: HttpRequest, body: Body) -> tuple[Codec[Any], Body]:
        if not self.has_body:
            return Codec(decode=self._plan.decode_query, encode=self._encode), request.query
        if request.content_type is None or request.content_type == b"application/json":
            return self._json_codec, body
        if parse_media_type(request.content_type) == FORM:
            boundary = find_parameter(request.content_type, "boundary") or ""
            return Codec(decode=partial(decode_form, self._plan, boundary), encode=self._encode), body
        return self._json_codec, body


def _encode_noted(encode: Callable[[Any], bytes], items: list[None], result: Any) -> bytes:
    """Encode an item, and note that there is one."""
    encoded = encode(result)
    items[:] = [None]
    return encoded


def _choose_encoder(operation: Operation, route: HttpRoute) -> Callable[[Any], Any]:
    if operation.shape.output_streaming:
        return _encode_event
    if answers_with_file(operation.response):
        return file_answer
    return _encode_compact if route.compact else _encode_json


def _encode_event(result: Any) -> bytes:
    return message_frame(finite_json(result))


def _encode_json(result: Any) -> HttpAnswer:
    return HttpAnswer(200, finite_json(result), JSON_HEADERS)


def _encode_compact(result: Any) -> HttpAnswer:
    return HttpAnswer(200, compact_json(result), JSON_HEADERS)
