"""Fixtures shared by all tests of the package."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def temp_config() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that merges settings into the configuration; they are gone after the test."""
    import caikit
    from caikit.config import config as config_module

    with contextlib.ExitStack() as stack:
        stack.enter_context(config_module.preserved())

        def apply(settings: dict[str, Any]) -> None:
            caikit.configure(config_dict=settings)

        yield apply
