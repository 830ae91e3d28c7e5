"""What callers are told when a model cannot be loaded."""

from __future__ import annotations

import os
import traceback
from enum import Enum

from caikit._exception_text import safe_str
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status


def load_error(model_id: str, error: BaseException, private: str) -> Exception:
    """The error of the requests for a model whose load raised `error`, without the path that is `private`, if one is."""
    if isinstance(error, Exception) and (isinstance(error, RequestError) or _has_own_status(error)):
        return error
    reason = safe_str(error)
    places = {private, os.path.abspath(private), os.path.realpath(private)} if private else set()
    for place in sorted(places, key=len, reverse=True):
        reason = reason.replace(place, model_id)
    if isinstance(error, (FileNotFoundError, ValueError)):
        return _caused(Status.NOT_FOUND, f"Model {model_id} not found. Nested error: {reason}", error)
    return _caused(Status.INTERNAL, f"Model {model_id} failed to load. Nested error: {reason}", error)


def again(error: Exception) -> Exception:
    """A remembered error for one more caller, with an id of its own where it has one."""
    if type(error) is RequestError:
        return _caused(error.status, error.message, error.__cause__)
    return error.with_traceback(None)


def forget_frames(error: BaseException | None) -> None:
    """Let go of what the failed code had in its hands, which may be half a model."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def not_loaded(model_id: str) -> RequestError:
    return RequestError(Status.NOT_FOUND, f"Model '{model_id}' not loaded")


def not_found(model_id: str) -> RequestError:
    return RequestError(Status.NOT_FOUND, f"Model '{model_id}' is not found")


def still_being_written(model_id: str) -> RequestError:
    return RequestError(
        Status.UNAVAILABLE, f"Model '{model_id}' not loaded: its files are still being written"
    )


def store_closed() -> RequestError:
    return RequestError(Status.UNAVAILABLE, "The runtime is shutting down: no more models are loaded")


def _has_own_status(error: Exception) -> bool:
    """True for exceptions of the runtime that carry a status of their own, whatever their class."""
    return isinstance(getattr(error, "status_code", None), Enum) and not isinstance(
        error, CaikitCoreException
    )


def _caused(status: Status, message: str, cause: BaseException | None) -> RequestError:
    error = RequestError(status, message)
    error.__cause__ = cause
    return error
