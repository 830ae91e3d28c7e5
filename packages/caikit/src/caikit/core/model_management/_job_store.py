"""The records of jobs in a directory, shared by the processes that work there."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import alog

from ..data_model.job import JobStatus
from ._job_database import JobDatabase
from ._job_entry import JobWatch
from ._job_errors import errors_from_text, errors_to_text
from ._job_record import BEFORE, LOG_FOLDER, JobKey, JobRecord, progress_of, with_progress
from ._job_recovery import recover
from ._owners import Owner, alone, locks_exist
from ._progress_board import progress_from_text, progress_to_text
from .job_base import JobInfo, JobStoreError
from .job_progress import Progress

log = alog.use_channel("JOBSTORE")

_UNFINISHED = "status IN ('QUEUED', 'RUNNING')"
_THIS = "kind = ? AND component = ? AND id = ?"
_ADD = f"""
INSERT INTO jobs (kind, component, id, owner, worker, status, submitted, save_path, draft_folder, log_path, labels)
VALUES (?, ?, ?, ?, ?, 'QUEUED', ?, ?, ?, ?, ?)
ON CONFLICT (kind, component, id) DO UPDATE SET owner = excluded.owner, worker = excluded.worker, status = excluded.status, submitted = excluded.submitted,
    save_path = excluded.save_path, draft_folder = excluded.draft_folder, log_path = excluded.log_path,
    labels = excluded.labels, completed = NULL, errors = NULL, report = NULL, result_class = NULL, cancel = 0, publishing = 0
WHERE NOT {_UNFINISHED}
"""  # noqa: S608 - made of constants


class JobStore:
    """Holds what must be known about a job when the process that ran it is gone."""

    def __init__(self, directory: str, owner: str | None = None) -> None:
        """`owner` is the name under which this process is known there already."""
        if not locks_exist():
            raise JobStoreError("Jobs with a work_dir need the file locks of POSIX, which this system lacks")
        self.directory = directory
        self.watch = JobWatch()
        try:
            for folder in ("", LOG_FOLDER):
                os.makedirs(os.path.join(directory, folder), mode=0o700, exist_ok=True)
            with alone(directory):
                self._database = JobDatabase(directory)
                self._owner = Owner(directory, owner)
                self._owner.bury_others()
        except OSError as problem:
            raise JobStoreError(f"The work_dir {directory} of jobs cannot be used: {problem}") from problem

    @property
    def owner(self) -> str:
        """The name of this process."""
        return self._owner.name

    @property
    def is_there(self) -> bool:
        """False when somebody has removed or replaced the file."""
        return self._database.is_there

    def add(self, record: JobRecord) -> bool:
        """Store a new job in state QUEUED; false if one with its key has not ended yet."""
        values = (
            *_columns(record.key),
            self._owner.name,
            record.worker,
            record.submission_time.timestamp(),
            record.save_path,
            record.draft_folder,
            record.log_path,
            json.dumps(dict(record.labels)),
        )
        return self._database.change(_ADD, values) == 1

    def advance(self, key: JobKey, info: JobInfo, result_class: str | None = None) -> bool:
        """Bring a job of this process into another state; false if its state does not allow that."""
        before = ", ".join(f"'{status.name}'" for status in BEFORE[info.status])
        return self._change(
            "status = ?, completed = ?, errors = ?, result_class = ?, report = coalesce(?, report)"
            f" WHERE {_THIS} AND owner = ? AND status IN ({before})",
            info.status.name,
            None if info.completion_time is None else info.completion_time.timestamp(),
            errors_to_text(info.errors),
            result_class,
            _report(progress_of(info)),
            *_columns(key),
            self._owner.name,
        )

    def mark_publishing(self, key: JobKey) -> bool:
        """The result is complete; false if the job is not this process's any more."""
        where = f"{_THIS} AND {_UNFINISHED} AND ? IN (owner, worker)"
        return self._change(f"publishing = 1 WHERE {where}", *_columns(key), self._owner.name)

    def set_progress(self, key: JobKey, progress: Progress) -> bool:
        return self._change(f"report = ? WHERE {_THIS} AND {_UNFINISHED}", _report(progress), *_columns(key))

    def set_label(self, key: JobKey, name: str, value: str) -> bool:
        record = self.get(key)
        labels = {**(record.labels if record is not None else {}), name: value}
        return self._change(f"labels = ? WHERE {_THIS}", json.dumps(labels), *_columns(key))

    def ask_to_cancel(self, key: JobKey) -> bool:
        """Tell the process that runs a job to cancel it."""
        return self._change(f"cancel = 1 WHERE {_THIS} AND {_UNFINISHED}", *_columns(key))

    def to_cancel(self) -> list[JobKey]:
        """The jobs of this process that another one wants to be cancelled."""
        where = f"cancel = 1 AND owner = ? AND {_UNFINISHED}"
        return [record.key for record in self._select(where, self._owner.name)]

    def get(self, key: JobKey) -> JobRecord | None:
        return next(iter(self._select(_THIS, *_columns(key))), None)

    def newest(self, kind: str, component: str) -> list[JobRecord]:
        """The jobs of a component, the newest first."""
        return self._select("kind = ? AND component = ? ORDER BY submitted DESC", kind, component)

    def finished_before(self, kind: str, component: str, limit: datetime) -> list[JobRecord]:
        where = f"kind = ? AND component = ? AND completed <= ? AND NOT {_UNFINISHED}"
        return self._select(where, kind, component, limit.timestamp())

    def remove(self, record: JobRecord) -> bool:
        """Forget a job; false if another process was faster or the id stands for another job now."""
        statement = f"DELETE FROM jobs WHERE {_THIS} AND submitted = ?"  # noqa: S608 - made of constants
        values = (*_columns(record.key), record.submission_time.timestamp())
        return self._database.change(statement, values) == 1

    def unfinished_of_others(self) -> list[JobRecord]:
        return self._select(f"{_UNFINISHED} AND owner <> ?", self._owner.name)

    def is_orphan(self, record: JobRecord) -> bool:
        """Whether the processes that ran the job are gone."""
        if record.info.status.is_terminal or self.is_alive(record.owner):
            return False
        return record.worker is None or not self.is_alive(record.worker)

    def is_alive(self, process: str) -> bool:
        return self._owner.is_alive(process)

    def adopt(self, record: JobRecord) -> bool:
        """Take over the job of a process that is gone; false if another process was faster."""
        return self._change(
            f"owner = ? WHERE {_THIS} AND owner = ? AND {_UNFINISHED}",
            self._owner.name,
            *_columns(record.key),
            record.owner,
        )

    def _change(self, assignments: str, *values: Any) -> bool:
        return self._database.change(f"UPDATE jobs SET {assignments}", values) == 1  # noqa: S608 - made of constants

    def _select(self, where: str, *values: Any) -> list[JobRecord]:
        rows = self._database.rows(f"SELECT * FROM jobs WHERE {where}", values)  # noqa: S608 - made of constants
        return [_record(row) for row in rows]


# Closed by the end of the process: until then its jobs may be running, and nobody else may take them for dead.
_stores: dict[tuple[str, int], JobStore] = {}
_stores_lock = threading.Lock()


def open_store(directory: str) -> JobStore:
    """The store of a directory: a process has one, or the locks would not work."""
    key = (os.path.realpath(directory), os.getpid())
    with _stores_lock:
        store = _stores.get(key)
        if store is None or not store.is_there:
            store = JobStore(key[0])
            recover(store)
            _stores[key] = store
        return store


def open_as_worker(directory: str, name: str) -> JobStore:
    """The store for a process that does the work of a job which is not its own."""
    store = JobStore(os.path.realpath(directory), name)
    with _stores_lock:
        _stores[store.directory, os.getpid()] = store
    return store


def _report(progress: Progress) -> str | None:
    return None if progress == Progress() else progress_to_text(progress)


def _columns(key: JobKey) -> tuple[str, str, str]:
    return key.kind, key.component, key.id


def _record(row: sqlite3.Row) -> JobRecord:
    completed = row["completed"]
    info = JobInfo(
        JobStatus[row["status"]],
        errors_from_text(row["errors"]),
        datetime.fromtimestamp(row["submitted"]),
        None if completed is None else datetime.fromtimestamp(completed),
    )
    report = row["report"]
    if report is not None:
        info = with_progress(info, progress_from_text(report))
    labels: Mapping[str, str] = json.loads(row["labels"])
    return JobRecord(
        key=JobKey(row["kind"], row["component"], row["id"]),
        owner=row["owner"],
        worker=row["worker"],
        info=info,
        save_path=row["save_path"],
        draft_folder=row["draft_folder"],
        publishing=bool(row["publishing"]),
        cancel=bool(row["cancel"]),
        log_path=row["log_path"],
        result_class=row["result_class"],
        labels=labels,
    )
