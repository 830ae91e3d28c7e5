"""The place of this process among the workers of a runtime, for those who build its servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caikit.runtime._serving.settings import GrpcSettings, HttpSettings
from caikit.runtime.engine import Operation

if TYPE_CHECKING:
    from caikit.runtime.models import ModelStore

ShareOperations = Callable[[Sequence[Operation], "ModelStore"], list[Operation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    grpc_port: int
    http_port: int
    unix_socket_path: str
    share: ShareOperations
    """Makes operations that change or show models reach the other workers."""
    count_loads: Callable[[], int]
    """How many of the models that were there at the start are still being loaded by some worker."""


_taken: Seat | None = None


def take_seat(seat: Seat) -> None:
    """This process is a worker from now on."""
    global _taken
    _taken = seat


def is_worker() -> bool:
    return _taken is not None


def grpc_seat(settings: GrpcSettings) -> GrpcSettings:
    """The settings of the gRPC server, at the addresses of this worker if this is one."""
    if _taken is None:
        return settings
    return replace(
        settings,
        port=_taken.grpc_port,
        find_available_port=False,
        unix_socket_path=_taken.unix_socket_path,
        options={**settings.options, "grpc.so_reuseport": 1},
    )


def http_seat(settings: HttpSettings) -> HttpSettings:
    """The same for the HTTP server."""
    return settings if _taken is None else replace(settings, port=_taken.http_port, find_available_port=False)


def shared_operations(operations: Sequence[Operation], store: ModelStore) -> list[Operation]:
    return list(operations) if _taken is None else _taken.share(operations, store)


def loads_of_team() -> int:
    return 0 if _taken is None else _taken.count_loads()
