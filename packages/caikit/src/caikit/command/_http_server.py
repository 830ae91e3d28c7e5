"""A server over HTTP, described by its OpenAPI document."""

from __future__ import annotations

import json
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from http.client import BadStatusLine, RemoteDisconnected
from ssl import SSLCertVerificationError, SSLError
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import InsecureRequestWarning

from caikit.runtime.client._connections import Connection
from caikit.runtime.client._conversation import stream_messages
from caikit.runtime.client._credentials import Pairs
from caikit.runtime.client._deadline import Deadline
from caikit.runtime.client._errors import root_of
from caikit.runtime.client._http_calls import Answer as HttpAnswer
from caikit.runtime.client._http_calls import HttpCall, Patience, exchange, stream_events
from caikit.runtime.client._upload import upload
from caikit.runtime.client.utils import construct_requests_session, construct_retry
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._address import Address
from ._errors import CommandError, UsageError
from ._openapi import FIXED_ROUTES, INPUTS, MODEL_ID, PARAMETERS, Route, rpcs_of
from ._rpc import Rpc
from ._server import FileAnswer

if TYPE_CHECKING:
    from caikit.interfaces.common.data_model import ConnectionTlsInfo

_JSON = "application/json"
_LINES = "application/x-ndjson"
# What the native listener says on a port that serves gRPC alone.
_GRPC_SERVER = "This port speaks gRPC"
_BODY_KEYS = frozenset({INPUTS, PARAMETERS, MODEL_ID})
# Answers are as large as they are; who asks for them has the memory.
_MOST_BYTES = 1 << 40


class HttpServer:
    """Calls whatever the server's `openapi.json` describes."""

    def __init__(
        self,
        address: Address,
        tls: ConnectionTlsInfo,
        headers: Pairs,
        *,
        timeout: float | None,
        look_timeout: float,
    ) -> None:
        self.name = str(address)
        self._headers = dict(headers)
        self._timeout = timeout
        self._look_timeout = look_timeout
        self._may_lack_certificate = bool(tls.enabled and not tls.cert_file)
        if tls.insecure_verify:
            # Whoever asks for it has been told.
            warnings.simplefilter("ignore", InsecureRequestWarning)
        self._connection = Connection(construct_requests_session(tls=tls))

    def rpcs(self) -> list[Rpc]:
        answer = self._exchange("GET", "/openapi.json", self._look_timeout)
        document = _read_json(answer, f"{self.name}/openapi.json")
        try:
            return rpcs_of(document)
        except (AttributeError, KeyError, RecursionError, TypeError) as problem:
            raise CommandError(f"{self.name}/openapi.json is no description of services: {problem}") from None

    def call(
        self, rpc: Rpc, requests: Iterable[Mapping[str, Any]], model_id: str | None
    ) -> Generator[Any, None, None]:
        route: Route = rpc.handle
        if rpc.input_streaming:
            yield from self._call_with_stream(rpc, route, _lines(rpc, route, requests, model_id))
            return
        request = next(iter(requests))
        if route.method != "POST":
            query = {name: str(value) for name, value in request.items()}
            yield self._answer(self._exchange(route.method, route.path, self._timeout, query=query), rpc.name)
            return
        content = _inference_body(rpc, route, request, model_id) if route.is_inference else request
        body = json.dumps(content).encode()
        if rpc.output_streaming:
            call = self._call("POST", route.path, body)
            for event in stream_events(self._connection, call, self._patience(self._timeout)):
                yield _parse(event, f"an event of {rpc.name}")
        else:
            yield self._answer(self._exchange("POST", route.path, self._timeout, body=body), rpc.name)

    def _call_with_stream(self, rpc: Rpc, route: Route, lines: Iterator[bytes]) -> Generator[Any, None, None]:
        patience = self._patience(self._timeout)
        if rpc.output_streaming:
            # Most of what may be between here and there reads a body to its end; a WebSocket goes both ways.
            call = HttpCall("GET", self.name, route.path, headers=self._headers, repeatable=False)
            for message in stream_messages(self._connection, call, lines, patience):
                yield _parse(message, f"a message of {rpc.name}")
        else:
            headers = {"content-type": _LINES, **self._headers}
            call = HttpCall("POST", self.name, route.path, headers=headers, repeatable=False)
            yield self._answer(upload(self._connection, call, lines, patience), rpc.name)

    def ask(self, rpc_name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if rpc_name not in FIXED_ROUTES:
            raise CommandError("This is offered over gRPC only: leave out --http")
        method, path = FIXED_ROUTES[rpc_name]
        if method == "POST":
            answer = self._exchange(method, path, self._timeout, body=json.dumps(request).encode())
        else:
            answer = self._exchange(method, path, self._timeout, query=request)
        return _read_json(answer, f"{self.name}{path}")

    def _exchange(
        self,
        method: str,
        path: str,
        timeout: float | None,
        *,
        body: bytes | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        call = self._call(method, path, body, query)
        try:
            return exchange(self._connection, call, self._patience(timeout))
        except CaikitRuntimeException as problem:
            cause = root_of(problem)
            if self._may_lack_certificate and isinstance(cause, RemoteDisconnected | ConnectionResetError):
                raise CommandError(
                    f"{self.name} has ended the connection; if it asks for a certificate, add --cert and --key"
                ) from None
            if isinstance(cause, SSLCertVerificationError):
                raise CommandError(
                    f"{problem.message}; name the authority of its certificate with --ca FILE, or add --insecure"
                ) from None
            if isinstance(cause, SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
                raise CommandError(f"{problem.message}; if it does not encrypt, write http://") from None
            if isinstance(cause, BadStatusLine) or _GRPC_SERVER in problem.message:
                is_known = _GRPC_SERVER in problem.message or self.name.startswith("https:")
                raise CommandError(
                    f"{self.name} does not speak HTTP: name its HTTP port, or leave out http for gRPC"
                    + ("" if is_known else "; if it encrypts, add --tls")
                ) from None
            raise

    def _call(
        self, method: str, path: str, body: bytes | None, query: Mapping[str, Any] | None = None
    ) -> HttpCall:
        headers = {"content-type": _JSON, **self._headers} if body is not None else self._headers
        return HttpCall(method, self.name, path, body=body, query=query, headers=headers, repeatable=False)

    def _patience(self, timeout: float | None) -> Patience:
        return Patience(Deadline(timeout), construct_retry(0), _MOST_BYTES)

    def _answer(self, answer: HttpAnswer, source: str) -> Any:
        if answer.media_type == _JSON:
            return _parse(answer.content, f"the answer of {source}")
        return FileAnswer(answer.content, answer.media_type or "application/octet-stream")


def _lines(
    rpc: Rpc, route: Route, requests: Iterable[Mapping[str, Any]], model_id: str | None
) -> Iterator[bytes]:
    """The first one says which model is meant."""
    for request in requests:
        yield json.dumps(_inference_body(rpc, route, request, model_id)).encode()
        model_id = None


def _inference_body(
    rpc: Rpc, route: Route, request: Mapping[str, Any], model_id: str | None
) -> dict[str, Any]:
    """The fields of the request where the body has them; a body as it is sent is left as it is."""
    body: dict[str, Any] = {} if model_id is None else {MODEL_ID: model_id}
    if _BODY_KEYS.issuperset(request):
        return {**request, **body}
    known = {field.name for field in rpc.inputs}
    if route.single:
        inputs = [name for name in request if name not in known - {INPUTS}]
        if len(inputs) > 1:
            raise UsageError(f"{' and '.join(inputs)} cannot both be the input of {rpc.name}")
    else:
        inputs = [field.name for field in route.inputs if field.name in request]
    parameters = {name: value for name, value in request.items() if name not in inputs}
    if inputs:
        body[INPUTS] = request[inputs[0]] if route.single else {name: request[name] for name in inputs}
    if parameters:
        body[PARAMETERS] = parameters
    return body


def _read_json(answer: HttpAnswer, source: str) -> dict[str, Any]:
    content = _parse(answer.content, source)
    if not isinstance(content, dict):
        raise CommandError(f"expected a JSON object from {source}")
    return content


def _parse(content: bytes, source: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise CommandError(f"expected JSON as {source}, got something else") from None
