"""One job of this process, in a thread or a child process."""

from __future__ import annotations

import abc
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from ..data_model.job import JobStatus
from ..toolkit.concurrency.destroyable_process import DestroyableProcess
from ..toolkit.concurrency.destroyable_thread import DestroyableThread
from ._job_queue import JobQueue
from ._travelling import packed, run_in_fresh_process
from .job_base import JobFutureBase, JobInfo


class _Progress:
    """What changes while a job lives; it stays in this process."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.info = JobInfo(JobStatus.QUEUED, submission_time=datetime.now())
        self.worker: Any = None
        self.queue: JobQueue | None = None
        self.lock = threading.Lock()
        self.over = threading.Event()


class LocalJobFuture(JobFutureBase):
    """One job: it waits in a queue, then its `run` works in a thread or process of its own."""

    def __init__(
        self,
        future_name: str,
        future_id: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        use_subprocess: bool = False,
        subprocess_start_method: str = "fork",
        **base_kwargs: Any,
    ) -> None:
        super().__init__(future_name=future_name, future_id=future_id, **base_kwargs)
        self._use_subprocess = use_subprocess
        self._subprocess_start_method = subprocess_start_method
        self._progress = _Progress(args, kwargs or {})

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_progress"}

    @abc.abstractmethod
    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work and save what came of it; called in the worker."""

    @abc.abstractmethod
    def _save_result(self, result: Any) -> None:
        """Write the result to disk; called in the worker."""

    @abc.abstractmethod
    def _delete_result(self) -> None:
        """Remove from disk what `_save_result` wrote."""

    @abc.abstractmethod
    def _keep_result(self, result: Any) -> None:
        """Remember what `run` returned; called in this process when a thread has done the work."""

    def get_info(self) -> JobInfo:
        return JobInfo(**vars(self._progress.info))

    def wait(self) -> None:
        self._progress.over.wait()

    def cancel(self) -> None:
        progress = self._progress
        with progress.lock:
            if progress.info.status.is_terminal:
                return
            if progress.worker is None:
                self._set_status(JobStatus.CANCELED)
                self._release()
            elif self._stop_worker():
                self._set_status(JobStatus.CANCELED)
        if progress.queue is not None:
            progress.queue.discard(self._execute)

    def start_in(self, queue: JobQueue) -> None:
        """Start, or line up for execution."""
        progress = self._progress
        progress.queue = queue
        if queue.submit(self._execute):
            with progress.lock:
                if progress.info.status is JobStatus.QUEUED:
                    self._set_status(JobStatus.RUNNING)

    @property
    def is_over(self) -> bool:
        """Whether the work has really ended, which may be later than its cancellation."""
        return self._progress.over.is_set()

    def wait_until(self, deadline: float) -> bool:
        """Wait for the real end of the work, at most until this moment of `time.monotonic`; whether it came."""
        return self._progress.over.wait(max(0.0, deadline - time.monotonic()))

    def kill(self) -> None:
        """End the process of the work at once; threads cannot be killed."""
        worker = self._progress.worker
        if self._use_subprocess and worker is not None:
            worker.kill()

    def _execute(self) -> Callable[[], None]:
        result, problem = None, None
        try:
            worker = self._make_worker()
            if self._begin(worker):
                if self._use_subprocess:
                    worker.join()
                else:
                    worker.run()
                result, problem = _outcome_of(worker)
        except Exception as failure:  # whatever keeps the work from starting is the job's own error
            problem = failure
        return partial(self._conclude, result, problem)

    def _begin(self, worker: Any) -> bool:
        progress = self._progress
        with progress.lock:
            if progress.info.status.is_terminal:
                return False
            if self._use_subprocess:
                worker.start()
            progress.worker = worker
            self._set_status(JobStatus.RUNNING)
            return True

    def _conclude(self, result: Any, problem: Exception | None) -> None:
        with self._progress.lock:
            if not self._progress.info.status.is_terminal:
                if problem is None:
                    self._keep_result(result)
                    self._set_status(JobStatus.COMPLETED)
                else:
                    _forget_variables(problem)
                    self._set_status(JobStatus.ERRORED, [problem])
            self._release()

    def _set_status(self, status: JobStatus, errors: list[Exception] | None = None) -> None:
        finished = datetime.now() if status.is_terminal else None
        self._progress.info = JobInfo(status, errors, self._progress.info.submission_time, finished)

    def _release(self) -> None:
        """Let go of the data of the job and of whoever waits for it."""
        progress = self._progress
        progress.worker = None
        progress.args, progress.kwargs = (), {}
        progress.over.set()

    def _make_worker(self) -> Any:
        args, kwargs = self._progress.args, self._progress.kwargs
        if not self._use_subprocess:
            return DestroyableThread(self._run_in_thread)
        method = self._subprocess_start_method
        if method == "fork":
            return DestroyableProcess(
                method, self.run, args=args, kwargs=kwargs, description="Training process"
            )
        travelling = {name: packed(value) for name, value in kwargs.items()}
        return DestroyableProcess(
            method,
            run_in_fresh_process,
            args=(self, tuple(map(packed, args)), travelling),
            description="Training process",
        )

    def _run_in_thread(self) -> Any:
        # The thread itself must not hold the arguments: tracebacks keep it alive.
        return self.run(*self._progress.args, **self._progress.kwargs)

    def _stop_worker(self) -> bool:
        """Whether the work was still going on; it ends some time later."""
        worker = self._progress.worker
        if not self._use_subprocess:
            worker.destroy()
            return bool(worker.canceled)
        if worker.completion_event.is_set():
            return False
        # Until a process that ignores the signal is killed, some seconds pass.
        threading.Thread(target=worker.destroy, name=f"stop {self.id}").start()
        return True


def _forget_variables(problem: BaseException) -> None:
    """Frames in tracebacks hold the data of the work, which may be large."""
    chain, seen = [problem], {id(problem)}
    for link in chain:
        traceback.clear_frames(link.__traceback__)
        for linked in (link.__cause__, link.__context__):
            if linked is not None and id(linked) not in seen:
                seen.add(id(linked))
                chain.append(linked)


def _outcome_of(worker: Any) -> tuple[Any, Exception | None]:
    try:
        return worker.get_or_throw(), None
    except Exception as raised:
        return None, raised
    except BaseException as raised:
        return None, RuntimeError(f"The work was ended by {raised!r}")
