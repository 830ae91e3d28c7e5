"""A server over gRPC, described by its reflection."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from caikit.runtime.client._connections import Connection
from caikit.runtime.client._credentials import Pairs
from caikit.runtime.client._grpc_calls import call_unary, call_with_stream, stream_answers
from caikit.runtime.client.utils import construct_grpc_channel
from caikit.runtime.engine import Shape
from caikit.runtime.names import MODEL_MESH_MODEL_ID_KEY, TRAINING_JOBS_SERVICE
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._address import Address
from ._errors import CommandError, UsageError
from ._fit import fit_fields
from ._messages import decode_message, encode_message, message_type
from ._reflection import Reflection
from ._rpc import TASK, Rpc
from ._types import Scalar

if TYPE_CHECKING:
    from caikit.interfaces.common.data_model import ConnectionTlsInfo

_SERVICES = {
    "GetModelsInfo": "caikit.runtime.info.InfoService",
    "GetRuntimeInfo": "caikit.runtime.info.InfoService",
    "DeployModel": "caikit.runtime.models.ModelManagement",
    "UndeployModel": "caikit.runtime.models.ModelManagement",
    "GetTrainingStatus": "caikit.runtime.training.TrainingManagement",
    "CancelTraining": "caikit.runtime.training.TrainingManagement",
    "ListTrainings": TRAINING_JOBS_SERVICE,
    "GetTrainingLog": TRAINING_JOBS_SERVICE,
    "loadModel": "mmesh.ModelRuntime",
    "unloadModel": "mmesh.ModelRuntime",
}
_HTTP_SERVER = ("http1.x server", "speaks HTTP, not gRPC")
_NO_CONNECTION = ("failed to connect", "errors resolving", "DNS resolution failed")
_NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"
_NOT_ENCRYPTED = "WRONG_VERSION_NUMBER"
_NOT_HTTP2 = "Failed parsing HTTP/2"
# Answers are as large as they are; who asks for them has the memory.
_OPTIONS = {"grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1}


class GrpcServer:
    """Calls whatever the server's reflection describes."""

    def __init__(
        self,
        address: Address,
        tls: ConnectionTlsInfo,
        metadata: Pairs,
        *,
        timeout: float | None,
        look_timeout: float,
    ) -> None:
        self.name = str(address)
        self._metadata = metadata
        self._timeout = timeout
        self._is_encrypted = tls.enabled
        self._has_certificate = bool(tls.cert_file)
        self._connection = Connection(construct_grpc_channel(str(address), _OPTIONS, tls))
        self._reflection = Reflection(self._connection, self.name, metadata, look_timeout)

    def rpcs(self) -> list[Rpc]:
        return [rpc for service in self._services() for rpc in _rpcs(service)]

    def call(
        self, rpc: Rpc, requests: Iterable[Mapping[str, Any]], model_id: str | None
    ) -> Generator[dict[str, Any], None, None]:
        method = rpc.handle
        fields = message_type(method.input_type).fields
        fitted = (_complete(rpc, fit_fields(fields, each)) for each in requests)
        messages = (encode_message(method.input_type, each) for each in fitted)
        for answer in self._answers(rpc, messages, model_id):
            yield decode_message(method.output_type, answer)

    def ask(self, rpc_name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        service = _SERVICES[rpc_name]
        rpcs = [rpc for found in self._services(service) for rpc in _rpcs(found) if rpc.name == rpc_name]
        if not rpcs:
            raise CommandError(f"{self.name} does not offer {service}/{rpc_name}")
        return next(self.call(rpcs[0], [request], None))

    def _services(self, *names: str) -> list[Any]:
        try:
            return self._reflection.services(*names)
        except CaikitRuntimeException as problem:
            raise self._explained(problem) from problem

    def _answers(self, rpc: Rpc, messages: Iterator[bytes], model_id: str | None) -> Iterator[bytes]:
        path = f"/{rpc.service}/{rpc.name}"
        metadata = self._metadata
        if model_id is not None:
            metadata = (*metadata, (MODEL_MESH_MODEL_ID_KEY, model_id))
        shape = Shape.of(rpc.input_streaming, rpc.output_streaming)
        arguments = (metadata, self._timeout)
        try:
            match shape:
                case Shape.UNARY:
                    yield call_unary(self._connection, path, next(messages), *arguments)
                case Shape.CLIENT_STREAM:
                    yield call_with_stream(self._connection, path, messages, *arguments)
                case Shape.SERVER_STREAM:
                    yield from stream_answers(self._connection, path, shape, next(messages), *arguments)
                case Shape.BIDI:
                    yield from stream_answers(self._connection, path, shape, lambda: messages, *arguments)
        except CaikitRuntimeException as problem:
            raise self._explained(problem) from problem

    def _explained(self, problem: CaikitRuntimeException) -> Exception:
        """gRPC's own words for a server that is not there are long."""
        text = str(problem)
        status = getattr(problem.status_code, "name", "")
        if status == "DEADLINE_EXCEEDED" and text.startswith("Deadline Exceeded"):
            return CommandError(f"{self.name} has not answered in time ({status})")
        if any(words in text for words in _HTTP_SERVER):
            return CommandError(f"{self.name} speaks HTTP, not gRPC: add --http, or name its gRPC port")
        if status != "UNAVAILABLE":
            return problem
        if any(words in text for words in _NO_CONNECTION):
            reason = text.rpartition("last error: ")[2].removeprefix("UNKNOWN: ")
            return CommandError(
                f"No gRPC server answers at {self.name}: {reason.rpartition('remote host: ')[2]}"
                f"{self._hint(reason)}"
            )
        return problem

    def _hint(self, reason: str) -> str:
        if _NOT_TRUSTED in reason:
            return "; name the authority of its certificate with --ca FILE"
        if _NOT_ENCRYPTED in reason:
            return "; if it does not encrypt, leave out --tls, --ca, --cert, --key and grpcs://"
        if _NOT_HTTP2 in reason:
            return "; name its gRPC port: those of metrics and of HTTP do not speak gRPC"
        if not _was_closed(reason):
            return ""
        if not self._is_encrypted:
            return "; if it encrypts, add --tls"
        return "" if self._has_certificate else "; if it asks for a certificate, add --cert and --key"


def _complete(rpc: Rpc, request: dict[str, Any]) -> dict[str, Any]:
    """The request; a number or a text that is not in the message would be its zero for the server."""
    if rpc.kind == TASK and not rpc.input_streaming:
        for field in rpc.inputs:
            if field.required and isinstance(field.type, Scalar) and field.name not in request:
                raise UsageError(f"Missing required input: {field.name!r}")
    return request


def _was_closed(reason: str) -> bool:
    """Somebody has answered, and did not like what came."""
    return any(words in reason.lower() for words in ("socket closed", "connection reset", "goaway"))


def _rpcs(service: Any) -> Iterator[Rpc]:
    for method in service.methods:
        yield Rpc(
            name=method.name,
            service=service.full_name,
            inputs=tuple(message_type(method.input_type).fields.values()),
            output=message_type(method.output_type),
            input_streaming=method.client_streaming,
            output_streaming=method.server_streaming,
            handle=method,
        )
