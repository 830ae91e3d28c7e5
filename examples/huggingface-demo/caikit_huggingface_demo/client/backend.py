"""The runtime behind the page: what it serves, and calls of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import yaml
from caikit.core.registries import module_registry
from caikit.interfaces.runtime.data_model import ModelInfo, ModelInfoRequest, ModelInfoResponse
from caikit.runtime.names import get_task_predict_rpc_name
from caikit.runtime.service_factory import ServicePackageFactory
from typing_extensions import Self

from .problems import NotServedError, words_of
from .services import Services, discover
from .snapshot import Model, Snapshot, State

_LOOK_SECONDS = 3.0
_FRESH_SECONDS = 1.0
_CALL_SECONDS = 120.0
# A backend writes into its log that a model cannot be loaded, as often as it is asked.
_FAILED_SECONDS = 60.0
_UNKNOWN_MODULE = "Its module is not known here, so it may be for another task."
# Pictures and masks are larger than the 4 MB that gRPC takes by default.
_OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_reconnect_backoff_ms", 2000)]


class Backend:
    """Calls models over gRPC; `models_dir` is looked at for models that could not be loaded."""

    def __init__(self, target: str, models_dir: str) -> None:
        self.target = target
        self.models_dir = Path(models_dir)
        info = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFO)
        self._channel = grpc.insecure_channel(target, _OPTIONS)
        self._info_stub = info.stub_class(self._channel)
        self._lock = threading.Lock()
        self._last = Snapshot()
        self._looked_at = float("-inf")
        self._services = Services()
        self._is_current = False
        self._refusals: set[tuple[str, str]] = set()
        # By the model's id: when its config.yml was changed and the backend asked last, and what is known since then.
        self._failures: dict[str, tuple[int | None, float, Model]] = {}
        self._channel.subscribe(self._on_connectivity)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    def call(
        self, name: str, model_id: str, *requests: Mapping[str, Any], seconds: float = _CALL_SECONDS
    ) -> Any:
        """The answers of a method, as they come; `cancel()` ends them."""
        method = self._services.method(name)
        if method is None:
            raise NotServedError(f"{self.target} does not serve {name}")
        # On the wire, a single answer is a stream, too.
        connect = self._channel.stream_stream if method.input_streaming else self._channel.unary_stream
        messages = [method.request_class(**fields) for fields in requests]
        return connect(
            method.path,
            request_serializer=method.request_class.SerializeToString,
            response_deserializer=method.answer_class.FromString,
        )(
            iter(messages) if method.input_streaming else messages[0],
            metadata=(("mm-model-id", model_id),),
            timeout=seconds,
        )

    def note_refusal(self, error: grpc.RpcError, name: str, model_id: str) -> None:
        """Of a model whose module is not known here, this alone tells that it is for another task."""
        if _is_refusal(error, name):
            self._refusals.add((name, model_id))

    def look(self) -> Snapshot:
        """What is served; pages that look at the same time share one answer."""
        with self._lock:
            if time.monotonic() - self._looked_at > _FRESH_SECONDS:
                self._last = self._look()
                self._looked_at = time.monotonic()
            return self._last

    def _look(self) -> Snapshot:
        try:
            response = self._info_stub.GetModelsInfo(ModelInfoRequest().to_proto(), timeout=_LOOK_SECONDS)
            if not self._is_current:
                self._is_current = True
                found = discover(self._channel)
                # Equal ones are kept: the page has made forms from their descriptors.
                self._services = self._services if found == self._services else found
                self._refusals.clear()
        except grpc.RpcError as error:
            self._is_current = False
            return Snapshot(False, words_of(error), self._services, self._last.models)
        infos = ModelInfoResponse.from_proto(response).models
        served = [_served(info) for info in infos if info.loaded]
        known = {model.id for model in served}
        loading = {info.name for info in infos if not info.loaded}
        others = [self._other(*found, loading) for found in self._configured() if found[0] not in known]
        return Snapshot(
            services=self._services, models=tuple(served + others), refusals=frozenset(self._refusals)
        )

    def _on_connectivity(self, connectivity: grpc.ChannelConnectivity) -> None:
        """Whoever is there after a while may be somebody else."""
        if connectivity is not grpc.ChannelConnectivity.READY:
            self._is_current = False

    def _configured(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """(id, tasks, what is wrong with its file if there are none) of the models in the folder."""
        for file in sorted(self.models_dir.glob("[!.]*/config.yml")):
            yield file.parent.name, *_read_tasks(file)

    def _other(self, model_id: str, tasks: tuple[str, ...], problem: str, loading: set[str]) -> Model:
        """A model that is configured and not served: the backend tells the reason to whoever asks for it."""
        if model_id in loading:
            return Model(model_id, tasks, State.LOADING)
        if not tasks:
            return Model(model_id, tasks, State.FAILED, problem)
        changed, asked, failed = self._failures.get(model_id, (None, 0.0, None))
        change = self._last_change(model_id)
        if failed and changed == change and time.monotonic() - asked < _FAILED_SECONDS:
            return failed
        name = self._harmless_method(tasks)
        try:
            next(self.call(name, model_id, {}, seconds=_LOOK_SECONDS))
        except grpc.RpcError as error:
            if not (_is_refusal(error, name) or _code(error) is grpc.StatusCode.DEADLINE_EXCEEDED):
                failed = Model(model_id, tasks, State.FAILED, words_of(error))
                self._failures[model_id] = change, time.monotonic(), failed
                return failed
        return Model(model_id, tasks, State.LOADING)

    def _last_change(self, model_id: str) -> int | None:
        try:
            return (self.models_dir / model_id / "config.yml").stat().st_mtime_ns
        except OSError:
            return None

    def _harmless_method(self, tasks: tuple[str, ...]) -> str:
        """Of another task, if there is one: it loads the model, and does not run it."""
        served = sorted(self._services.tasks, key=lambda task: task.name in tasks)
        return next((method.name for task in served for method in task.methods), f"{tasks[0]}Predict")


def _read_tasks(file: Path) -> tuple[tuple[str, ...], str]:
    """The tasks of the module that a config.yml names, or why there are none."""
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        return (), f"its config.yml cannot be read: {error.strerror}"
    except (ValueError, yaml.YAMLError) as error:
        return (), f"its config.yml is not YAML: {' '.join(str(error).split())}"
    module_id = content.get("module_id") if isinstance(content, dict) else None
    if module_id is None:
        return (), "its config.yml has no module_id"
    tasks = _tasks_of(str(module_id)) or ()
    return tasks, "" if tasks else f"its config.yml names {str(module_id)!r}, which is no module of this demo"


def _code(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if hasattr(error, "code") else None


def _is_refusal(error: grpc.RpcError, name: str) -> bool:
    """Whether a model is not for this method; all servers say it in these words."""
    return _code(error) is grpc.StatusCode.INVALID_ARGUMENT and f"does not support {name}" in words_of(error)


def _served(info: ModelInfo) -> Model:
    tasks = _tasks_of(info.module_id)
    note = str((info.metadata or {}).get("note") or ("" if tasks else _UNKNOWN_MODULE))
    return Model(info.name, tasks, State.READY, note)


def _tasks_of(module_id: str | None) -> tuple[str, ...] | None:
    """As RPCs name them; None if the module is not known here."""
    module = module_registry().get(module_id or "")
    if module is None:
        return None
    return tuple(get_task_predict_rpc_name(task).removesuffix("Predict") for task in module.tasks)
