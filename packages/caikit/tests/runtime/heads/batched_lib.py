"""A library whose modules answer several requests in one call."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Any

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.runtime.data_model import RuntimeServerContextType

CALL_SECONDS = 0.02

calls: list[list[str]] = []
"""The texts of each call of a model."""

gates: dict[str, threading.Event] = {}
"""A call with such a text waits for its event."""

interrupted: list[str] = []


def reset() -> None:
    calls.clear()
    gates.clear()
    interrupted.clear()


class UnspeakableError(Exception):
    """Its text is none, its repr neither."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value] # that is what is tried

    __repr__ = __str__


@dataobject("tests.batched_lib")
class Echo(DataObjectBase):
    text: str
    together: int
    scale: float
    mode: str


@task(unary_parameters={"text": str}, unary_output_type=Echo, streaming_output_type=Iterable[Echo])
class BatchedEchoTask(TaskBase):
    """Says what it was told"""


def work(texts: list[str]) -> None:
    calls.append(texts)
    try:
        for text in texts:
            if text in gates:
                while not gates[text].wait(0.005):
                    pass
        time.sleep(CALL_SECONDS)
    except Exception as error:
        interrupted.append(type(error).__name__)
        raise
    if "bad" in texts:
        raise ValueError("bad text")
    if "exit" in texts:
        raise SystemExit(3)
    if "cancelled" in texts:
        raise asyncio.CancelledError("no more")
    if "unspeakable" in texts:
        raise UnspeakableError


@module("d1f0c1c2-0000-4000-8000-000000000001", "Together", "1.0.0", task=BatchedEchoTask)
class Together(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Together:
        return cls()

    @BatchedEchoTask.taskmethod(context_arg="context")
    def run(
        self,
        text: str,
        scale: float = 1.5,
        mode: str = "plain",
        names: list[str] | None = None,
        alone: int = 0,
        context: RuntimeServerContextType = None,
    ) -> Echo:
        work([text])
        if text == "refused":
            raise KeyError("refused")
        return Echo(text, 0, scale, f"{mode} {type(context).__name__ if mode == 'context' else ''}")

    def run_batch(
        self,
        text: list[str],
        scale: list[float] | None = None,
        mode: str = "plain",
        names: list[list[str]] | None = None,
    ) -> list[Any]:
        work(text)
        if mode == "short":
            return []
        scales = scale or [1.5] * len(text)
        return [
            KeyError("refused") if each == "refused" else Echo(each, len(text), size, f"{mode} ")
            for each, size in zip(text, scales, strict=True)
        ]

    @BatchedEchoTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str) -> Iterable[Echo]:
        work([text])
        yield Echo(text, 0, 0.0, "stream")


@module("d1f0c1c2-0000-4000-8000-000000000002", "Single", "1.0.0", task=BatchedEchoTask)
class Single(ModuleBase):
    """Has only the `run_batch` that all modules have."""

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Single:
        return cls()

    def run(self, text: str) -> Echo:
        work([text])
        return Echo(text, 0, 0.0, "single")


@module("d1f0c1c2-0000-4000-8000-000000000003", "Other", "1.0.0", task=BatchedEchoTask)
class OtherName(ModuleBase):
    """Its `run_batch` does not take what requests have."""

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> OtherName:
        if "load" in gates:
            gates["load"].wait(10)
        return cls()

    def run(self, text: str) -> Echo:
        work([text])
        return Echo(text, 0, 0.0, "other")

    def run_batch(self, texts: list[str]) -> list[Echo]:
        raise AssertionError("not to be called")
