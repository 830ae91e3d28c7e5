"""How the class of a model is called for one RPC, worked out once per class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caikit.core import ModuleBase
from caikit.core.data_model._schema import MapOf, Repeated, schema_of
from caikit.runtime.engine.context import Served
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.operation import Shape
from caikit.runtime.engine.status import Status

if TYPE_CHECKING:
    from caikit.core import TaskBase
    from caikit.core.signature_parsing import CaikitMethodSignature

    from ._spec import RpcSpec

# Classes of remote models are made at run time, one per load.
_MOST_PLANS = 1000


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The method of a class that answers an RPC, and what it takes."""

    method: str
    accepted: frozenset[str]
    context_arg: str | None
    context_optional: bool
    empties: Mapping[str, Callable[[], Any]]
    """Makers of the empty list or map for each parameter that has to be given."""
    needed: frozenset[str]
    """Inputs that the task requires, and for which the method takes None."""
    served: Served
    in_loop: bool
    """The module wants to be called in the event loop, and can be."""


class CallPlans:
    """The plans of one RPC by class."""

    def __init__(self, spec: RpcSpec, task: type[TaskBase], served_tasks: frozenset[type[TaskBase]]) -> None:
        self._rpc = spec.name
        self._shape = spec.shape
        self._task = task
        self._served_tasks = served_tasks
        self._left_out = spec.left_out
        self._fields = {field.name: field.type for field in schema_of(spec.request).fields}
        self._plans: dict[type[ModuleBase], CallPlan] = {}

    def find(self, model: ModuleBase, model_id: str | None) -> CallPlan:
        """The plan for this model; INVALID_ARGUMENT if its class cannot answer the RPC."""
        plan = self._plans.get(type(model))
        if plan is None:
            plan = self._make(type(model), model_id)
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[type(model)] = plan
        return plan

    def _make(self, module: type[ModuleBase], model_id: str | None) -> CallPlan:
        signature = self._signature(module, model_id)
        parameters, defaults = signature.parameters or {}, signature.default_parameters
        accepted = frozenset(name for name in parameters if name in self._fields)
        return CallPlan(
            method=signature.method_name,
            accepted=accepted - {signature.context_arg},
            context_arg=signature.context_arg,
            context_optional=signature.context_arg in defaults,
            empties={
                name: maker
                for name in accepted - set(defaults)
                if (maker := _empty_maker(self._fields[name])) is not None
            },
            needed=frozenset(
                name
                for name in self._task.get_required_parameters(self._shape.input_streaming)
                if name in accepted and name in defaults and defaults[name] is None
            ),
            served=Served(module, self._task.__name__, signature.method_name),
            in_loop=_may_run_in_loop(module, signature.method_name),
        )

    def _signature(self, module: type[ModuleBase], model_id: str | None) -> CaikitMethodSignature:
        if not self._served_tasks.intersection(module.tasks):
            raise _refused(f"Inference for model class {module} not supported by this runtime")
        if self._task not in module.tasks:
            tasks = ", ".join(sorted(task.__name__ for task in module.tasks))
            raise _refused(
                f"Model '{model_id}' does not support {self._rpc}: "
                f"expected a model for {self._task.__name__}, found one for {tasks}"
            )
        if module in self._left_out:
            raise _refused(
                f"Model '{model_id}' is not served by {self._rpc}: "
                f"the types of {module.__qualname__} contradict the messages of this RPC"
            )
        for input_streaming, output_streaming, signature in module.get_inference_signatures(self._task) or ():
            if Shape.of(input_streaming, output_streaming) is self._shape:
                return signature
        raise _refused(f"Model class {module} does not support {self._rpc}")


def _may_run_in_loop(module: type[ModuleBase], method: str) -> bool:
    """What waits, for a batch or anything else, must wait in a thread of its own."""
    waits = inspect.iscoroutinefunction(getattr(module, method))
    return module.RUNS_IN_LOOP and not waits and module.run_batch is ModuleBase.run_batch


def _empty_maker(node: Any) -> Callable[[], Any] | None:
    if isinstance(node, Repeated):
        return list
    return dict if isinstance(node, MapOf) else None


def _refused(message: str) -> RequestError:
    return RequestError(Status.INVALID_ARGUMENT, message)
