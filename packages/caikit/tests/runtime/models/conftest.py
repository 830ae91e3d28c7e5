"""Stores over real directories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from noted_models import GATES

from caikit.runtime.models import ModelStore, StoreSettings
from caikit.runtime.models.loading import CoreModelLoader
from caikit.runtime.models.sizing import DirectoryModelSizer


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


@pytest.fixture
def make_store(models_dir: Path) -> Iterator[Callable[..., ModelStore]]:
    """Starts a store; keywords are its settings."""
    stores: list[ModelStore] = []

    def make(**settings: Any) -> ModelStore:
        values = {
            "local_models_dir": str(models_dir),
            "write_detection_period": 0.0,
            "retries": 0,
            **settings,
        }
        store = ModelStore(
            StoreSettings(**values),
            loader=CoreModelLoader({}, "test"),
            sizer=DirectoryModelSizer({}, "test"),
        )
        stores.append(store)
        store.start()
        return store

    yield make
    for gate in GATES.values():
        gate.set()
    closed = [store.close(5) for store in stores]
    assert all(closed)
