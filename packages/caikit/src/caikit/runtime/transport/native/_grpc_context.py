"""The context that models get which ask for one, as that of `grpcio`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import grpc

from caikit.runtime.engine import REQUEST_ID_HEADER, RequestError, Status
from caikit.runtime.transport._status_details import read_details

from ._grpc_metadata import Value, write_metadata

if TYPE_CHECKING:
    from ._grpc_call import GrpcCall

_NAMES = "x509_subject_alternative_name"
_COMMON_NAME = "x509_common_name"
_ENCODINGS = {
    grpc.Compression.NoCompression: None,
    grpc.Compression.Deflate: b"deflate",
    grpc.Compression.Gzip: b"gzip",
}


class Metadatum(NamedTuple):
    key: str
    value: Value


class NativeServicerContext(grpc.ServicerContext):
    """Belongs to one call; may be used in any thread."""

    def __init__(self, call: GrpcCall) -> None:
        self._call = call

    # The life of the call

    def is_active(self) -> bool:
        return self._call.is_active

    def time_remaining(self) -> float | None:  # type: ignore[override]  # None is what `grpcio` returns, too
        deadline = self._call.context.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def cancel(self) -> None:
        error = RequestError(Status.CANCELLED, "Cancelled on the server side")
        self._call.hub.call_or_run(self._call.fail, error)
        # This interrupts the thread that asks for it.
        self._call.context.cancel.cancel("cancelled by the server")

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return self._call.add_callback(callback)

    # What the client has sent

    def invocation_metadata(self) -> tuple[tuple[str, Value], ...]:
        return tuple(Metadatum(*pair) for pair in self._call.plan.metadata)

    def peer(self) -> str:
        connection = self._call.stream.connection
        address = connection.peer_address()
        if address is None:
            return "unix:"
        host, port = address
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

    def peer_identities(self) -> Iterable[bytes] | None:
        key = self.peer_identity_key()
        return None if key is None else self.auth_context()[key]

    def peer_identity_key(self) -> str | None:
        found = self.auth_context()
        return next((key for key in (_NAMES, _COMMON_NAME) if key in found), None)

    def auth_context(self) -> Mapping[str, Any]:
        connection = self._call.stream.connection
        if not connection.is_secure:
            return {}
        certificate = connection.certificate() or {}
        subject = [pair for part in certificate.get("subject", ()) for pair in part]
        found = {
            "transport_security_type": [b"ssl"],
            _COMMON_NAME: [value.encode() for key, value in subject if key == "commonName"],
            _NAMES: [
                value.encode() for _, value in certificate.get("subjectAltName", ()) if isinstance(value, str)
            ],
        }
        return {key: values for key, values in found.items() if values}

    # What the client will get

    def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._call.send_initial(tuple(initial_metadata))

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        given = (*trailing_metadata, (REQUEST_ID_HEADER, self._call.context.request_id))
        # Wrong ones are refused here, where their maker can be told.
        write_metadata(given)
        self._call.trailing = given

    def trailing_metadata(self) -> Any:
        return self._call.trailing

    def set_code(self, code: Any) -> None:
        self._call.code = Status[code.name] if hasattr(code, "name") else Status(code)

    def set_details(self, details: str | bytes) -> None:
        self._call.details = read_details(details)

    def code(self) -> Any:
        return None if self._call.code is None else grpc.StatusCode[self._call.code.name]

    def details(self) -> str:
        return self._call.details

    def abort(self, code: Any, details: str | bytes) -> NoReturn:
        status, details = Status[code.name], read_details(details)
        if status is Status.OK:
            status, details = Status.UNKNOWN, ""
        raise RequestError(status, details)

    def abort_with_status(self, status: Any) -> NoReturn:
        if status.trailing_metadata:
            self.set_trailing_metadata(status.trailing_metadata)
        self.abort(status.code, status.details)

    def set_compression(self, compression: Any) -> None:
        self._call.compress(_ENCODINGS[grpc.Compression(compression)])

    def disable_next_message_compression(self) -> None:
        self._call.next_is_plain = True
