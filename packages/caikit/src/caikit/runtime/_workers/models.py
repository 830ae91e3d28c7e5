"""The models of all workers as those of one server: what one is told to do, all do; what is shown is what all have."""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from caikit.interfaces.runtime.data_model import ModelInfo, ModelInfoResponse
from caikit.runtime.engine import Kind, Operation, RequestContext, RequestError, Status
from caikit.runtime.models import ModelState
from caikit.runtime.names import LOCAL_MODEL_TYPE

from .team import Answer, Question, Team

if TYPE_CHECKING:
    from caikit.runtime.models import ModelStore

Work = Callable[[RequestContext, Any], Any]

_DEPLOYED, _MESHED = "deployed", "meshed"
_LOOK_SECONDS = 5.0


class TeamModels:
    """Wraps the operations that change or show models."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def share(self, operations: Sequence[Operation], store: ModelStore) -> list[Operation]:
        models = _StoreOfTeam(self._team, store)
        wrappers: Mapping[tuple[Kind, str], Callable[[Work], Work]] = {
            (Kind.MANAGEMENT, "DeployModel"): models.deploy,
            (Kind.MANAGEMENT, "UndeployModel"): models.undeploy,
            (Kind.INFO, "GetModelsInfo"): models.infos,
        }
        mesh = _MeshOfTeam(self._team, store)
        shared = []
        for operation in operations:
            wrap = wrappers.get((operation.kind, operation.name)) or mesh.wrapper(operation)
            shared.append(operation if wrap is None else replace(operation, work=wrap(operation.work)))
        return shared


class _StoreOfTeam:
    def __init__(self, team: Team, store: ModelStore) -> None:
        self._team = team
        self._store = store
        team.handle("load", self._load_here)
        team.handle("unload", self._unload_here)
        team.handle("infos", lambda args: self._infos_here())

    # What is asked of this worker

    def deploy(self, work: Work) -> Work:
        def deploy(context: RequestContext, given: Mapping[str, Any]) -> Any:
            answer = work(context, given)
            entry = self._store.models.get(answer.name)
            if entry is not None:
                question = self._team.ask(
                    "load",
                    {"id": entry.id(), "path": entry.path()},
                    line=entry.id(),
                    keep=(_DEPLOYED, entry.id()),
                )
                _require(
                    question.answers(context), f"Model '{entry.id()}' is deployed, but not in all workers"
                )
            return answer

        return deploy

    def undeploy(self, work: Work) -> Work:
        def undeploy(context: RequestContext, given: Mapping[str, Any]) -> Any:
            answer = work(context, given)
            model_id = answer.model_id
            question = self._team.ask(
                "unload", {"id": model_id}, line=model_id, forget=[(_DEPLOYED, model_id), (_MESHED, model_id)]
            )
            _require(
                question.answers(context), f"Model '{model_id}' is deleted, but not unloaded in all workers"
            )
            return answer

        return undeploy

    def infos(self, work: Work) -> Work:
        def infos(context: RequestContext, given: Mapping[str, Any]) -> ModelInfoResponse:
            question = self._team.ask("infos", {}, seconds=_LOOK_SECONDS)
            known = _Infos()
            known.add(self._infos_here())
            for answer in question.answers(context):
                known.add(answer.result or [])
            return ModelInfoResponse(models=known.listed(given.get("model_ids") or None))

        return infos

    # What the others ask of this one

    def _load_here(self, args: Mapping[str, str]) -> None:
        if os.path.exists(args["path"]):
            retries = self._store.settings.retries
            self._store.load(args["id"], args["path"], LOCAL_MODEL_TYPE, wait=False, retries=retries)

    def _unload_here(self, args: Mapping[str, str]) -> None:
        self._store.unload(args["id"], wait=False)

    def _infos_here(self) -> list[dict[str, str]]:
        states = {model_id: entry.state for model_id, entry in self._store.models.items()}
        return [
            {"info": info.to_json(), "name": info.name, "state": states[info.name].name}
            for info in self._store.infos()
            if info.name in states
        ]


class _Infos:
    """A model counts as loaded when one worker has loaded it, and none is about to or has failed to."""

    def __init__(self) -> None:
        self._shown: dict[str, ModelInfo] = {}
        self._unready: set[str] = set()

    def add(self, infos: Sequence[Mapping[str, str]]) -> None:
        for each in infos:
            name = each["name"]
            if each["state"] != ModelState.LOADED.name:
                self._unready.add(name)
                self._shown.setdefault(name, ModelInfo(name=name, loaded=False))
            elif not (known := self._shown.get(name)) or not known.loaded:
                self._shown[name] = ModelInfo.from_json(each["info"])

    def listed(self, model_ids: Sequence[str] | None) -> list[ModelInfo]:
        for model_id in model_ids or ():
            if model_id not in self._shown:
                raise RequestError(Status.NOT_FOUND, f"Model {model_id} is not loaded")
        return [
            ModelInfo(name=name, loaded=False) if name in self._unready else self._shown[name]
            for name in model_ids or self._shown
        ]


class _MeshOfTeam:
    """Every worker does what the mesh tells one of them."""

    def __init__(self, team: Team, store: ModelStore) -> None:
        self._team = team
        self._store = store
        self._operations: dict[str, Operation] = {}

    def wrapper(self, operation: Operation) -> Callable[[Work], Work] | None:
        if operation.service != "mmesh.ModelRuntime":
            return None
        wrap = {"loadModel": self._load, "unloadModel": self._unload, "runtimeStatus": self._start_over}.get(
            operation.name
        )
        if wrap is not None:
            self._operations[operation.name] = operation
            self._team.handle("mesh", self._do_here)
        return wrap

    def _load(self, work: Work) -> Work:
        def load(context: RequestContext, request: Any) -> Any:
            model_id: str = request.modelId
            was_known = model_id in self._store.models
            question = self._ask("loadModel", context, request, keep=(_MESHED, model_id))
            try:
                answer = work(context, request)
                _require(question.answers(context), f"Model '{model_id}' cannot be loaded by all workers")
            except BaseException:
                if not was_known:
                    self._take_back(model_id, context)
                raise
            return answer

        return load

    def _take_back(self, model_id: str, context: RequestContext) -> None:
        self._store.unload(model_id, wait=False)
        undone = self._team.ask("unload", {"id": model_id}, line=model_id, forget=[(_MESHED, model_id)])
        with contextlib.suppress(RequestError):  # nobody waits any more: it is done in any case
            undone.answers(context)

    def _unload(self, work: Work) -> Work:
        def unload(context: RequestContext, request: Any) -> Any:
            model_id: str = request.modelId
            forget = [(_DEPLOYED, model_id), (_MESHED, model_id)]
            question = self._ask("unloadModel", context, request, forget=forget)
            answer = work(context, request)
            _require(question.answers(context), f"Model '{model_id}' is not unloaded in all workers")
            return answer

        return unload

    def _start_over(self, work: Work) -> Work:
        def start_over(context: RequestContext, request: Any) -> Any:
            question = self._ask("runtimeStatus", context, request, forget=[(_MESHED, None)])
            answer = work(context, request)
            for other in question.answers(context):
                if other.error is not None or _unpacked(type(answer), other.result).status != answer.READY:
                    answer.status = answer.STARTING
            return answer

        return start_over

    def _ask(self, method: str, context: RequestContext, request: Any, **more: Any) -> Question:
        args = {
            "method": method,
            "request": base64.b64encode(request.SerializeToString()).decode(),
            "seconds": context.time_remaining,
        }
        return self._team.ask("mesh", args, line=getattr(request, "modelId", ""), seconds=None, **more)

    def _do_here(self, args: Mapping[str, Any]) -> str:
        operation = self._operations[args["method"]]
        seconds = args["seconds"]
        context = RequestContext(headers={}, deadline=None if seconds is None else time.monotonic() + seconds)
        answer: Any = operation.work(context, _unpacked(operation.request, args["request"]))
        return base64.b64encode(answer.SerializeToString()).decode()


def _unpacked(message_class: Any, text: str) -> Any:
    return message_class.FromString(base64.b64decode(text))


def _require(answers: Sequence[Answer], problem: str) -> None:
    """All others have done what they were asked to do."""
    errors = [(answer, answer.error) for answer in answers if answer.error is not None]
    if errors:
        details = "; ".join(
            f"worker {each.worker} (pid {each.pid}): {error.message}" for each, error in errors
        )
        raise RequestError(errors[0][1].status, f"{problem}: {details}")
