"""Models among the arguments of a job travel to its process as saved bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..modules.base import ModuleBase
from ..toolkit import logging

if TYPE_CHECKING:
    from ._local_job_future import LocalJobFuture


@dataclass(frozen=True)
class _SavedModel:
    content: bytes


def packed(value: Any) -> Any:
    """A model as its bytes, anything else as it is."""
    return _SavedModel(value.as_bytes()) if isinstance(value, ModuleBase) else value


def run_in_fresh_process(job: LocalJobFuture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The work of a process that inherited nothing from its parent."""
    logging.configure()
    job.run(*map(_unpacked, args), **{name: _unpacked(value) for name, value in kwargs.items()})


def _unpacked(value: Any) -> Any:
    from caikit.core import load

    return load(value.content) if isinstance(value, _SavedModel) else value
