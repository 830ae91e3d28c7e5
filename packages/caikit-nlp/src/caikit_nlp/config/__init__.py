"""Defaults of the package's settings, laid over those of caikit when the package is imported."""

from __future__ import annotations

from pathlib import Path

import caikit

__all__ = ["CONFIG_PATH", "configure"]

CONFIG_PATH = Path(__file__).with_name("config.yml")


def configure() -> None:
    """Make the package's settings known, `runtime.library` among them."""
    caikit.configure(str(CONFIG_PATH))
