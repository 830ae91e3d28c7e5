"""The loop that all models are trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def fit(model: torch.nn.Module, *, steps: int, rate: float, loss: Callable[[], Any]) -> None:
    """`loss` draws a batch and says how bad the model is."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
