"""`caikit jobs`: list trainings, look at them and at prediction jobs, wait for them, cancel them."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._errors import CommandError, UsageError
from ._output import Output, note, tell
from ._parser import add_command, add_progress_option, add_server_options, positive_seconds
from ._progress import ProgressLine

if TYPE_CHECKING:
    from ._parser import Subparsers
    from ._server import Server

Part = Callable[[Output, Any], None]
"""Shows a part of a status instead of the whole."""

_STATES = {"COMPLETED": "green", "ERRORED": "red", "CANCELED": "yellow"}
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_LOG_PAUSE = 0.5
_NO_FILE = re.compile(r"Invalid (\.\w+ )?data source file: [^()]+")
_NO_FILE_HINT = (
    " (there is no such file on the machine that trains, relative to its working directory or, if that is set, to "
    "data_streams.file_source_base; NAME=@FILE sends one from here)"
)
_PROGRESS = ("progress", "progress_text", "metrics")


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "jobs",
        run,
        summary="list trainings, look at them and at prediction jobs, wait for them, cancel them",
        examples=[
            ("caikit jobs list", "the trainings of a server, the newest first"),
            (
                "ID=$(caikit train TextMoodModule -m mine training_data=data/train.jsonl -f training_id)",
                "start a training and keep its id",
            ),
            ('caikit jobs status "$ID"', "its state"),
            (
                'caikit jobs wait "$ID" --patience 600',
                "wait ten minutes at most; exit code 0 if it has succeeded",
            ),
            (
                'caikit jobs log "$ID" --lines 20',
                "the end of its log, if the server keeps logs (model_management.trainers: work_dir)",
            ),
            ('caikit jobs cancel "$ID"', "cancel it"),
            (
                "JOB=$(caikit call TextMoodTaskStartPredictionJob -m text_mood text_input.text=hi -f prediction_id)",
                "start a prediction job and keep its id",
            ),
            ('caikit jobs wait "$JOB" --task text_mood', "wait for it"),
            ('caikit jobs result "$JOB" --task text_mood', "its result"),
        ],
    )
    add = parser.add_argument
    add(
        "action",
        choices=["list", "status", "wait", "log", "cancel", "result"],
        metavar="ACTION",
        help="list, status, wait, log, cancel, result",
    )
    add("job", metavar="ID", nargs="?", help="id of the training or of the prediction job")
    add("-t", "--task", metavar="TASK", help="the job is a prediction job of this task")
    add(
        "--patience",
        metavar="SECONDS",
        type=positive_seconds,
        help="how long to wait for its end (default: for ever)",
    )
    add_progress_option(parser)
    add("-m", "--model", metavar="NAME", help="list: the trainings of this model only")
    add("-n", "--lines", metavar="N", type=line_count, help="list, log: so many lines at most")
    add("-f", "--follow", action="store_true", help="log: go on until the training has ended")
    add_server_options(parser)


def run(options: argparse.Namespace) -> None:
    from ._server import open_server

    server = open_server(options)
    output = Output(options)
    if options.action == "list":
        if options.job:
            raise UsageError("list takes no ID: `caikit jobs status ID` shows one job")
        _refuse_task(options)
        show_list(output, server, options)
        return
    if not options.job:
        raise UsageError(f"{options.action} needs the ID of a job")
    if options.action == "log":
        _refuse_task(options)
        show_log(output, server, options)
        return
    job = PredictionJob(server, options.job, options.task) if options.task else Training(server, options.job)
    match options.action:
        case "wait":
            show_end(output, wait_for(job, options.patience, output if options.progress else None))
        case "result":
            if not isinstance(job, PredictionJob):
                raise CommandError("Only prediction jobs have a result, and need their --task")
            output.document(job.result())
        case "cancel":
            show_status(output, job.cancel())
        case _:
            show_status(output, job.status())


def _refuse_task(options: argparse.Namespace) -> None:
    if options.task:
        raise UsageError(f"{options.action} is for trainings only: leave out --task")


class Training:
    """A training on a server."""

    def __init__(self, server: Server, job_id: str) -> None:
        self._server = server
        self._request = {"training_id": job_id}
        self._has_progress = True
        self.id = job_id

    def status(self) -> dict[str, Any]:
        return self._server.ask("GetTrainingStatus", self._request)

    def cancel(self) -> dict[str, Any]:
        return self._server.ask("CancelTraining", self._request)

    def progress(self) -> dict[str, Any]:
        """What the module has told; nothing where the server does not show that."""
        if not self._has_progress:
            return {}
        from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

        try:
            found = self._server.ask("ListTrainings", self._request)["trainings"][0]
            return {name: found[name] for name in _PROGRESS if found.get(name) not in (None, "", {})}
        except (CommandError, CaikitRuntimeException, LookupError):
            self._has_progress = False
            return {}


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

    def progress(self) -> dict[str, Any]:
        return {}

    def result(self) -> Any:
        return self._ask("GetPredictionJobResult")

    def _ask(self, name: str) -> Any:
        if name not in self._calls:
            raise CommandError(f"{self._server.name} offers no prediction jobs for this task")
        return next(self._server.call(self._calls[name], [{"prediction_id": self.id}], None))


def wait_for(
    job: Training | PredictionJob, patience: float | None, lines: Output | None = None
) -> dict[str, Any]:
    """The status at the end of the job; `lines` gets its progress."""
    end = None if patience is None else time.monotonic() + patience
    pause = _FIRST_PAUSE
    told: dict[str, Any] = {}
    try:
        with ProgressLine() as line:
            while True:
                status = job.status()
                if status.get("state") in _STATES:
                    return status
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise CommandError(f"{job.id} is still {status.get('state')} after {patience:g} s")
                before = told
                told = job.progress() if lines is not None or line.is_shown else {}
                if lines is not None and told != before:
                    lines.item({"state": status.get("state"), **told})
                text = " ".join(filter(None, (status.get("state"), told.get("progress_text"))))
                _sleep(line, text, told.get("progress"), pause if left is None else min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
    except KeyboardInterrupt:
        tell(
            f"{job.id} goes on: `caikit jobs status {job.id}` shows it, `caikit jobs cancel {job.id}` ends it"
        )
        raise


def _sleep(line: ProgressLine, text: str, fraction: float | None, seconds: float) -> None:
    """With a line that moves meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        line.show(text, fraction)
        time.sleep(min(left, 0.2))


def show_list(output: Output, server: Server, options: argparse.Namespace) -> None:
    request = {"model_name": options.model, "limit": options.lines}
    given = {name: value for name, value in request.items() if value is not None}
    trainings = server.ask("ListTrainings", given).get("trainings") or []
    if output.is_json:
        for each in trainings:
            output.item(each)
    elif trainings:
        output.table(["ID", "STATE", "PROGRESS", "MODEL", "MODULE", "SUBMITTED"], list(map(_row, trainings)))
    else:
        note("There are no trainings")


def _row(training: dict[str, Any]) -> list[str]:
    progress = training.get("progress")
    shown = "" if progress is None else f"{progress:.0%}"
    parts = (training.get(name) for name in ("model_name", "module", "submission_timestamp"))
    row = [
        training.get("training_id"),
        training.get("state"),
        f"{shown} {training.get('progress_text') or ''}",
    ]
    return [str(each or "").strip() for each in (*row, *parts)]


def show_log(output: Output, server: Server, options: argparse.Namespace) -> None:
    request: dict[str, Any] = {"training_id": options.job}
    if options.lines is not None:
        request["last_lines"] = options.lines
    while True:
        part = server.ask("GetTrainingLog", request)
        text = str(part.get("text") or "")
        output.text(text)
        if not text and not (options.follow and part.get("state") not in _STATES):
            return
        request = {"training_id": options.job, "offset": int(part.get("next_offset") or 0)}
        if not text:
            time.sleep(_LOG_PAUSE)


def line_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a number of lines, got {text!r}")
    return int(text)


def show_status(output: Output, status: dict[str, Any], part: Part | None = None) -> None:
    if part is not None:
        part(output, status)
        return
    if output.is_json:
        output.document(status)
        return
    output.details({name: _shown(value) for name, value in status.items() if value not in (None, [], "")})


def show_end(output: Output, status: dict[str, Any], part: Part | None = None) -> None:
    """Show how a job has ended; `CommandError` unless it has succeeded."""
    show_status(output, status, part)
    if status.get("state") != "COMPLETED":
        reasons = "; ".join(map(str, status.get("reasons") or ()))
        hint = _NO_FILE_HINT if _NO_FILE.fullmatch(reasons) else ""
        raise CommandError(f"The job is {status.get('state')}{f': {reasons}' if reasons else ''}{hint}")


def _shown(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
