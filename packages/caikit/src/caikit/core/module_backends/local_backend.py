"""The backend that runs models in this process."""

from __future__ import annotations

from typing import Any, NoReturn

import alog

from ..exceptions import error_handler
from . import backend_types
from .base import BackendBase

__all__ = ["LocalBackend"]

error = error_handler.get(alog.use_channel("LBKND"))


class LocalBackend(BackendBase):
    """Models are loaded and run where they are asked for."""

    backend_type = "LOCAL"

    def start(self) -> None:
        self._started = True

    def stop(self) -> None:
        self._started = False

    def register_config(self, config: dict[str, Any]) -> NoReturn:
        error("<COR86869292E>", AssertionError("LOCAL backend does not support this operation"))


backend_types.add_backend_type(LocalBackend)
