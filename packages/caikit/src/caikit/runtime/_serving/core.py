"""What the servers of one process share: models, operations, jobs."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit.config import get_config
from caikit.core import MODEL_MANAGER
from caikit.core.toolkit.name_tools import snake_to_upper_camel
from caikit.runtime._workers.seat import shared_operations
from caikit.runtime.engine import Kind, Operation
from caikit.runtime.models import SHARED_STORE
from caikit.runtime.security import Authoriser, SecuritySettings
from caikit.runtime.services.bind import bind_operations
from caikit.runtime.utils.import_util import clean_lib_names, get_dynamic_module

from .settings import CoreSettings

if TYPE_CHECKING:
    from .one_port import SharedPort

log = alog.use_channel("SERVR-CORE")
service_log = alog.use_channel("GP-SERVICR-I")

# How long cancelled jobs may take to end.
_JOBS_SECONDS = 2.0


class ServingCore:
    """Built for one configuration; servers with the same configuration share it."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.settings = CoreSettings.from_config(config)
        self.libraries = [get_dynamic_module(name) for name in clean_lib_names(config.runtime.library)]
        with contextlib.ExitStack() as undo:
            self.authoriser = Authoriser(SecuritySettings.from_config(config))
            undo.callback(self.authoriser.close)
            self.store = SHARED_STORE.hold(config)
            undo.callback(SHARED_STORE.release, self.store)
            bound = bind_operations(store=self.store, config=config)
            undo.pop_all()
        served = list(filter(self.authoriser.serves, bound))
        self.operations: list[Operation] = shared_operations(served, self.store)
        self.shared_ports: list[SharedPort] = []
        """Those on which both servers are, or may be."""
        self._log_services(bound)

    @property
    def title(self) -> str:
        names = clean_lib_names(self.config.runtime.library)
        return snake_to_upper_camel(names[0]) if names else "caikit"

    @property
    def version(self) -> str:
        return str((self.config.runtime.version_info or {}).get("runtime_image") or "")

    @property
    def description(self) -> str:
        return (self.libraries and inspect.getdoc(self.libraries[0])) or ""

    def _log_services(self, bound: Sequence[Operation]) -> None:
        if not self.libraries:
            service_log.warning("<RUN76884780W>", "No tasks are served: runtime.library is not set")
        elif not any(operation.kind is Kind.INFERENCE for operation in bound):
            names = ", ".join(library.__name__ for library in self.libraries)
            service_log.warning(
                "<RUN76884781W>",
                "No tasks are served: no module with a task was found when %s was imported. Import the files with your "
                "@module classes in its __init__.py; runtime.service_generation may leave out modules, too",
                names,
            )
        if any(operation.kind is Kind.INFERENCE for operation in self.operations):
            service_log.info("<RUN76773778I>", "Validated Caikit Library CDM successfully")
            for library in self.libraries:
                service_log.info(
                    "<RUN76884779I>",
                    "Constructed inference service for library: %s, version: %s",
                    library.__name__,
                    getattr(library, "__version__", "unknown"),
                )

    def close(self) -> None:
        """Cancel the jobs and drop the models; what does not end in time is left behind."""
        if not MODEL_MANAGER.close(_JOBS_SECONDS):
            log.warning("<RUN35126711W>", "Some jobs have not ended in time and are left behind")
        SHARED_STORE.release(self.store)
        self.authoriser.close()


def load_configuration() -> Any:
    """The configuration with the libraries imported, which may have changed it."""
    for name in clean_lib_names(get_config().runtime.library):
        get_dynamic_module(name)
    return get_config()


class SharedCores:
    """Hands out cores and closes each after its last holder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cores: list[tuple[ServingCore, int]] = []

    def hold(self, config: Any) -> ServingCore:
        with self._lock:
            for index, (core, holders) in enumerate(self._cores):
                if core.config is config:
                    self._cores[index] = (core, holders + 1)
                    return core
            core = ServingCore(config)
            self._cores.append((core, 1))
            return core

    def release(self, core: ServingCore) -> None:
        with self._lock:
            index = next(i for i, (known, _) in enumerate(self._cores) if known is core)
            holders = self._cores[index][1] - 1
            if holders:
                self._cores[index] = (core, holders)
                return
            del self._cores[index]
        core.close()


SHARED_CORES = SharedCores()
