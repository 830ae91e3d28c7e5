"""Refusals that wait until the clients of a `grpcio` server know that it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc

from caikit.runtime.engine import RequestError

from ._grpcio_calls import end_waiting, give_id

_MOST_HELD = 10_000

_Held = tuple[grpc.ServicerContext, Callable[[Any], object], RequestError]


class HeldRefusals:
    """Holds the refusals of a server that is about to stop until `grpcio` has said goodbye.

    A client that is refused at once comes again at once. `grpcio` cancels calls that come while it stops, and
    who is cancelled does not know that the call may be repeated; after the goodbye, clients go elsewhere.
    """

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._lock = threading.Lock()
        self.holds = False

    def begin(self) -> None:
        """From now on refusals are held."""
        self.holds = True

    def make_handler(self, error: RequestError) -> grpc.RpcMethodHandler[Any, Any]:
        """A handler that takes no thread while it waits."""

        def hold(messages: object, servicer: grpc.ServicerContext, send: Callable[[Any], object]) -> None:
            give_id(servicer)
            with self._lock:
                full = not self.holds or len(self._held) >= _MOST_HELD
                if not full:
                    self._held.append((servicer, send, error))
            if full:
                end_waiting(servicer, send, error)

        # A mark of `grpcio`: the call goes on after its handler has returned, without a thread.
        hold.experimental_non_blocking = True  # type: ignore[attr-defined]  # functions take any attribute
        return grpc.stream_stream_rpc_method_handler(hold)

    def release(self) -> None:
        """Tell all who wait, and whoever comes still."""
        with self._lock:
            self.holds = False
            held, self._held = self._held, []
        for each in held:
            end_waiting(*each)
