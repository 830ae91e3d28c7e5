"""Data types of torch by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import alog

from caikit import get_config
from caikit.core.exceptions import error_handler

if TYPE_CHECKING:
    import torch

__all__ = ["get_torch_dtype", "str_to_torch_dtype"]

log = alog.use_channel("DATA_UTIL")
error = error_handler.get(log)


def str_to_torch_dtype(dtype_str: str) -> torch.dtype:
    """The data type of this name, such as `bfloat16`."""
    import torch

    dtype = getattr(torch, dtype_str, None)
    if not isinstance(dtype, torch.dtype):
        error("<NLP84234238E>", ValueError(f"Unrecognized data type: {dtype_str}"))
    return dtype


def get_torch_dtype(dtype: torch.dtype | str | None) -> torch.dtype:
    """A data type given as such or by name; for None or an empty name the configured one."""
    import torch

    error.type_check("<NLP84274822E>", torch.dtype, str, allow_none=True, dtype=dtype)
    if isinstance(dtype, torch.dtype):
        return dtype
    return str_to_torch_dtype(dtype or str(get_config().torch_dtype))
