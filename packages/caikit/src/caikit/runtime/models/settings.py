"""The configuration of a model store, read once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caikit.runtime._numbers import number, whole
from caikit.runtime.engine.batching import BatchSettings

_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    local_models_dir: str | None = None
    wait_for_initial_loads: bool = True
    load_new_local_models: bool = True
    lazy_load: bool = False
    poll_period: float = 10.0
    retries: int = 2
    write_detection_period: float = 0.05
    load_threads: int | None = None
    files_are_models: bool = True
    """Any file of the directory may be a model; otherwise only folders and zip archives are."""
    batching: tuple[tuple[str, BatchSettings], ...] = ()
    """By model type."""

    def batching_of(self, model_type: str) -> BatchSettings | None:
        """How requests for models of a type are batched; None if they are not."""
        by_type = dict(self.batching)
        return by_type.get(model_type) or by_type.get(_DEFAULT)

    def takes_id_for_type(self, model_id: str, model_type: str) -> bool:
        """Whether somebody has configured batches for the id of a model, which nothing reads."""
        return model_id not in (model_type, _DEFAULT) and model_id in dict(self.batching)

    @classmethod
    def from_config(cls, config: Any) -> StoreSettings:
        runtime = config.runtime
        return cls(
            local_models_dir=runtime.local_models_dir or None,
            wait_for_initial_loads=bool(runtime.wait_for_initial_model_loads),
            load_new_local_models=bool(runtime.load_new_local_models),
            lazy_load=bool(runtime.lazy_load_local_models),
            poll_period=_seconds(runtime, "lazy_load_poll_period_seconds"),
            retries=whole("runtime.lazy_load_retries", runtime.lazy_load_retries or 0),
            write_detection_period=_seconds(runtime, "lazy_load_write_detection_period_seconds"),
            load_threads=whole("runtime.load_threads", runtime.load_threads)
            if runtime.load_threads
            else None,
            files_are_models=not _loads_only_folders(config.model_management),
            batching=tuple(
                (str(model_type), _read_batching(str(model_type), settings or {}))
                for model_type, settings in (runtime.get("batching") or {}).items()
            ),
        )


def _seconds(runtime: Any, key: str) -> float:
    return number(f"runtime.{key}", runtime.get(key) or 0)


def _loads_only_folders(components: Any) -> bool:
    """True for our own loader and finder; somebody else's may know models that are single files."""
    return bool(components.loaders.default.type == "CORE" and components.finders.default.type == "LOCAL")


def _read_batching(model_type: str, settings: Mapping[str, Any]) -> BatchSettings:
    place = f"runtime.batching.{model_type}"
    size, delay = settings.get("size") or 0, settings.get("collect_delay_s") or 0.0
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"{place}.size: expected a number of requests, got {size!r}")
    if not isinstance(delay, int | float) or not 0 <= delay < math.inf:
        raise ValueError(f"{place}.collect_delay_s: expected a number of seconds, got {delay!r}")
    return BatchSettings(size, float(delay))
