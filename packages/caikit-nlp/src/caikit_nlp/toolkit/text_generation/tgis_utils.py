"""Texts from a text generation server, as results of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import alog
import grpc

from caikit import get_config
from caikit.core.data_model import ProducerId
from caikit.core.exceptions import error_handler
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.interfaces.nlp.data_model import (
    FinishReason,
    GeneratedTextResult,
    GeneratedTextStreamResult,
    GeneratedToken,
    TokenizationResults,
    TokenStreamDetails,
)
from caikit_tgis_backend import TGISBackend
from caikit_tgis_backend.protobufs import generation_pb2

from ._calls import received
from ._remote_parameters import RemoteParameters

__all__ = ["GRPC_TO_CAIKIT_CORE_STATUS", "ROUTE_INFO_HEADER_KEY", "TGISGenerationClient", "get_route_info"]

log = alog.use_channel("TGIS_UTILS")
error = error_handler.get(log)

ROUTE_INFO_HEADER_KEY = TGISBackend.ROUTE_INFO_HEADER_KEY
get_route_info = TGISBackend.get_route_info

GRPC_TO_CAIKIT_CORE_STATUS = {
    grpc.StatusCode.CANCELLED: CaikitCoreStatusCode.CONNECTION_ERROR,
    grpc.StatusCode.UNKNOWN: CaikitCoreStatusCode.UNKNOWN,
    grpc.StatusCode.INVALID_ARGUMENT: CaikitCoreStatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.DEADLINE_EXCEEDED: CaikitCoreStatusCode.CONNECTION_ERROR,
    grpc.StatusCode.NOT_FOUND: CaikitCoreStatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: CaikitCoreStatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.PERMISSION_DENIED: CaikitCoreStatusCode.FORBIDDEN,
    grpc.StatusCode.RESOURCE_EXHAUSTED: CaikitCoreStatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION: CaikitCoreStatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.ABORTED: CaikitCoreStatusCode.CONNECTION_ERROR,
    grpc.StatusCode.OUT_OF_RANGE: CaikitCoreStatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED: CaikitCoreStatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL: CaikitCoreStatusCode.FATAL,
    grpc.StatusCode.UNAVAILABLE: CaikitCoreStatusCode.CONNECTION_ERROR,
    grpc.StatusCode.DATA_LOSS: CaikitCoreStatusCode.CONNECTION_ERROR,
    grpc.StatusCode.UNAUTHENTICATED: CaikitCoreStatusCode.UNAUTHORIZED,
}

_CLOSED = "The underlying TCP connection is closed"


class TGISGenerationClient:
    """Calls a server for one model; `prefix_id` is the tuned prompt that the server puts in front of texts."""

    def __init__(
        self,
        base_model_name: str,
        tgis_client: Any,
        producer_id: ProducerId,
        prefix_id: str | None = None,
    ) -> None:
        self._model = base_model_name
        self._client = tgis_client
        self._producer_id = producer_id
        self._prefix_id = prefix_id

    def unary_generate(self, text: str, **parameters: Any) -> GeneratedTextResult:
        """The whole text."""
        given = self._checked("generate", text, parameters)
        request = generation_pb2.BatchedGenerationRequest(
            model_id=self._model,
            prefix_id=self._prefix_id,
            requests=[generation_pb2.GenerationRequest(text=text)],
            params=given.message(),
        )
        response = self._only("Generate", request)
        return GeneratedTextResult(
            generated_text=response.text,
            generated_tokens=response.generated_token_count,
            finish_reason=_finish_reason(response.stop_reason),
            producer_id=self._producer_id,
            input_token_count=response.input_token_count,
            seed=given.seed,
            tokens=_tokens(response.tokens, bool(given.generated_tokens)),
            input_tokens=_tokens(response.input_tokens, bool(given.input_tokens)),
        )

    def stream_generate(self, text: str, **parameters: Any) -> Iterator[GeneratedTextStreamResult]:
        """The text in the pieces in which the server sends it; who stops iterating ends the call."""
        given = self._checked("generate", text, parameters)
        request = generation_pb2.SingleGenerationRequest(
            model_id=self._model,
            prefix_id=self._prefix_id,
            request=generation_pb2.GenerationRequest(text=text),
            params=given.message(),
        )
        return self._pieces(request, given)

    def tokenize(self, text: str) -> TokenizationResults:
        """The number of tokens of a text."""
        self._check("tokenization", text)
        request = generation_pb2.BatchedTokenizeRequest(
            model_id=self._model, requests=[generation_pb2.TokenizeRequest(text=text)]
        )
        return TokenizationResults(token_count=self._only("Tokenize", request).token_count)

    def _checked(self, purpose: str, text: str, parameters: dict[str, Any]) -> RemoteParameters:
        self._check(purpose, text)
        return RemoteParameters(**parameters)

    def _check(self, purpose: str, text: str) -> None:
        error.value_check(
            "<NLP72700257E>",
            self._client is not None,
            f"Backend must be configured and loaded for {purpose}",
        )
        error.type_check("<NLP65883544E>", str, text=text)

    def _only(self, method: str, request: Any) -> Any:
        """The one response of a call for one text."""
        timeout = _timeout()
        try:
            [answer] = received(
                lambda: getattr(self._client, method).future(request, timeout=timeout),
                lambda call: [call.result()],
            )
        except (grpc.RpcError, grpc.FutureCancelledError) as failure:
            _fail(failure)
        responses = answer.responses
        error.value_check(
            "<NLP38899018E>",
            len(responses) == 1,
            f"Got {len(responses)} responses for a single request",
        )
        return responses[0]

    def _pieces(self, request: Any, given: RemoteParameters) -> Iterator[GeneratedTextStreamResult]:
        timeout = _timeout()
        pieces = received(lambda: self._client.GenerateStream(request, timeout=timeout), lambda call: call)
        # Servers tell these once, callers get them with every piece.
        seed = input_token_count = 0
        try:
            for response in pieces:
                seed = response.seed or seed
                input_token_count = response.input_token_count or input_token_count
                yield GeneratedTextStreamResult(
                    generated_text=response.text,
                    tokens=_tokens(response.tokens, bool(given.generated_tokens)),
                    details=TokenStreamDetails(
                        finish_reason=_finish_reason(response.stop_reason),
                        generated_tokens=response.generated_token_count,
                        seed=seed,
                        input_token_count=input_token_count,
                    ),
                    producer_id=self._producer_id,
                    input_tokens=_tokens(response.input_tokens, bool(given.input_tokens)),
                )
        except grpc.RpcError as failure:
            _fail(failure)
        finally:
            pieces.close()


def _timeout() -> float | None:
    seconds = get_config().tgis_request_timeout
    return seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0 else None


def _fail(failure: Exception) -> NoReturn:
    if isinstance(failure, grpc.FutureCancelledError):
        raise CaikitCoreException(CaikitCoreStatusCode.CONNECTION_ERROR, _CLOSED) from failure
    code = failure.code() if hasattr(failure, "code") else None
    details = failure.details() if hasattr(failure, "details") else None
    status = CaikitCoreStatusCode.UNKNOWN if code is None else GRPC_TO_CAIKIT_CORE_STATUS[code]
    message = details or f"Unknown RpcError: {failure!r}"
    if status is CaikitCoreStatusCode.CONNECTION_ERROR:
        log.warning("<NLP29833910W>", "The text generation server did not answer (%s): %s", code, message)
        message = _CLOSED
    raise CaikitCoreException(status, message) from failure


def _finish_reason(number: int) -> FinishReason:
    try:
        return FinishReason(number)
    except ValueError:
        log.debug("<NLP29833911D>", "The server has a reason to stop that is not known: %d", number)
        return FinishReason.ERROR


def _tokens(tokens: Any, wanted: bool) -> list[GeneratedToken]:
    if not wanted:
        return []
    return [GeneratedToken(text=each.text, logprob=each.logprob, rank=each.rank) for each in tokens]
