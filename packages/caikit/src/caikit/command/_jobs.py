"""`caikit jobs`: look at trainings and prediction jobs, wait for them, cancel them."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from ._errors import CommandError
from ._output import Output, tell
from ._parser import add_command, add_server_options, positive_seconds
from ._progress import ProgressLine

if TYPE_CHECKING:
    from ._parser import Subparsers
    from ._server import Server

_STATES = {"COMPLETED": "green", "ERRORED": "red", "CANCELED": "yellow"}
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "jobs",
        run,
        summary="look at trainings and prediction jobs, wait for them, cancel them",
        examples=[
            ("caikit jobs status 3f0c...", "the state of a training"),
            (
                "caikit jobs wait 3f0c... --patience 600",
                "wait ten minutes at most; exit code 0 if it has succeeded",
            ),
            ("caikit jobs cancel 3f0c...", "cancel it"),
            ("caikit jobs result wTHxlsu:5654... --task spam", "the answer of a prediction job"),
        ],
    )
    add = parser.add_argument
    add(
        "action",
        choices=["status", "wait", "cancel", "result"],
        metavar="ACTION",
        help="status, wait, cancel, result",
    )
    add("job", metavar="ID", help="id of the training or of the prediction job")
    add("-t", "--task", metavar="TASK", help="the job is a prediction job of this task")
    add(
        "--patience",
        metavar="SECONDS",
        type=positive_seconds,
        help="how long to wait for its end (default: for ever)",
    )
    add_server_options(parser)


def run(options: argparse.Namespace) -> None:
    from ._server import open_server

    server = open_server(options)
    job = PredictionJob(server, options.job, options.task) if options.task else Training(server, options.job)
    output = Output(options)
    match options.action:
        case "wait":
            show_end(output, wait_for(job, options.patience))
        case "result":
            if not isinstance(job, PredictionJob):
                raise CommandError("Only prediction jobs have a result, and need their --task")
            output.document(job.result())
        case "cancel":
            show_status(output, job.cancel())
        case _:
            show_status(output, job.status())


class Training:
    """A training on a server."""

    def __init__(self, server: Server, job_id: str) -> None:
        self._server = server
        self._request = {"training_id": job_id}
        self.id = job_id

    def status(self) -> dict[str, Any]:
        return self._server.ask("GetTrainingStatus", self._request)

    def cancel(self) -> dict[str, Any]:
        return self._server.ask("CancelTraining", self._request)


class PredictionJob:
    """A prediction job on a server."""

    def __init__(self, server: Server, job_id: str, task: str) -> None:
        from ._rpc import JOB, find_rpc

        self._server = server
        self.id = job_id
        self._rpcs = server.rpcs()
        name = find_rpc(self._rpcs, task, server=server.name).task
        self._calls = {
            rpc.name.removeprefix(name): rpc for rpc in self._rpcs if rpc.kind == JOB and rpc.task == name
        }

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._ask("GetPredictionJobStatus")
        return status

    def cancel(self) -> dict[str, Any]:
        status: dict[str, Any] = self._ask("CancelPredictionJob")
        return status

    def result(self) -> Any:
        return self._ask("GetPredictionJobResult")

    def _ask(self, name: str) -> Any:
        if name not in self._calls:
            raise CommandError(f"{self._server.name} offers no prediction jobs for this task")
        return next(self._server.call(self._calls[name], [{"prediction_id": self.id}], None))


def wait_for(job: Training | PredictionJob, patience: float | None) -> dict[str, Any]:
    """The status at the end of the job."""
    end = None if patience is None else time.monotonic() + patience
    pause = _FIRST_PAUSE
    try:
        with ProgressLine() as progress:
            while True:
                status = job.status()
                if status.get("state") in _STATES:
                    return status
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise CommandError(f"{job.id} is still {status.get('state')} after {patience:g} s")
                _sleep(progress, str(status.get("state")), pause if left is None else min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
    except KeyboardInterrupt:
        tell(
            f"{job.id} goes on: `caikit jobs status {job.id}` shows it, `caikit jobs cancel {job.id}` ends it"
        )
        raise


def _sleep(progress: ProgressLine, text: str, seconds: float) -> None:
    """With a line that moves meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        progress.show(text)
        time.sleep(min(left, 0.2))


def show_status(output: Output, status: dict[str, Any]) -> None:
    if output.is_json:
        output.document(status)
        return
    output.details({name: _shown(value) for name, value in status.items() if value not in (None, [], "")})


def show_end(output: Output, status: dict[str, Any]) -> None:
    """Show how a job has ended; `CommandError` unless it has succeeded."""
    show_status(output, status)
    if status.get("state") != "COMPLETED":
        reasons = "; ".join(map(str, status.get("reasons") or ()))
        raise CommandError(f"The job is {status.get('state')}{f': {reasons}' if reasons else ''}")


def _shown(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
