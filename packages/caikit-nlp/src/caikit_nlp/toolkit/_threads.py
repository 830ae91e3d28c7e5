"""How many threads a call of a model computes with."""

from __future__ import annotations

import os
import sys

from caikit import get_config

__all__ = ["calls_side_by_side", "intra_op_threads", "limit_torch_threads"]


def intra_op_threads() -> int:
    """The configured number of threads; 0 leaves it to the library."""
    threads = get_config().intra_op_threads
    return threads if isinstance(threads, int) and threads > 0 else 0


def limit_torch_threads() -> None:
    """Apply the number to torch, which has one for the whole process."""
    import torch

    threads = intra_op_threads()
    if threads and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def calls_side_by_side() -> int:
    """How many calls of a model the processors take at a time; 1 where a call uses all of them."""
    threads = intra_op_threads()
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, processors // threads) if threads else 1
