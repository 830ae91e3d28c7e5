"""How requests for a model become one call of its `run_batch`."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit.core import ModuleBase
from caikit.runtime.engine.batching import Batch, BatchFigures, BatchMethods, BatchSettings

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext

log = alog.use_channel("MODEL-BATCH")

_METHOD = "run"
"""The method whose calls can be batched."""

Keywords = dict[str, Any]
_Parameters = Mapping[str, inspect.Parameter]


class ModelBatch:
    """The batches of one loaded model.

    `run_batch` takes a list with one value per request where `run` takes a value. A parameter that is annotated in both
    methods with the same type has one value for the batch; only requests with the same value share one.
    """

    def __init__(self, module: type[ModuleBase], settings: BatchSettings) -> None:
        run, run_batch = _parameters(module.run), _parameters(module.run_batch)
        self._batch = Batch(settings)
        self._takes_all = any(each.kind is each.VAR_KEYWORD for each in run_batch.values())
        self._taken = frozenset(run_batch)
        self._defaults = {name: each.default for name, each in run.items() if each.default is not each.empty}
        self._required = frozenset(
            name
            for name, each in run.items()
            if each.default is each.empty and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        )
        # A batch that cannot take the contexts of its requests does without.
        self._contexts = _context_names(module)
        self._shared = _shared_names(module, run.keys() & run_batch.keys())

    def call(self, model: Any, context: RequestContext, keywords: Keywords) -> Any:
        """The result of a call of `run`; it shares a batch if it can."""
        if not self._fits(keywords):
            return context.call(model.run, **keywords)
        key = tuple(freeze(self._value(keywords, name)) for name in self._shared)
        methods = BatchMethods(model.run, model.run_batch, self._merge)
        return self._batch.call(methods, key, context, keywords)

    @property
    def figures(self) -> BatchFigures:
        return self._batch.figures

    def untaken(self) -> list[str]:
        """What every request has, but a batch cannot take."""
        return sorted(name for name in self._required - self._contexts if not self._takes(name))

    def _fits(self, keywords: Keywords) -> bool:
        return self._required.issubset(keywords) and all(
            self._fits_in(name, value) for name, value in keywords.items()
        )

    def _fits_in(self, name: str, value: Any) -> bool:
        if name in self._contexts:
            return True
        if self._takes(name):
            return name in self._required or name in self._defaults
        # What a batch cannot take may still be what it has anyway.
        return name in self._defaults and freeze(value) == freeze(self._defaults[name])

    def _takes(self, name: str) -> bool:
        return self._takes_all or name in self._taken

    def _value(self, keywords: Keywords, name: str) -> Any:
        return keywords[name] if name in keywords else self._defaults[name]

    def _merge(self, requests: Sequence[Keywords]) -> Keywords:
        names = dict.fromkeys(name for keywords in requests for name in keywords if self._takes(name))
        return {
            name: self._value(requests[0], name)
            if name in self._shared
            else [self._value(keywords, name) for keywords in requests]
            for name in names
        }


def make_batch(model_id: str, model: ModuleBase, settings: BatchSettings | None) -> ModelBatch | None:
    """The batches of a model, if they are configured and its class has a `run_batch` of its own."""
    module = type(model)
    if settings is None or settings.size < 2 or module.run_batch is ModuleBase.run_batch:
        return None
    batch = ModelBatch(module, settings)
    untaken = batch.untaken()
    if untaken:
        log.warning(
            "<RUN61530302W>",
            "Requests for model '%s' are not batched: %s.run_batch has no parameter %s",
            model_id,
            module.__name__,
            " and ".join(map(repr, untaken)),
        )
        return None
    return batch


def freeze(value: Any) -> Hashable:
    """A key that is equal for equal values of the same types; a key of its own for what is not plain."""
    if value is None or isinstance(value, str | bytes | int | float):
        return type(value), value
    if isinstance(value, list | tuple):
        return type(value), tuple(map(freeze, value))
    return type(value), id(value)


def _parameters(method: Any) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(method).parameters)
    first = next(iter(parameters), None)
    return {name: each for name, each in parameters.items() if name != first}


def _context_names(module: type[ModuleBase]) -> frozenset[str]:
    signatures = [
        signature
        for task in module.tasks
        for _, _, signature in module.get_inference_signatures(task) or ()
        if signature.method_name == _METHOD
    ]
    return frozenset(each.context_arg for each in signatures if each.context_arg is not None)


def _shared_names(module: type[ModuleBase], names: set[str]) -> tuple[str, ...]:
    run, run_batch = _hints(module.run, module.run_batch)
    same = [name for name in names if name in run and run[name] == run_batch.get(name)]
    return tuple(sorted(name for name in same if run[name] is not Any))


def _hints(*methods: Any) -> list[dict[str, Any]]:
    """The annotations of each without Optional; as they are written where they cannot be resolved."""
    try:
        hints = [typing.get_type_hints(method) for method in methods]
    except Exception:
        return [dict(getattr(method, "__annotations__", {})) for method in methods]
    return [{name: _without_none(hint) for name, hint in each.items()} for each in hints]


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = tuple(member for member in typing.get_args(hint) if member is not type(None))
        return members[0] if len(members) == 1 else frozenset(members)
    return hint
