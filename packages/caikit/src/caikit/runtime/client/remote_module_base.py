"""The base of models that run on another server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import alog

from caikit.core.data_model import DataObjectBase, DataStream
from caikit.core.data_model._schema import MessageType
from caikit.core.exceptions import error_handler
from caikit.core.modules import ModuleBase
from caikit.core.task import TaskBase
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.runtime.names import ServiceType

from . import _over_grpc, _over_http
from ._connections import GRPC, HTTP, Connection, connection_key, is_old, shared_connection, target_of
from ._credentials import Credentials
from ._functions import inference_function, train_function
from ._http_body import plain
from ._plans import CallPlan
from .remote_config import RemoteRPCDescriptor

if TYPE_CHECKING:
    import grpc
    import requests

    from caikit.interfaces.runtime.data_model import TrainingJob

    from .remote_training import RemoteTraining

__all__ = ["RemoteModuleBase"]

log = alog.use_channel("RMTMODULE")
error = error_handler.get(log)

Resource = TypeVar("Resource")
Self = TypeVar("Self", bound="RemoteModuleBase")


class RemoteModuleBase(ModuleBase):
    """A model of another server.

    Subclasses get a method for each method of the module behind it. All models with the same connection share a
    channel or session, which is closed when the last of them is closed or gone.
    """

    _plans: ClassVar[dict[tuple[RemoteRPCDescriptor, ServiceType], CallPlan]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._plans = {}

    def __init__(
        self,
        connection_info: ConnectionInfo,
        protocol: str,
        model_key: str,
        model_name: str,
        *,
        metadata: Mapping[str, str] | None = None,
        token_file: str | None = None,
    ) -> None:
        """The arguments are those of `RemoteModuleConfig.load_from_module`; nothing is connected yet."""
        super().__init__()
        error.type_check("<COR88301225E>", ConnectionInfo, connection_info=connection_info)
        error.type_check("<COR88301226E>", str, protocol=protocol, model_key=model_key, model_name=model_name)
        error.value_check("<COR88301227E>", protocol in (GRPC, HTTP), f"Invalid protocol [{protocol}]")
        self._model_name = model_name
        self._connection = connection_info
        self._tls = connection_info.tls
        self._protocol = protocol
        self._model_key = model_key
        self._channel_lock = threading.RLock()
        self._conn_channel: grpc.Channel | requests.Session | None = None
        self._current_conn_time: float | None = None
        self._max_conn_delta = connection_info.max_session_age
        self._lease: Connection | None = None
        self._closed = False
        self._extras: dict[str, Any] = {"metadata": metadata, "token_file": token_file}
        self._credentials = Credentials(metadata, token_file)
        self._training: RemoteTraining | None = None

    @property
    def training(self) -> RemoteTraining | None:
        """The training that makes this model, if `train` of a remote model has returned it."""
        return self._training

    def close(self) -> None:
        """Let go of the connection; calls in progress and streams are completed, new ones raise `RuntimeError`."""
        with self._channel_lock:
            self._closed = True
            self._lease = self._conn_channel = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # The constructor may have failed.
        if hasattr(self, "_closed"):
            self.close()

    # Making of methods

    @classmethod
    def generate_train_function(cls, method: RemoteRPCDescriptor) -> Callable[..., Any]:
        """The method `train` of a class of remote models: it starts a training and returns the model-to-be."""
        return train_function(method)

    @classmethod
    def generate_inference_function(
        cls, task: type[TaskBase], method: RemoteRPCDescriptor
    ) -> Callable[..., Any]:
        """A method of a class of remote models, with name and signature of the original, declared for the task."""
        return task.taskmethod(method.input_streaming, method.output_streaming)(inference_function(method))

    # Calls

    def remote_method_request(
        self, method: RemoteRPCDescriptor, service_type: ServiceType, *args: Any, **kwargs: Any
    ) -> Any:
        """Call an RPC with the arguments of the original method; streamed results are a `DataStream`.

        Errors of the server and of the way to it are `CaikitRuntimeException`s, over both protocols.
        """
        if self._protocol == HTTP:
            return self._request_via_http(method, service_type, *args, **kwargs)
        return self._request_via_grpc(method, service_type, *args, **kwargs)

    def _request_via_http(
        self, method: RemoteRPCDescriptor, service_type: ServiceType, *args: Any, **kwargs: Any
    ) -> Any:
        return _over_http.request(self, self._plan(method, service_type), args, kwargs)

    def _request_via_grpc(
        self, method: RemoteRPCDescriptor, service_type: ServiceType, *args: Any, **kwargs: Any
    ) -> Any:
        return _over_grpc.request(self, self._plan(method, service_type), args, kwargs)

    def _management_request(
        self, rpc_name: str, request: DataObjectBase, response: type[DataObjectBase], http: tuple[str, str]
    ) -> Any:
        """Call an RPC of TrainingManagement; `http` is the method and the path that stand for it."""
        if self._protocol == HTTP:
            return _over_http.manage(self, request, response, *http)
        return _over_grpc.manage(self, rpc_name, request, response)

    def _plan(self, method: RemoteRPCDescriptor, service_type: ServiceType) -> CallPlan:
        plan = self._plans.get((method, service_type))
        if plan is None:
            plan = self._plans[method, service_type] = CallPlan(method, service_type)
        return plan

    def _from_training(self: Self, job: TrainingJob) -> Self:
        """The remote model that a training makes."""
        from .remote_training import RemoteTraining

        extras = {name: value for name, value in self._extras.items() if value is not None}
        model = type(self)(self._connection, self._protocol, self._model_key, job.model_name, **extras)
        model._training = RemoteTraining(model, job.training_id)
        return model

    # Connections

    @property
    def _grpc_channel(self) -> grpc.Channel:
        return self._get_remote_object(self._make_grpc_channel)

    @property
    def _http_session(self) -> requests.Session:
        return self._get_remote_object(self._make_http_session)

    def _make_grpc_channel(self) -> grpc.Channel:
        return _over_grpc.make_channel(self._get_remote_target(), self._connection)

    def _make_http_session(self) -> requests.Session:
        return _over_http.make_session(self._connection)

    def _get_remote_object(self, construction_fn: Callable[[], Resource]) -> Resource:
        """The channel or session in use, or a new one where there is none or it is too old."""
        with self._channel_lock:
            if self._closed:
                raise RuntimeError(f"The remote model '{self._model_name}' is closed")
            if self._lease is None or is_old(self._lease, self._max_conn_delta):
                self._lease = self._connect(construction_fn)
                self._conn_channel = self._lease.resource
                self._current_conn_time = self._lease.made
            resource: Resource = self._lease.resource
            return resource

    def _connect(self, construction_fn: Callable[[], Any]) -> Connection:
        """Resources of the same kind are shared; a function that somebody else wrote makes one for this model."""
        function = getattr(construction_fn, "__func__", None)
        if function not in (RemoteModuleBase._make_grpc_channel, RemoteModuleBase._make_http_session):
            return Connection(construction_fn())
        key = connection_key(self._protocol, self._get_remote_target(), self._connection)
        return shared_connection(key, construction_fn, self._max_conn_delta)

    def _use_connection(self) -> Connection:
        """The connection for one call, which is not closed before the caller drops it."""
        with self._channel_lock:
            resource = self._grpc_channel if self._protocol == GRPC else self._http_session
            lease = self._lease
            if self._max_conn_delta == 0:
                self._lease = self._conn_channel = None
            if lease is None or lease.resource is not resource:
                # An overriding property manages its connections itself.
                return Connection(resource, owned=False)
            return lease

    def _get_remote_target(self) -> str:
        """`host:port`, for HTTP with the scheme in front."""
        return target_of(self._protocol, self._connection)

    # Arguments

    @staticmethod
    def _get_streaming_arguments(**kwargs: Any) -> list[str]:
        """Names of the arguments that are streams."""
        return [name for name, value in kwargs.items() if isinstance(value, DataStream | Iterator)]

    @staticmethod
    def _rename_union_sequence_types(obj: Any, dm_type: type[DataObjectBase]) -> Any:
        """The JSON of a data object with unions under their own names, lists in them as arrays, and nothing unset."""
        return plain(obj, MessageType(dm_type))
