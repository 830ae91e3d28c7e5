"""Where a model computes."""

from __future__ import annotations

from typing import Any

__all__ = ["DETECT_DEVICE", "place_model"]

DETECT_DEVICE = "__DETECT__"


def place_model(model: Any, device: str | int | None = DETECT_DEVICE) -> str:
    """Move a model to a device, by default to a GPU where there is one; returns the device."""
    import torch

    if device is None or device == DETECT_DEVICE:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = torch.device(device)
    model.to(place)
    return str(place)
