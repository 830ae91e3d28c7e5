"""A module whose models behave as their config.yml says."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from caikit.core import ModuleBase, ModuleLoader, module
from caikit.runtime.engine.status import Status
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

NOTE_ID = str(uuid.uuid4())

LOADS: list[str] = []
"""Names of the models that were loaded, in order."""
GATES: dict[str, threading.Event] = {}
"""A model with the key `gate` loads when its event is set."""


@module(NOTE_ID, "Note", "1.2.3")
class Note(ModuleBase):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    @classmethod
    def load(cls, model_path: Any, **kwargs: Any) -> Note:
        config = ModuleLoader(model_path).config
        LOADS.append(config.label)
        if config.gate:
            GATES.setdefault(config.gate, threading.Event()).wait(10)
        match config.fail:
            case "value":
                raise ValueError("bad weights")
            case "runtime":
                raise RuntimeError("out of luck")
            case "own status":
                raise CaikitRuntimeException(Status.PERMISSION_DENIED, "no licence")
            case "place":
                raise RuntimeError(f"nothing good in {model_path}/config.yml")
            case "exit":
                raise SystemExit(3)
        return cls(config.text or "")

    @property
    def public_model_info(self) -> dict[str, Any]:
        return {"text": self.text}


def write_model(directory: Path, name: str, **config: Any) -> Path:
    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_dump({"module_id": NOTE_ID, "label": str(path), **config})
    (path / "config.yml").write_text(content)
    return path


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def loads_of(path: Path) -> int:
    return LOADS.count(str(path))


def eventually(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
    return value
