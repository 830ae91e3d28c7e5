"""The configuration of a model store, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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

    @classmethod
    def from_config(cls, config: Any) -> StoreSettings:
        runtime = config.runtime
        return cls(
            local_models_dir=runtime.local_models_dir or None,
            wait_for_initial_loads=bool(runtime.wait_for_initial_model_loads),
            load_new_local_models=bool(runtime.load_new_local_models),
            lazy_load=bool(runtime.lazy_load_local_models),
            poll_period=float(runtime.lazy_load_poll_period_seconds or 0),
            retries=int(runtime.lazy_load_retries or 0),
            write_detection_period=float(runtime.lazy_load_write_detection_period_seconds or 0),
            load_threads=runtime.load_threads or None,
        )
