"""Components of model management, built from the configuration when they are first asked for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import alog

from ...config import get_config
from ..exceptions import error_handler
from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from ..toolkit.factory import Factory

log = alog.use_channel("MDLMNG")
error = error_handler.get(log)

Component = TypeVar("Component")
Future = TypeVar("Future")


class Components(Generic[Component]):
    """The components of one kind, one per name in `model_management.<section>`."""

    def __init__(self, kind: str, section: str, base: type, factory: Factory) -> None:
        self._kind = kind
        self._section = section
        self._base = base
        self._factory = factory
        self._built: dict[str, Component] = {}
        # A component may ask for others of its kind while it is built.
        self._lock = threading.RLock()

    def get(self, component: str | Component) -> Component:
        """The component of a name, or the component itself."""
        variable: dict[str, Any] = {self._kind: component}
        error.type_check("<COR20160701E>", str, self._base, **variable)
        if not isinstance(component, str):
            return component
        with self._lock:
            if component not in self._built:
                self._built[component] = self._build(component)
            return self._built[component]

    def build_all(self) -> None:
        for name in self._configured():
            self.get(name)

    def forget(self) -> None:
        with self._lock:
            self._built.clear()

    def built(self) -> list[Component]:
        with self._lock:
            return list(self._built.values())

    def is_configured(self, name: str) -> bool:
        return isinstance(self._configured().get(name), dict)

    def find_job(self, name: str, look_up: Callable[[Component], Future]) -> Future:
        """Ask the component of this name (or the default one) for a job, then all the others."""
        asked = self.get(name if self.is_configured(name) else "default")
        try:
            return look_up(asked)
        except CaikitCoreException as unknown:
            if unknown.status_code is not CaikitCoreStatusCode.NOT_FOUND:
                raise
            for component in self.built():
                # Each component refuses the ids of others in its own way.
                with contextlib.suppress(Exception):
                    if component is not asked:
                        return look_up(component)
            # An id that nobody knows is a mistake of whoever asks, so it is no error in the log.
            log.debug("<COR61947283D>", "No %s knows this job: %s", self._kind, unknown)
            raise

    def _build(self, name: str) -> Component:
        if not self.is_configured(name):
            error("<COR55057389E>", ValueError(f"value check failed: Unknown {self._kind}: {name}"))
        log.debug("Building %s %s", self._kind, name)
        component: Component = self._factory.construct(self._configured()[name], name)
        return component

    def _configured(self) -> dict[str, Any]:
        configured: dict[str, Any] = (get_config().model_management or {}).get(self._section) or {}
        return configured
