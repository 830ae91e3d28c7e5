"""Running a module over lists of inputs, one after the other."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import alog

from ..data_model.base import DataBase
from ..data_model.streams.data_stream import DataStream
from ..exceptions import error_handler

error = error_handler.get(alog.use_channel("MODBATCH"))


def run_one_by_one(run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Call `run` once per element; arguments that are no lists of inputs are the same in every call."""
    for value in (*args, *kwargs.values()):
        _refuse_streams(value)
    lengths = {len(value) for value in (*args, *kwargs.values()) if _is_expandable(value)}
    if not lengths:
        error("<COR03444829E>", ValueError("No iterable passed to batch predict"))
    if len(lengths) > 1:
        error(
            "<COR56357836E>",
            ValueError("Iterables of varying length may not be passed to default batch predict."),
        )
    return tuple(
        run(
            *(_element(value, index) for value in args),
            **{name: _element(value, index) for name, value in kwargs.items()},
        )
        for index in range(lengths.pop())
    )


def _refuse_streams(value: Any) -> None:
    if isinstance(value, types.GeneratorType):
        error("<COR75772294E>", ValueError("Generator types are incompatible with .run_batch"))
    if isinstance(value, DataStream):
        error("<COR13210439E>", ValueError("Data streams are incompatible with .run_batch"))


def _is_expandable(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(element, str | DataBase) for element in value)


def _element(value: Any, index: int) -> Any:
    return value[index] if _is_expandable(value) else value
