"""Where models run: the base of module backends."""

from __future__ import annotations

import abc
import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import aconfig
import alog

from ..exceptions import error_handler

if TYPE_CHECKING:
    from ..data_model.runtime_context import RuntimeServerContextType

__all__ = ["BackendBase"]

error = error_handler.get(alog.use_channel("BACKBASE"))


class BackendBase(abc.ABC):
    """Something that loads and runs models outside or inside of this process."""

    def __init__(self, config: aconfig.Config | None = None) -> None:
        error.type_check("<COR98255419E>", dict, allow_none=True, config=config)
        self.config: Any = config if config is not None else {}
        self._started = False
        self._start_lock = threading.Lock()

    @property
    @abc.abstractmethod
    def backend_type(self) -> str:
        """The upper-case name of the type; a plain class attribute in subclasses."""

    @property
    def is_started(self) -> bool:
        return self._started

    @abc.abstractmethod
    def register_config(self, config: dict[str, Any]) -> None:
        """Take in the `backend_config_override` of a module."""

    @abc.abstractmethod
    def start(self) -> None:
        """Make the backend ready for work."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Release what `start` took."""

    @contextlib.contextmanager
    def start_lock(self) -> Iterator[None]:
        """Keeps others from starting the backend meanwhile."""
        with self._start_lock:
            yield

    def handle_runtime_context(  # noqa: B027 - most backends have no use for it
        self, model_id: str, runtime_context: RuntimeServerContextType
    ) -> None:
        """Called with the context of each request for a model of this backend."""
