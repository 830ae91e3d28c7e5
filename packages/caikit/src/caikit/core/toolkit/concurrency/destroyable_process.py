"""Processes that can be stopped."""

from __future__ import annotations

from ._process import FORK_CTX, FORKSERVER_CTX, OOM_EXIT_CODES, SPAWN_CTX, DestroyableProcess

__all__ = ["FORKSERVER_CTX", "FORK_CTX", "OOM_EXIT_CODES", "SPAWN_CTX", "DestroyableProcess"]
