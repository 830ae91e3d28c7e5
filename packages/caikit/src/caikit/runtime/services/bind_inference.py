"""The work behind inference RPCs."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from caikit.core import MODEL_MANAGER, BackendBase, ModuleBase
from caikit.core.data_model._schema import schema_of
from caikit.runtime.engine.errors import MissingInputsError, RequestError
from caikit.runtime.engine.operation import Shape
from caikit.runtime.engine.status import Status

from .bind_arguments import ArgumentReader, Converter, Leases
from .bind_plan import CallPlan, CallPlans
from .bind_streams import MISSING, HeldStream, RequestStreams, absent_element, missed_inputs

if TYPE_CHECKING:
    from caikit.core import TaskBase
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import ModelBatch, ModelStore

    from ._spec import RpcSpec

_BATCHED_METHOD = "run"

Work = Callable[["RequestContext", Any], Any]


class Backends:
    """The module backends that want to see each request before its model is looked up."""

    def __init__(self) -> None:
        self._listeners = [
            backend
            for backend in MODEL_MANAGER.get_module_backends()
            if type(backend).handle_runtime_context is not BackendBase.handle_runtime_context
        ]

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def notify(self, context: RequestContext) -> None:
        for backend in self._listeners:
            backend.handle_runtime_context(context.model_id or "", context.native)


class ModelCalls:
    """Finds the model of a request and the keyword arguments for its method."""

    def __init__(
        self,
        spec: RpcSpec,
        task: type[TaskBase],
        *,
        store: ModelStore,
        backends: Backends,
        served_tasks: frozenset[type[TaskBase]],
    ) -> None:
        self._store = store
        self._notify = backends.notify if backends else None
        self._unary = spec.shape is Shape.UNARY
        self._plans = CallPlans(spec, task, served_tasks)
        self.reader = ArgumentReader(spec.request)

    def run_in_loop(self, model_id: str | None) -> bool:
        model = None if self._notify is not None else self._store.peek(model_id)
        if model is None:
            return False
        try:
            return self._plans.find(model, model_id).in_loop
        except RequestError:
            # The worker will say it.
            return False

    def find(self, context: RequestContext) -> tuple[Any, CallPlan, Leases]:
        """The model, in use until the leases are released, and how it is called."""
        if self._notify is not None:
            self._notify(context)
        leases = Leases(self._store, context)
        try:
            span, model_id = context.span, context.model_id
            if span is None:
                model = leases.take(model_id)
            else:
                model = span.timed("load_model", partial(leases.take, model_id))
            plan = self._plans.find(model, context.model_id)
            context.served = plan.served
            return model, plan, leases
        except BaseException:
            leases.release()
            raise

    def keywords(
        self, plan: CallPlan, context: RequestContext, given: Mapping[str, Any], leases: Leases
    ) -> dict[str, Any]:
        """What was given and is accepted; a parameter of another module of the task is left out."""
        accepted = plan.accepted
        keywords = {name: value for name, value in given.items() if name in accepted}
        if context.omits_empty_lists:
            for name, make in plan.empties.items():
                if name not in keywords:
                    keywords[name] = make()
        return self.reader.read(keywords, leases) if self.reader.converters else keywords

    def batch_of(self, model: ModuleBase, plan: CallPlan, context: RequestContext) -> ModelBatch | None:
        """The batches of a model that answers several calls at once, if that is configured."""
        if type(model).run_batch is ModuleBase.run_batch or not self._unary or plan.method != _BATCHED_METHOD:
            return None
        return self._store.batch_of(context.model_id, model)


def loop_test(calls: ModelCalls, spec: RpcSpec) -> Callable[[str | None], bool] | None:
    """Tells of a model whether it may be called in the event loop; None if none of the RPC's modules may."""
    if spec.shape is Shape.UNARY and any(module.RUNS_IN_LOOP for module in spec.modules):
        return calls.run_in_loop
    return None


def inference_work(calls: ModelCalls, spec: RpcSpec, task: type[TaskBase]) -> Work:
    """The function that serves an inference RPC."""
    prepare = _prepare_streamed(calls, spec, task) if spec.shape.input_streaming else _prepare_unary(calls)
    return partial(_answer_stream if spec.shape.output_streaming else _answer_once, calls, prepare)


Prepare = Callable[[CallPlan, "RequestContext", Any, Leases], dict[str, Any]]


def _answer_once(calls: ModelCalls, prepare: Prepare, context: RequestContext, arguments: Any) -> Any:
    model, plan, leases = calls.find(context)
    try:
        keywords = prepare(plan, context, arguments, leases)
        return _call(model, plan, context, keywords, calls.batch_of(model, plan, context))
    finally:
        leases.release()


def _answer_stream(calls: ModelCalls, prepare: Prepare, context: RequestContext, arguments: Any) -> Any:
    model, plan, leases = calls.find(context)
    try:
        keywords = prepare(plan, context, arguments, leases)
        result = _call(model, plan, context, keywords)
        if isinstance(result, Iterable | AsyncIterator):
            return HeldStream(context.iterate(result), leases, absent=plan.needed.difference(keywords))
    except BaseException:
        leases.release()
        raise
    leases.release()
    return result


def _call(
    model: Any,
    plan: CallPlan,
    context: RequestContext,
    keywords: dict[str, Any],
    batch: ModelBatch | None = None,
) -> Any:
    if plan.context_arg is not None:
        keywords[plan.context_arg] = context.native
    method = getattr(model, plan.method)
    try:
        if batch is not None:
            return batch.call(model, context, keywords)
        result = context.call(method, **keywords)
        return context.wait_for(result) if type(result) is CoroutineType else result
    except (AttributeError, TypeError) as error:
        missing = _missing(method, keywords) if isinstance(error, TypeError) else []
        problem = (
            MissingInputsError(missing) if missing else missed_inputs(error, plan.needed - keywords.keys())
        )
        if problem is not None:
            raise problem from error
        raise


def _missing(method: Callable[..., Any], keywords: Mapping[str, Any]) -> list[str]:
    """What a method needs and did not get, for which Python has refused to call it."""
    return [
        name
        for name, each in inspect.signature(method).parameters.items()
        if name not in keywords
        and each.default is each.empty
        and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


def _prepare_unary(calls: ModelCalls) -> Prepare:
    return calls.keywords


def _prepare_streamed(calls: ModelCalls, spec: RpcSpec, task: type[TaskBase]) -> Prepare:
    elements = _elements(calls.reader, spec, frozenset(task.get_required_parameters(input_streaming=True)))

    def prepare(
        plan: CallPlan, context: RequestContext, messages: Iterator[Mapping[str, Any]], leases: Leases
    ) -> dict[str, Any]:
        messages = iter(messages)
        first = next(messages, None)
        if first is None:
            raise RequestError(
                Status.INVALID_ARGUMENT, "The request stream is empty: expected at least one message"
            )
        unary = {name: value for name, value in first.items() if name not in elements}
        keywords = calls.keywords(plan, context, unary, leases)
        streams = RequestStreams(
            chain([first], messages),
            {name: partial(element, leases) for name, element in elements.items() if name in plan.accepted},
        )
        return {**keywords, **{name: streams.stream(name) for name in elements if name in plan.accepted}}

    return prepare


def _elements(
    reader: ArgumentReader, spec: RpcSpec, streamed: frozenset[str]
) -> dict[str, Callable[[Leases, Any], Any]]:
    return {
        field.name: partial(_element, absent_element(field.type), reader.converters.get(field.name))
        for field in schema_of(spec.request).fields
        if field.name in streamed
    }


def _element(absent: Callable[[], Any], convert: Converter | None, leases: Leases, value: Any) -> Any:
    if value is MISSING:
        return absent()
    return value if convert is None else convert(value, leases)
