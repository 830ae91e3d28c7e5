"""The context of `grpcio` as models get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from caikit.runtime.engine import RequestError, Status

from ._status_details import read_details


class LentContext(grpc.ServicerContext):
    """That of the call, but `abort` raises what says how the call is to end; a bare Exception would be a failure."""

    def __init__(self, servicer: grpc.ServicerContext) -> None:
        self._servicer: Any = servicer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servicer, name)

    # The life of the call

    def is_active(self) -> bool:
        return bool(self._servicer.is_active())

    def time_remaining(self) -> Any:
        return self._servicer.time_remaining()

    def cancel(self) -> Any:
        return self._servicer.cancel()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return bool(self._servicer.add_callback(callback))

    # What the client has sent

    def invocation_metadata(self) -> Any:
        return self._servicer.invocation_metadata()

    def peer(self) -> Any:
        return self._servicer.peer()

    def peer_identities(self) -> Any:
        return self._servicer.peer_identities()

    def peer_identity_key(self) -> Any:
        return self._servicer.peer_identity_key()

    def auth_context(self) -> Any:
        return self._servicer.auth_context()

    # What the client will get

    def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._servicer.send_initial_metadata(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._servicer.set_trailing_metadata(trailing_metadata)

    def trailing_metadata(self) -> Any:
        return self._servicer.trailing_metadata()

    def set_code(self, code: Any) -> None:
        self._servicer.set_code(code)

    def set_details(self, details: Any) -> None:
        self._servicer.set_details(details)

    def code(self) -> Any:
        return self._servicer.code()

    def details(self) -> Any:
        return self._servicer.details()

    def abort(self, code: Any, details: str | bytes) -> NoReturn:
        status = Status[code.name]
        if status is Status.OK:
            status, details = Status.UNKNOWN, ""
        raise RequestError(status, read_details(details))

    def abort_with_status(self, status: Any) -> NoReturn:
        if status.trailing_metadata:
            self.set_trailing_metadata(status.trailing_metadata)
        self.abort(status.code, status.details)

    def set_compression(self, compression: Any) -> None:
        self._servicer.set_compression(compression)

    def disable_next_message_compression(self) -> None:
        self._servicer.disable_next_message_compression()
