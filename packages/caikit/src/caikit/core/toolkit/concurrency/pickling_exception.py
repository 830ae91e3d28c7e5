"""Exceptions that survive the way to another process."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import alog

from caikit._exception_text import safe_str

from ...exceptions import error_handler

__all__ = ["ExceptionPickler", "PickleFailureFallbackException"]

error = error_handler.get(alog.use_channel("EXC-PICKLE"))


class PickleFailureFallbackException(Exception):  # noqa: N818 - a documented name
    """Stands for an exception that cannot be pickled, or not be rebuilt where it arrives, with its text."""


class ExceptionPickler:
    """Holds an exception so that pickling keeps its type, text, causes and contexts as far as possible.

    A class whose constructor needs more than `args` is rebuilt with the attributes that are called like the
    parameters, with or without an underscore in front. Where that fails, too, a PickleFailureFallbackException
    with the same text takes its place. Tracebacks do not travel.
    """

    def __init__(self, exception: Exception) -> None:
        error.type_check("<COR12665309E>", Exception, exception=exception)
        self.exception = exception

    def get(self) -> Exception:
        """The exception; after unpickling the copy that was made here, chained like the original."""
        return self.exception

    def __reduce__(self) -> tuple[Callable[..., ExceptionPickler], tuple[list[_Link]]]:
        return _unpickle, (_links(self.exception),)


# the pickled exception, its text, the positions of its cause and its context, whether the context is hidden
_Link = tuple[bytes, str, "int | None", "int | None", bool]


def _links(exception: BaseException) -> list[_Link]:
    """The exception and everything it is chained to; chains may share members and run in circles."""
    chain = [exception]
    positions = {id(exception): 0}

    def position(linked: BaseException | None) -> int | None:
        if linked is None:
            return None
        if id(linked) not in positions:
            positions[id(linked)] = len(chain)
            chain.append(linked)
        return positions[id(linked)]

    # the chain grows while it is walked
    return [
        (
            _pickled(link),
            safe_str(link),
            position(link.__cause__),
            position(link.__context__),
            link.__suppress_context__,
        )
        for link in chain
    ]


def _unpickle(links: list[_Link]) -> ExceptionPickler:
    chain = [_rebuilt(data, text) for data, text, *_ in links]
    for link, (_, _, cause, context, hidden) in zip(chain, links, strict=True):
        link.__cause__ = None if cause is None else chain[cause]
        link.__context__ = None if context is None else chain[context]
        link.__suppress_context__ = hidden
    return ExceptionPickler(chain[0])


def _rebuilt(data: bytes, text: str) -> Any:
    try:
        # it comes out of the pickle that is being read just now, so it is trusted as much as that
        return pickle.loads(data)  # noqa: S301
    except Exception:
        return PickleFailureFallbackException(text)


def _pickled(exception: BaseException) -> bytes:
    for make in (_as_it_is, _with_arguments_from_attributes):
        try:
            data = pickle.dumps(make(exception))
            if _same(pickle.loads(data), exception):  # noqa: S301 - made in the line before
                return data
        except Exception:  # noqa: S112 - the next way may work, the last one always does
            continue
    return pickle.dumps(PickleFailureFallbackException(safe_str(exception)))


def _as_it_is(exception: BaseException) -> Any:
    return exception


def _with_arguments_from_attributes(exception: BaseException) -> Any:
    cls = type(exception)
    arguments = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if hasattr(exception, name):
            arguments[name] = getattr(exception, name)
        elif parameter.default is parameter.empty:
            arguments[name] = getattr(exception, f"_{name}")
    return _Recipe(cls, arguments)


class _Recipe:
    """Pickles as a call of a class."""

    def __init__(self, cls: type[BaseException], arguments: dict[str, Any]) -> None:
        self._call = (cls, arguments)

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[Any, ...]]:
        return _call, self._call


def _call(cls: type[BaseException], arguments: dict[str, Any]) -> BaseException:
    return cls(**arguments)


def _same(copy: Any, exception: BaseException) -> bool:
    return type(copy) is type(exception) and str(copy) == str(exception)
