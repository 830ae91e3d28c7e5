"""The gRPC server: configuration in, a listening server out."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.toolkit import logging
from caikit.runtime._numbers import whole
from caikit.runtime._serving.libraries import import_libraries
from caikit.runtime._serving.settings import GrpcSettings
from caikit.runtime._serving.tls import TlsSource
from caikit.runtime._serving.transport_choice import uses_native
from caikit.runtime._workers.seat import grpc_seat, is_worker, shared_operations
from caikit.runtime.engine import Kind, Operation
from caikit.runtime.heads.grpc import build_endpoints
from caikit.runtime.names import (
    TRAINING_JOBS_SERVICE,
    ServiceType,
    get_service_name,
    get_service_package_name,
)
from caikit.runtime.security import Access, Scope
from caikit.runtime.server_base import RuntimeServerBase
from caikit.runtime.service_factory import ServicePackage
from caikit.runtime.services.mesh import MeshModels, MeshSettings, mesh_operations, process_operations
from caikit.runtime.services.package import service_rpcs

from ._transports import Transport, make_grpcio_transport, make_native_transport

if TYPE_CHECKING:
    import grpc

log = alog.use_channel("SERVR-GRPC")
endpoint_log = alog.use_channel("SERVER-WRAPR")

_TRAINING_MANAGEMENT = ".".join(
    (
        get_service_package_name(ServiceType.TRAINING_MANAGEMENT),
        get_service_name(ServiceType.TRAINING_MANAGEMENT),
    )
)
_GIVEN_BY_CONFIGURATION: Any = object()
# What grpcio needs, beyond the grace period, to end calls that it cancels.
_CANCEL_SECONDS = 2.0
_MOST_LISTED = 50
_FLAVOUR = re.compile("^(Server|Client|Bidi)Streaming")


class RuntimeGRPCServer(RuntimeServerBase):
    """Serves the configured library over gRPC.

    `inference_service` and `training_service` are accepted for older programs; None turns a service off.
    """

    _protocol = "grpc"

    def __init__(
        self,
        tls_config_override: Any = None,
        *,
        inference_service: ServicePackage | None = _GIVEN_BY_CONFIGURATION,
        training_service: ServicePackage | None = _GIVEN_BY_CONFIGURATION,
    ) -> None:
        super().__init__(tls_config_override)
        try:
            self._settings = grpc_seat(GrpcSettings.from_config(self.config))
            self.enable_inference &= inference_service is not None
            self.enable_inference_jobs &= self.enable_inference
            self.enable_training &= training_service is not None
            self._register_descriptors()
            mesh = MeshModels(self._core.store)
            authoriser = self._core.authoriser
            own = [*self._mesh_operations(mesh), *self._process_operations()]
            self._operations = [
                *filter(self._serves, self._core.operations),
                *filter(authoriser.serves, own),
            ]
            endpoints = build_endpoints(
                self._lane.engine, self._operations, held_models=mesh.serves, authoriser=authoriser
            )
            _log_endpoints(endpoints)
            make = make_native_transport if uses_native(self.config) else make_grpcio_transport
            self._transport = make(
                endpoints,
                lane=self._lane,
                settings=self._settings,
                core=self._core,
                tls=self._tls,
                reflects=authoriser.access(Scope.INTERFACES) is not Access.CLOSED,
                reflection_guard=authoriser.guard_scope(Scope.INTERFACES, "the reflection"),
            )
            self._port = self._settings.port if is_worker() else self._listen()
        except BaseException:
            self.stop(0)
            raise

    @property
    def server(self) -> Any:
        """The server of grpcio, or the native one."""
        return self._transport.server

    @property
    def port(self) -> int:
        return self._port

    def make_local_channel(self) -> grpc.Channel:
        """A channel to this server; with TLS it trusts the server's certificate."""
        import grpc

        target = f"localhost:{self.port}"
        if self._tls is None:
            return grpc.insecure_channel(target)
        tls = self._tls.read()
        own_pair = (tls.key, tls.cert) if tls.mutual else (None, None)
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(tls.cert, *own_pair))

    def render_protos(self, proto_output_path: str) -> None:
        """Write the interface files of the services, one per object."""
        from caikit.runtime.dump_services import dump_grpc_services

        dump_grpc_services(proto_output_path, write_modules_file=False)

    @property
    def _grace_seconds(self) -> float:
        return self._settings.grace_seconds

    @property
    def _last_tick(self) -> float | None:
        return self._transport.last_tick

    @property
    def _exit_grace_seconds(self) -> float:
        return 0

    @property
    def _thread_count(self) -> int:
        own = self.config.runtime.grpc.server_thread_pool_size
        return whole("runtime.grpc.server_thread_pool_size", own) if own else super()._thread_count

    def _serves(self, operation: Operation) -> bool:
        if operation.service in (_TRAINING_MANAGEMENT, TRAINING_JOBS_SERVICE):
            return self.enable_training
        match operation.kind:
            case Kind.INFERENCE:
                return self.enable_inference
            case Kind.JOB:
                return self.enable_inference_jobs
            case Kind.TRAINING:
                return self.enable_training
            case _:
                return True

    def _mesh_operations(self, models: MeshModels) -> list[Operation]:
        settings = MeshSettings.from_config(self.config)
        return (
            shared_operations(mesh_operations(models, settings), self._core.store) if settings.enabled else []
        )

    def _process_operations(self) -> list[Operation]:
        if not self.enable_training:
            return []
        trains = any(operation.kind is Kind.TRAINING for operation in self._core.operations)
        specs = service_rpcs(ServiceType.TRAINING, self.config) if trains else []
        return process_operations(specs, self._core.store, self.config)

    def _register_descriptors(self) -> None:
        """Make sure that reflection can describe every service."""
        kinds = {operation.kind for operation in self._core.operations}
        _ = (
            Kind.INFERENCE in kinds and self.inference_service,
            Kind.JOB in kinds and self.inference_job_service,
            Kind.TRAINING in kinds and self.training_service,
            self.training_management_service,
            self.model_management_service,
            self.runtime_info_service,
        )

    def _listen(self) -> int:
        credentials = None if self._tls is None else self._make_credentials(self._tls)
        if self._tls is None:
            log.info("<RUN10001807I>", "Running in insecure mode")
        elif self._tls.mutual:
            log.info("<RUN10001806I>", "Running with mutual TLS")
        else:
            log.info("<RUN10001805I>", "Running with TLS")
        self._addresses: list[str] = []
        self._listen_on_unix_socket()
        port = self._bind(credentials)
        self._addresses.insert(0, f"{self._settings.host}:{port}")
        return port

    def _make_credentials(self, tls: TlsSource) -> Any:
        if uses_native(self.config):
            from caikit.runtime._serving.native import tls_context

            return tls_context(tls, server="gRPC", protocols=("h2", "http/1.1"), trust_own=True)
        from ._credentials import server_credentials

        return server_credentials(tls)

    def _bind(self, credentials: Any) -> int:
        settings = self._settings
        try:
            return self._transport.listen(f"{settings.host}:{settings.port}", credentials)
        except RuntimeError as error:
            if settings.find_available_port:
                return self._transport.listen(f"{settings.host}:0", credentials)
            raise RuntimeError(
                f"Cannot listen on port {settings.port} (runtime.grpc.port): {str(error).partition(';')[0]}"
            ) from error

    def _listen_on_unix_socket(self) -> None:
        path = self._settings.unix_socket_path
        if not path or not os.path.isdir(os.path.dirname(path) or "."):
            return
        try:
            self._transport.listen(f"unix://{path}")
        except RuntimeError as error:
            log.warning("<RUN10001012W>", "Cannot listen on the unix socket %s: %s", path, error)
        else:
            log.info("<RUN10001011I>", "Listening on the unix socket %s", path)
            self._addresses.append(f"unix:{path}")

    def _start_head(self) -> None:
        if is_worker():
            # Calls that come before somebody serves them would be kept from the workers that do.
            self._listen()
        self._transport.start()

    def _stop_head(self, grace: float) -> None:
        transport: Transport | None = getattr(self, "_transport", None)
        if transport is not None:
            stopped: threading.Event = transport.stop(grace)
            stopped.wait(grace + _CANCEL_SECONDS)
            transport.close()

    def _cancel_head(self) -> None:
        self._transport.stop(0)

    def _log_started(self) -> None:
        report = log.debug if is_worker() else log.info
        report(
            "<RUN10001001I>",
            "Caikit Runtime is serving grpc on port: %s with thread pool size: %s",
            self.port,
            self.thread_pool.size,
        )
        log.info(
            "<RUN10001003I>",
            "Tasks: %s; models: %s; listening on %s",
            _listed(_task_names(self._operations)) or "none",
            _listed(sorted(self._core.store.models)) or "none",
            ", ".join(self._addresses),
        )


def main(blocking: bool = True) -> None:
    """Build the server and serve."""
    logging.configure()
    import_libraries()
    RuntimeGRPCServer().start(blocking)


def _log_endpoints(endpoints: Iterable[str]) -> None:
    for path in endpoints:
        endpoint_log.debug("<RUN81194024D>", "Serving RPC %s", path)


def _task_names(operations: Iterable[Operation]) -> list[str]:
    names = (operation.name for operation in operations if operation.kind is Kind.INFERENCE)
    return sorted({_FLAVOUR.sub("", name).removesuffix("Predict") for name in names})


def _listed(names: Sequence[str]) -> str:
    """The names, no more of them than a line can show."""
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
