"""The way of a job into a process of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..modules.base import ModuleBase
from ..toolkit import logging
from ._job_heir import Heir, Inheritance
from ._job_log import process_logs_to
from ._progress_board import ProgressBoard
from .job_progress import progress_goes_to

if TYPE_CHECKING:
    from ._local_job_future import LocalJobFuture


@dataclass(frozen=True)
class Surroundings:
    """What connects the work with the process that waits for it."""

    log_path: str | None
    board: ProgressBoard
    inheritance: Inheritance | None = None
    """None: the work ends with the process that waits for it."""

    def heir(self) -> AbstractContextManager[None]:
        if self.inheritance is None:
            return nullcontext()
        return Heir(self.inheritance, self.log_path, self.board)


@dataclass(frozen=True)
class _SavedModel:
    content: bytes


def packed(value: Any) -> Any:
    """A model as its saved bytes, anything else as it is."""
    return _SavedModel(value.as_bytes()) if isinstance(value, ModuleBase) else value


def run_in_process(
    job: LocalJobFuture, surroundings: Surroundings, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """The work of a child process; True tells its end from an exit in the middle."""
    process_logs_to(surroundings.log_path)
    with progress_goes_to(surroundings.board.write), surroundings.heir():
        job.run(*args, **kwargs)
    return True


def run_in_fresh_process(
    job: LocalJobFuture, surroundings: Surroundings, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """The same in a process that inherited nothing from its parent."""
    logging.configure()
    unpacked = {name: _unpacked(value) for name, value in kwargs.items()}
    return run_in_process(job, surroundings, tuple(map(_unpacked, args)), unpacked)


def _unpacked(value: Any) -> Any:
    from caikit.core import load

    return load(value.content) if isinstance(value, _SavedModel) else value
