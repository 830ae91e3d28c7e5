"""The runtime behind the page: what it serves, and calls of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import yaml
from caikit.interfaces.runtime.data_model import ModelInfoRequest, ModelInfoResponse
from caikit.runtime.service_factory import ServicePackageFactory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from typing_extensions import Self

from module_ids import MODULE_IDS

from .snapshot import Model, Snapshot, State

_LOOK_SECONDS = 3.0
_FRESH_SECONDS = 1.0
_CALL_SECONDS = 120.0
_TABS = {module_id: tab for tab, module_id in MODULE_IDS.items()}
_SERVICES = ServicePackageFactory.ServiceType
# Pictures and masks are larger than the 4 MB that gRPC takes by default.
_OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_reconnect_backoff_ms", 2000)]


class Backend:
    """Calls models over gRPC; `models_dir` is looked at for models that could not be loaded."""

    def __init__(self, target: str, models_dir: str | None = None) -> None:
        self.target = target
        self._models_dir = Path(models_dir) if models_dir else None
        self._package = ServicePackageFactory.get_service_package(_SERVICES.INFERENCE)
        self._info = ServicePackageFactory.get_service_package(_SERVICES.INFO)
        self._channel = grpc.insecure_channel(target, _OPTIONS)
        self._stub = self._package.stub_class(self._channel)
        self._info_stub = self._info.stub_class(self._channel)
        self._lock = threading.Lock()
        self._last = Snapshot()
        self._looked_at = float("-inf")
        self._missing: dict[str, str] | None = None
        """By tab, why it cannot be there; None until the backend has told what it serves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    def ask(self, tab: str, model_id: str, **fields: Any) -> grpc.Future:
        """The answer of a task, to come."""
        method = getattr(self._stub, f"{tab}TaskPredict")
        request = getattr(self._package.messages, f"{tab}TaskRequest")(**fields)
        return method.future(request, metadata=_metadata(model_id), timeout=_CALL_SECONDS)

    def ask_for_stream(self, tab: str, model_id: str, **fields: Any) -> Any:
        """The answer of a task, piece by piece; `cancel()` ends it."""
        method = getattr(self._stub, f"ServerStreaming{tab}TaskPredict")
        request = getattr(self._package.messages, f"ServerStreaming{tab}TaskRequest")(**fields)
        return method(request, metadata=_metadata(model_id), timeout=_CALL_SECONDS)

    def look(self) -> Snapshot:
        """What is served; pages that look at the same time share one answer."""
        with self._lock:
            if time.monotonic() - self._looked_at > _FRESH_SECONDS:
                self._last = self._look()
                self._looked_at = time.monotonic()
            return self._last

    def _look(self) -> Snapshot:
        try:
            if self._missing is None:
                self._missing = dict(self._find_missing())
            response = self._info_stub.GetModelsInfo(ModelInfoRequest().to_proto(), timeout=_LOOK_SECONDS)
            infos = ModelInfoResponse.from_proto(response).models
        except grpc.RpcError as error:
            self._missing = None  # it may be another one when it is back
            return Snapshot(reachable=False, problem=details_of(error), models=self._last.models)
        served = [
            Model(info.name, _TABS[info.module_id], State.READY, str((info.metadata or {}).get("note") or ""))
            for info in infos
            if info.loaded and info.module_id in _TABS
        ]
        known = {info.name for info in infos if info.loaded}
        loading = {info.name for info in infos if not info.loaded}
        others = [self._other(*found, loading) for found in self._configured() if found[0] not in known]
        return Snapshot(models=tuple(served + others), missing=tuple(self._missing.items()))

    def _find_missing(self) -> Iterator[tuple[str, str]]:
        """Each tab needs its method, and the message of its request, which the backend describes by reflection."""
        database = ProtoReflectionDescriptorDatabase(self._channel)
        pool = DescriptorPool(database)
        name = self._package.descriptor.full_name
        if name not in database.get_services():
            raise _NotServed(f"{self.target} does not serve {name}")
        methods = pool.FindServiceByName(name).methods_by_name
        prefix = name.rpartition(".")[0]
        for tab in MODULE_IDS:
            if f"{tab}TaskPredict" not in methods or not hasattr(self._stub, f"{tab}TaskPredict"):
                yield tab, f"Failed to find expected method: {tab}TaskPredict"
                continue
            try:
                pool.FindMessageTypeByName(f"{prefix}.{tab}TaskRequest")
            except KeyError:
                yield tab, f"Failed to find expected message: {prefix}.{tab}TaskRequest"

    def _configured(self) -> Iterator[tuple[str, str]]:
        """(id, tab) of the models in the folder, as far as they can be read."""
        if self._models_dir is None or not self._models_dir.is_dir():
            return
        for file in sorted(self._models_dir.glob("[!.]*/config.yml")):
            try:
                module_id = yaml.safe_load(file.read_text())["module_id"]
            except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
                module_id = None
            yield file.parent.name, _TABS.get(str(module_id), "")

    def _other(self, model_id: str, tab: str, loading: set[str]) -> Model:
        """A model that is configured and not served: the backend tells the reason to whoever asks for it."""
        if model_id in loading:
            return Model(model_id, tab, State.LOADING)
        if not tab:
            return Model(model_id, tab, State.FAILED, "its config.yml does not name a module of this demo")
        try:
            self.ask(tab, model_id).result(timeout=_LOOK_SECONDS)
        except grpc.FutureTimeoutError:
            return Model(model_id, tab, State.LOADING)
        except grpc.RpcError as error:
            return Model(model_id, tab, State.FAILED, details_of(error))
        return Model(model_id, tab, State.LOADING)


class _NotServed(grpc.RpcError):
    def details(self) -> str:
        return str(self)


def details_of(error: grpc.RpcError) -> str:
    """What went wrong, in the words of the server or of gRPC."""
    return str(error.details() if hasattr(error, "details") else error)


def _metadata(model_id: str) -> list[tuple[str, str]]:
    return [("mm-model-id", model_id)]
