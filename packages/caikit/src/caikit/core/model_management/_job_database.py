"""The file with the records of jobs: opened, checked, set aside when it is unreadable."""

from __future__ import annotations

import atexit
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import alog

from .job_base import JobStoreError

log = alog.use_channel("JOBSTORE")

FILE_NAME = "jobs.sqlite3"

_VERSION = 2
# How long to wait for other processes.
_BUSY_SECONDS = 10
_CORRUPT = ("malformed", "not a database", "corrupt")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    kind TEXT NOT NULL, component TEXT NOT NULL, id TEXT NOT NULL,
    owner TEXT NOT NULL, worker TEXT, status TEXT NOT NULL, submitted REAL NOT NULL, completed REAL, errors TEXT, report TEXT,
    save_path TEXT, draft_folder TEXT, publishing INTEGER NOT NULL DEFAULT 0, log_path TEXT, result_class TEXT,
    labels TEXT NOT NULL DEFAULT '{}', cancel INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, component, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, completed);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (kind, component, submitted);
"""
_FROM_VERSION_1 = """
BEGIN IMMEDIATE;
ALTER TABLE jobs ADD COLUMN worker TEXT;
ALTER TABLE jobs ADD COLUMN report TEXT;
UPDATE jobs SET report = '[' || progress || ', "", {}]' WHERE progress IS NOT NULL;
PRAGMA user_version = 2;
COMMIT;
"""


class JobDatabase:
    """One connection, used by all threads in turn."""

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, FILE_NAME)
        self._lock = threading.RLock()
        self._connection = self._open()
        self._process = os.getpid()
        self._identity = _identity(self.path)
        atexit.register(_close, self._connection, self._process)

    @property
    def is_there(self) -> bool:
        return _identity(self.path) == self._identity

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._working() as connection:
            rows: list[sqlite3.Row] = connection.execute(statement, values).fetchall()
            return rows

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """How many rows have changed; they are on the disk when this returns."""
        with self._working() as connection:
            return connection.execute(statement, values).rowcount

    @contextlib.contextmanager
    def _working(self) -> Iterator[sqlite3.Connection]:
        if os.getpid() != self._process:
            # SQLite does not survive a fork.
            raise JobStoreError(f"The records of jobs in {self.path} belong to the process that opened them")
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as problem:
                raise JobStoreError(
                    f"The records of jobs in {self.path} cannot be used: {problem}"
                ) from problem

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.DatabaseError as problem:
            if not any(word in str(problem) for word in _CORRUPT):
                raise JobStoreError(
                    f"The records of jobs in {self.path} cannot be opened: {problem}"
                ) from problem
            self._set_aside(problem)
        return _connect(self.path)

    def _set_aside(self, problem: Exception) -> None:
        aside = f"{self.path}.unreadable-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        for companion in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(self.path + companion).replace(aside + companion)
        log.error(
            "<COR46127302E>",
            "The records of jobs are unreadable (%s). They are kept as %s; earlier jobs are unknown from now on, "
            "what they have saved is untouched",
            problem,
            aside,
        )


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, 1, _VERSION):
            raise JobStoreError(
                f"{path} was written by another release: expected version {_VERSION}, got {found}"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        state = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if state != "ok":
            raise sqlite3.DatabaseError(f"database is malformed: {state}")
        if found == 1:
            connection.executescript(_FROM_VERSION_1)
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _close(connection: sqlite3.Connection, process: int) -> None:
    if os.getpid() == process:
        connection.close()
