"""torch and transformers, imported when the first model is made."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec
from typing import Any

from .._settings import configured_device, configured_threads

_MISSING = "Vision models need torch and transformers: install caikit-computer-vision[transformers]"


@cache
def import_torch() -> Any:
    """The module; its threads are set as configured."""
    try:
        import torch
    except ModuleNotFoundError as missing:
        raise ImportError(_MISSING, name=missing.name) from missing
    threads = configured_threads()
    if threads:
        torch.set_num_threads(threads)
    return torch


@cache
def import_transformers() -> Any:
    """The module; ImportError of a sentence for what keeps it from working."""
    torch = import_torch()
    if find_spec("transformers") is None:
        raise ImportError(_MISSING, name="transformers")
    _check_torchvision(str(torch.__version__))
    transformers = importlib.import_module("transformers")
    # Bars would stand between the lines of a server's log.
    transformers.utils.logging.disable_progress_bar()
    return transformers


def pick_device(given: str | None) -> Any:
    """What is given, or configured, or the GPU if there is one; ValueError for what is not there."""
    torch = import_torch()
    name = given or configured_device() or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except Exception as refused:
        reason = str(refused).partition("\n")[0]
        raise ValueError(f"expected a device of this machine, got {name!r}: {reason}") from refused
    return device


def _check_torchvision(torch_version: str) -> None:
    """transformers looks only whether it is installed, and would fail later for reasons that say nothing."""
    if find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except Exception as broken:
        raise ImportError(
            f"The installed torchvision does not work with torch {torch_version}: "
            "uninstall it, nothing here needs it, or install the version that belongs to this torch",
            name="torchvision",
        ) from broken
