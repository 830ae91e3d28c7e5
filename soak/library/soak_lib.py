"""What the attacked server serves: a task of every shape that can be slow, and one that takes every type.

A call notes each text that it begins to work on in the file `SOAK_NOTES`, so that a test knows what the server has admitted.
"""

from __future__ import annotations

import ctypes
import gc
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, FieldNumber, OneofField, dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.common.data_model import File

PACKAGE = "soak"
STEP = 0.005
LONGEST = float(os.environ.get("SOAK_LONGEST_SECONDS", "60"))
MOST_ITEMS = int(os.environ.get("SOAK_MOST_ITEMS", str(10**9)))
NOTES_PATH = os.environ.get("SOAK_NOTES")
NOTES = os.open(NOTES_PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if NOTES_PATH else None


@dataobject(PACKAGE)
class Mood(Enum):
    CALM = 0
    HAPPY = 1


@dataobject(PACKAGE)
class Line(DataObjectBase):
    text: str
    number: int
    version: int


@dataobject(PACKAGE)
class Tidiness(DataObjectBase):
    """What is left after the garbage was collected."""

    objects: int


@dataobject(PACKAGE)
class Everything(DataObjectBase):
    a_int: int
    a_float: float
    a_bool: bool
    a_str: str
    a_bytes: bytes
    opt_int: int | None
    opt_str: str | None
    defaulted: int = 42
    strings: list[str]
    ints: list[int]
    lines: list[Line]
    words: dict[str, str]
    counts: dict[str, int]
    free: JsonDict
    when: datetime
    mood: Mood
    line: Line
    file: File
    choice: int | str
    either: list[str] | list[int]
    named: (
        Annotated[Line, OneofField("a_line"), FieldNumber(51)]
        | Annotated[bool, OneofField("a_flag"), FieldNumber(52)]
    )


@task(
    unary_parameters={"text": str},
    streaming_parameters={"texts": Iterable[str]},
    unary_output_type=Line,
    streaming_output_type=Iterable[Line],
)
class WorkTask(TaskBase):
    """Work of any length in every shape."""


@task(unary_parameters={"everything": Everything}, unary_output_type=Everything)
class MirrorTask(TaskBase):
    """Answers with what it was given."""


@task(unary_parameters={"text": str}, unary_output_type=Tidiness)
class TidyTask(TaskBase):
    """Collects the garbage of the server."""


def pause(seconds: float | None) -> None:
    """In small steps, so that it can be stopped."""
    end = time.monotonic() + min(seconds or 0.0, LONGEST)
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, STEP))


def note(text: str) -> None:
    # One file for all: who opens one may be stopped before it is closed.
    if NOTES is not None:
        os.write(NOTES, text.encode() + b"\n")


@module("50a50000-0000-4000-8000-000000000001", "Worker", "1.0.0", task=WorkTask)
class Worker(ModuleBase):
    """Its files belong together: what was written by halves, or is of two versions, is not loaded."""

    def __init__(self, version: int = 0, ballast: bytes = b"") -> None:
        super().__init__()
        self.version = version
        self.ballast = ballast

    @classmethod
    def load(cls, model_path: Any) -> Worker:
        config = ModuleLoader(model_path).config
        ballast = (Path(model_path) / "ballast").read_bytes() if config.get("checksum") else b""
        if config.get("checksum") and zlib.crc32(ballast) != config.checksum:
            raise RuntimeError("torn model")
        return cls(int(config.get("version") or 0), ballast)

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.update_config({"version": self.version, "checksum": zlib.crc32(self.ballast)})
            (Path(model_path) / "ballast").write_bytes(self.ballast)

    @WorkTask.taskmethod()
    def run(self, text: str, seconds: float = 0.0) -> Line:
        note(text)
        pause(seconds)
        return Line(text, len(text), self.version)

    @WorkTask.taskmethod(output_streaming=True)
    def run_stream_out(self, text: str, count: int = 3, seconds: float = 0.0, pad: int = 0) -> Iterable[Line]:
        note(text)
        padding = "." * min(max(pad, 0), 100_000)
        return DataStream(lambda: self._lines(text + padding, count, seconds))

    def _lines(self, text: str, count: int, seconds: float) -> Iterator[Line]:
        for number in range(min(count, MOST_ITEMS)):
            yield Line(text, number, self.version)
            pause(seconds)

    @WorkTask.taskmethod(input_streaming=True)
    def run_stream_in(self, texts: DataStream[str], seconds: float = 0.0) -> Line:
        number, first = 0, ""
        for text in texts:
            if not number:
                first = text or ""
                note(first)
            number += 1
            pause(seconds)
        return Line(first, number, self.version)

    @WorkTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, texts: DataStream[str], seconds: float = 0.0) -> Iterable[Line]:
        for number, text in enumerate(texts):
            if not number:
                note(text or "")
            pause(seconds)
            yield Line(text or "", number, self.version)

    @classmethod
    def train(
        cls,
        data: DataStream[Line],
        version: int = 1,
        seconds: float = 0.0,
        fail: str | None = None,
        started: str | None = None,
    ) -> Worker:
        rows = sum(1 for _ in data)
        if started:
            # Whatever is asked for, it is written nowhere else.
            place = Path(os.environ["SOAK_STARTED"], Path(started).name)
            draft = place.with_name(f".{os.getpid()}")
            draft.write_text(str(os.getpid()))
            draft.rename(place)
        pause(seconds)
        if fail:
            raise ValueError(fail)
        return cls(version, b"x" * rows)


@module("50a50000-0000-4000-8000-000000000002", "Mirror", "1.0.0", task=MirrorTask)
class Mirror(ModuleBase):
    @classmethod
    def load(cls, model_path: Any) -> Mirror:
        return cls()

    def run(
        self,
        everything: Everything,
        words: list[str] | None = None,
        level: int | None = None,
        note: int | str | None = None,
        lists: list[str] | list[int] | None = None,
        blob: bytes | None = None,
        table: dict[str, int] | None = None,
    ) -> Everything:
        return everything if everything is not None else Everything()


@module("50a50000-0000-4000-8000-000000000003", "Tidier", "1.0.0", task=TidyTask)
class Tidier(ModuleBase):
    @classmethod
    def load(cls, model_path: Any) -> Tidier:
        return cls()

    def run(self, text: str) -> Tidiness:
        for _ in range(3):
            gc.collect()
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)
        # Not `len(gc.get_objects())`: tuples that other threads are still making cannot be finished while they are in
        # that list, and grpcio's thread that accepts calls ends with a SystemError.
        gc.freeze()
        try:
            return Tidiness(gc.get_freeze_count())
        finally:
            gc.unfreeze()
