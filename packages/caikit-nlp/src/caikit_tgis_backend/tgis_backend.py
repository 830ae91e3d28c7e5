"""The backend type TGIS: models that run in text generation servers."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import alog

from caikit.core.exceptions import error_handler
from caikit.core.module_backends import BackendBase, backend_types
from caikit.core.toolkit.wip_decorator import TempDisableWIP

from ._routes import ROUTE_INFO_HEADER_KEY, route_of
from .settings import warn_of_unknown_keys
from .tgis_connection import CONNECTION_KEYS, TGISConnection

if TYPE_CHECKING:
    import aconfig

    from caikit.core.data_model.runtime_context import RuntimeServerContextType

    from .managed_tgis_subprocess import ManagedTGISSubprocess

__all__ = ["TGISBackend"]

log = alog.use_channel("TGISBKND")
error = error_handler.get(log)

_KEYS = ("connection", "remote_models", "test_connections", "connect_timeout", "local")
_LOCAL_KEYS = (
    "grpc_port",
    "http_port",
    "health_poll_delay",
    "health_poll_timeout",
    "load_timeout",
    "num_gpus",
    "prompt_dir",
)
_MOST_ROUTES = 10_000
"""Models whose place is remembered because a request has told it: requests must not fill the memory."""


class TGISBackend(BackendBase):
    """Reaches servers over the network, or starts one.

    With a host in `connection`, or with `remote_models`, servers are remote; `connection` is for all models that
    `remote_models` does not have, its `{model_id}` stands for the id of the model. Otherwise the backend is local: the
    first model that is asked for is run by a process that is started then.
    """

    backend_type = "TGIS"

    TGIS_LOCAL_GRPC_PORT = 50055
    TGIS_LOCAL_HTTP_PORT = 3000
    ROUTE_INFO_HEADER_KEY = ROUTE_INFO_HEADER_KEY

    def __init__(self, config: aconfig.Config | None = None) -> None:
        super().__init__(config)
        warn_of_unknown_keys("The configuration of the backend TGIS", self.config, _KEYS)
        self._base = dict(self.config.get("connection") or {})
        remote: Mapping[str, Any] = self.config.get("remote_models") or {}
        error.type_check("<TGB79518571E>", dict, connection=self._base, remote_models=remote)
        self._configured = {str(model_id): dict(keys or {}) for model_id, keys in remote.items()}
        self._routes: dict[str, dict[str, Any]] = {}
        self._test_connections = bool(self.config.get("test_connections"))
        self._connect_timeout = self.config.get("connect_timeout")
        error.type_check("<TGB79518576E>", int, float, allow_none=True, connect_timeout=self._connect_timeout)
        self._local = dict(self.config.get("local") or {})
        warn_of_unknown_keys("The local section of the backend TGIS", self._local, _LOCAL_KEYS)
        self._lock = threading.RLock()
        self._connections: dict[str, TGISConnection] = {}
        self._users: Counter[str] = Counter()
        # Models of one server share a client, which lives as long as one of them.
        self._clients: weakref.WeakValueDictionary[tuple[Any, ...], Any] = weakref.WeakValueDictionary()
        self._process: ManagedTGISSubprocess | None = None
        self._is_local = not self._base.get("hostname") and not self._configured
        self._check_connections()

    @property
    def local_tgis(self) -> bool:
        """Whether the server is a process of this backend."""
        return self._is_local

    @property
    def model_loaded(self) -> bool:
        """Whether a model can be called: always, if servers are remote."""
        return not self.local_tgis or (self._process is not None and self._process.is_ready())

    def register_config(self, config: dict[str, Any]) -> NoReturn:
        """Modules cannot configure this backend."""
        error("<TGB71021416E>", AssertionError("The backend TGIS takes no configuration of modules"))

    def start(self) -> None:
        """Connect to the servers that are configured; a local one is started with its first model."""
        for model_id in self._configured:
            self.get_connection(model_id)
        self._started = True

    def stop(self) -> None:
        """End all connections and the local server."""
        with self._lock:
            process, self._process = self._process, None
            clients = list(self._clients.values())
            self._clients.clear()
            self._connections.clear()
        for client in clients:
            client.close()
        if process is not None:
            process.terminate()
        self._started = False

    def get_connection(self, model_id: str, create: bool = True) -> TGISConnection | None:
        """How a model is reached; None if it is not known, or if its server does not pass the test.

        Without `create` only what is known already counts.
        """
        with self._lock:
            if self.local_tgis:
                return self._local_connection(model_id, create)
            known = self._connections.get(model_id)
            if known is not None or not create:
                return known
            keys = self._configured.get(model_id) or self._routes.get(model_id) or self._base
        connection = self._connect(model_id, keys)
        if connection is None:
            return None
        with self._lock:
            return self._connections.setdefault(model_id, connection)

    def get_client(self, model_id: str) -> Any:
        """The client for a model, which has the methods of `GenerationServiceStub`."""
        if self.local_tgis:
            return self._local_client(model_id)
        connection = self.get_connection(model_id)
        if connection is None:
            error("<TGB09142405E>", ValueError(f"Unknown model_id: {model_id}"))
        with self._lock:
            client = self._clients.get(connection.server)
            if client is None:
                client = self._clients[connection.server] = connection.get_client()
            return client

    def register_model_connection(
        self, model_id: str, conn_cfg: Mapping[str, Any] | None = None, fill_with_defaults: bool = True
    ) -> None:
        """Say how a model is reached, unless that is known or the server is local.

        Args:
            model_id: the model
            conn_cfg: keys of a connection; by default those of the configured one
            fill_with_defaults: take keys that are not given from the configured connection
        """
        if self.local_tgis:
            return
        with self._lock:
            if model_id in self._configured or model_id in self._routes or model_id in self._connections:
                return
            keys = {
                **(self._base if fill_with_defaults else {}),
                **(self._base if conn_cfg is None else conn_cfg),
            }
            connection = TGISConnection.from_config(model_id, keys)
            error.value_check("<TGB96582311E>", connection, f"expected a hostname to reach {model_id}")
            if len(self._routes) >= _MOST_ROUTES:
                # The oldest one; a request that has it brings it back.
                self._routes.pop(next(iter(self._routes)))
            self._routes[model_id] = keys

    def hold_model(self, model_id: str) -> None:
        """Count one more user of a model, who calls `release_model` at the end."""
        with self._lock:
            self._users[model_id] += 1

    def release_model(self, model_id: str) -> None:
        """Count one user less; without the last one the model is unloaded."""
        with self._lock:
            self._users[model_id] -= 1
            if self._users[model_id] > 0:
                return
            del self._users[model_id]
        self.unload_model(model_id)

    def unload_model(self, model_id: str) -> None:
        """Forget what was found out about a model; a local server of it ends."""
        with self._lock:
            self._routes.pop(model_id, None)
            self._connections.pop(model_id, None)
            process = self._process
            if process is None or process.model_path != model_id:
                return
            self._process = None
        process.terminate()

    def load_prompt_artifacts(self, model_id: str, prompt_id: str, *prompt_artifacts: str) -> None:
        """Copy the files of a tuned prompt to where the server of the model finds them."""
        self._known_connection(model_id).load_prompt_artifacts(prompt_id, *prompt_artifacts)

    def unload_prompt_artifacts(self, model_id: str, *prompt_ids: str) -> None:
        """Delete tuned prompts of a model."""
        self._known_connection(model_id).unload_prompt_artifacts(*prompt_ids)

    def handle_runtime_context(self, model_id: str, runtime_context: RuntimeServerContextType) -> None:
        """The first request with a route says where the server of a model is that is not known."""
        route = self.get_route_info(runtime_context)
        if route:
            self.register_model_connection(model_id, {"hostname": route})

    @classmethod
    def get_route_info(cls, context: RuntimeServerContextType | None) -> str | None:
        """What the context of a request says about the place of its model."""
        return route_of(context)

    def _check_connections(self) -> None:
        """Refuse a configuration that cannot work before a request finds out."""
        warn_of_unknown_keys("The connection of the backend TGIS", self._base, CONNECTION_KEYS)
        for model_id, keys in self._configured.items():
            warn_of_unknown_keys(f"remote_models.{model_id} of the backend TGIS", keys, CONNECTION_KEYS)
            connection = TGISConnection.from_config(model_id, keys)
            error.value_check(
                "<TGB32948346E>",
                connection,
                f"expected a hostname in remote_models.{model_id} of the backend TGIS",
            )
        if self._base.get("hostname"):
            try:
                TGISConnection.from_config("model", self._base)
            except (TypeError, ValueError) as problem:
                error("<TGB56832312E>", ValueError(f"Invalid base configuration: {problem}"), problem)

    def _connect(self, model_id: str, keys: Mapping[str, Any]) -> TGISConnection | None:
        try:
            connection = TGISConnection.from_config(model_id, keys)
        except ValueError as problem:
            # The id of the model, which anybody can choose, does not fit into a host name.
            log.warning("<TGB11255311W>", "No connection for the model %r: %s", model_id, problem)
            return None
        if connection is None or not self._test_connections:
            return connection
        import grpc

        try:
            connection.test_connection(self._connect_timeout)
        except grpc.RpcError as problem:
            log.warning(
                "<TGB11255312W>", "No connection to %s for %r: %s", connection.hostname, model_id, problem
            )
            return None
        return connection

    def _known_connection(self, model_id: str) -> TGISConnection:
        connection = self.get_connection(model_id)
        if connection is None:
            error("<TGB09142405E>", ValueError(f"Unknown model_id: {model_id}"))
        return connection

    def _local_connection(self, model_id: str, create: bool) -> TGISConnection | None:
        if self._process is None and not create:
            return None
        try:
            return self._local_process(model_id).connection
        except ValueError:
            return None

    def _local_client(self, model_id: str) -> Any:
        with self._lock:
            process = self._local_process(model_id)
            process.launch()
        process.wait_until_ready()
        return process.get_client()

    def _local_process(self, model_id: str) -> ManagedTGISSubprocess:
        from .managed_tgis_subprocess import ManagedTGISSubprocess

        with self._lock:
            if self._process is None:
                given = {key: self._local[key] for key in _LOCAL_KEYS if self._local.get(key) is not None}
                given.setdefault("grpc_port", self.TGIS_LOCAL_GRPC_PORT)
                given.setdefault("http_port", self.TGIS_LOCAL_HTTP_PORT)
                self._process = ManagedTGISSubprocess(model_id, **given)
            if self._process.model_path != model_id:
                error(
                    "<TGB09142406E>",
                    ValueError(
                        f"Unknown model_id: {model_id}; the local text generation server runs "
                        f"{self._process.model_path}"
                    ),
                )
            return self._process


with TempDisableWIP():  # An import tells nothing.
    backend_types.register_backend_type(TGISBackend)
