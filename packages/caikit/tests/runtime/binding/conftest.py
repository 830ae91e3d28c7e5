"""Operations bound to a store with one model per module."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bound_lib
import pytest
import yaml

from caikit.core.data_model._codec import decode_given
from caikit.runtime.engine.context import RequestContext
from caikit.runtime.engine.operation import Operation
from caikit.runtime.models import ModelStore
from caikit.runtime.services.bind import bind_operations

MODULES = {
    "greeter": bound_lib.BoundGreeter,
    "polite": bound_lib.BoundPolite,
    "lists": bound_lib.BoundLists,
    "zipper": bound_lib.BoundZip,
    "notask": bound_lib.BoundNoTask,
    "contrary": bound_lib.BoundContrary,
    "own": bound_lib.BoundOwnNames,
}


class Service(SimpleNamespace):
    """The operations by name, called as a head for protobuf calls them."""

    operations: dict[str, Operation]
    store: ModelStore

    def request(self, name: str, **fields: Any) -> Any:
        return self.operations[name].request(**fields)

    def context(self, model_id: str | None = None, native: Any = None) -> RequestContext:
        context = RequestContext(headers={}, model_id=model_id, native=lambda: native)
        context.omits_empty_lists = True
        return context

    def given(self, name: str, /, **fields: Any) -> dict[str, Any]:
        operation = self.operations[name]
        return decode_given(operation.request, operation.request(**fields).to_binary_buffer())

    def call(self, name: str, model: str | None = None, /, **fields: Any) -> Any:
        return self.operations[name].work(self.context(model), self.given(name, **fields))

    def stream(self, name: str, model_id: str, messages: Iterable[dict[str, Any]]) -> Any:
        return self.operations[name].work(
            self.context(model_id), (self.given(name, **fields) for fields in messages)
        )


def write_models(directory: Path) -> None:
    for name, module in MODULES.items():
        (directory / name).mkdir(parents=True)
        (directory / name / "config.yml").write_text(yaml.safe_dump({"module_id": module.MODULE_ID}))


@pytest.fixture
def configure(temp_config: Callable[[dict[str, Any]], None], tmp_path: Path) -> Callable[..., None]:
    """Sets the configuration of a runtime for the library; keywords are keys of `runtime`."""

    def apply(**runtime: Any) -> None:
        generation = runtime.pop("service_generation", {})
        temp_config(
            {
                "runtime": {
                    "library": "bound_lib",
                    "local_models_dir": str(tmp_path / "models"),
                    "lazy_load_write_detection_period_seconds": 0,
                    "training": {"output_dir": str(tmp_path / "training_output")},
                    "service_generation": {
                        "package": f"tests.p{uuid.uuid4().hex}",
                        "domain": "Bound",
                        **generation,
                    },
                    **runtime,
                }
            }
        )

    return apply


@pytest.fixture
def make_service(configure: Callable[..., None], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    stores: list[ModelStore] = []

    def make(**runtime: Any) -> Service:
        if not (tmp_path / "models").exists():
            write_models(tmp_path / "models")
        configure(**runtime)
        store = ModelStore.from_config()
        stores.append(store)
        store.start()
        operations = bind_operations(store=store)
        return Service(operations={each.name: each for each in operations}, store=store)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service()
