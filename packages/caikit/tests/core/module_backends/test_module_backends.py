"""Module backends and their registration."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from caikit.core import BackendBase, LocalBackend, backend_types
from caikit.core.module_backends.backend_types import register_backend_type
from caikit.core.registries import module_backend_classes, module_backend_types


def make_backend(name: Any) -> type[BackendBase]:
    class Backend(BackendBase):
        backend_type = name

        def register_config(self, config: dict[str, Any]) -> None: ...
        def start(self) -> None: ...
        def stop(self) -> None: ...

    return Backend


def test_the_local_backend_starts_and_stops() -> None:
    backend = LocalBackend()
    assert backend.config == {}
    assert not backend.is_started
    with backend.start_lock():
        backend.start()
    assert backend.is_started
    backend.stop()
    assert not backend.is_started
    with pytest.raises(AssertionError, match="LOCAL backend does not support this operation"):
        backend.register_config({"a": 1})
    assert backend_types.LOCAL == "LOCAL"


def test_a_registered_type_is_an_attribute() -> None:
    name = f"B{uuid.uuid4().hex.upper()}"
    backend = make_backend(name)
    register_backend_type(backend)
    register_backend_type(make_backend(name))
    assert getattr(backend_types, name) == name
    assert getattr(module_backend_types(), name) == name
    assert module_backend_classes()[name] is backend


def test_registration_is_announced_as_beta(caplog: pytest.LogCaptureFixture) -> None:
    register_backend_type(LocalBackend)
    assert "is still in the BETA phase and subject to change!" in caplog.text
    assert "function register_backend_type" in caplog.text


def test_bad_types_are_refused() -> None:
    with pytest.raises(ValueError, match="type_name must be fully UPPERCASE: low"):
        register_backend_type(make_backend("low"))
    with pytest.raises(TypeError):
        register_backend_type(make_backend(12))
    with pytest.raises(TypeError):
        register_backend_type("LOCAL")
    with pytest.raises(TypeError):
        register_backend_type(type("Plain", (), {"backend_type": "PLAIN"}))
    with pytest.raises(ValueError, match="backend type NOPE not registered"):
        _ = backend_types.NOPE
    assert not hasattr(backend_types, "what_every_module_is_asked_for")


def test_a_backend_must_define_what_it_does() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BackendBase()  # type: ignore[abstract]  # the mistake


def test_contexts_of_requests_are_ignored_by_default() -> None:
    backend = make_backend("CONTEXTS")({"a": 1})  # type: ignore[arg-type]  # any mapping will do
    assert backend.config == {"a": 1}
    backend.handle_runtime_context("model", object())  # type: ignore[arg-type]  # whatever the server has
    assert not backend.is_started
    with pytest.raises(TypeError):
        LocalBackend("config")  # type: ignore[arg-type]  # the mistake
