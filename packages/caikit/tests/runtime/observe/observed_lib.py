"""A small library whose methods log and trace."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Any

import alog

from caikit.core import ModuleBase, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.runtime.data_model import RuntimeServerContextType
from caikit.runtime import trace

log = alog.use_channel("OBSERVED")


@dataobject("tests.observed_lib")
class Seen(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text": Iterable[str]},
    unary_output_type=Seen,
    streaming_output_type=Iterable[Seen],
)
class SeeTask(TaskBase):
    """Looks at words"""


@task(unary_parameters={"text": str}, unary_output_type=Seen)
class ChoirTask(TaskBase):
    """Takes words together"""


@module("b2d3c4a6-0000-4000-8000-000000000002", "Choir", "1.0.0", task=ChoirTask)
class Choir(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Choir:
        return cls()

    def run(self, text: str) -> Seen:
        return self.run_batch([text])[0]

    def run_batch(self, text: list[str]) -> list[Seen]:
        time.sleep(0.05)
        return [Seen(f"{word} {len(text)}") for word in text]


class UnspeakableError(Exception):
    """Its text is none."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value] # that is what is tried


@module("b2d3c4a6-0000-4000-8000-000000000001", "Seer", "1.0.0", task=SeeTask)
class Seer(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Seer:
        time.sleep(0.01)
        return cls()

    @SeeTask.taskmethod(context_arg="context")
    def run(self, text: str, context: RuntimeServerContextType = None) -> Seen:
        log.info("run says %s", text)
        log.info("<TST00000001I>", "run says %s with a code", text)
        match text:
            case "fail":
                raise ValueError("bad value")
            case "break":
                raise KeyError("broken")
            case "unspeakable":
                raise UnspeakableError
            case "spans":
                self._make_spans(context)
            case "async":
                asyncio.run(self._log_later())
            case "metadata":
                context.set_trailing_metadata([("mine", "1"), ("x-request-id", "forged")])
            case "metadata and fail":
                context.set_trailing_metadata([("mine", "1")])
                raise ValueError("bad value")
        return Seen(text.upper())

    @SeeTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str, count: int = 3, pause: float = 0.0) -> Iterable[Seen]:
        if text == "early":
            raise ValueError("bad value")
        for number in range(count):
            if text == f"late {number}":
                raise ValueError("bad value")
            log.info("item %s", number)
            time.sleep(pause)
            yield Seen(f"{text} {number}")

    @SeeTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, text: Iterable[str]) -> Iterable[Seen]:
        for word in text:
            yield Seen(word.upper())

    @classmethod
    def train(cls, text: str) -> Seer:
        return cls()

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path):
            pass

    async def _log_later(self) -> None:
        await asyncio.sleep(0)
        log.info("from a coroutine")

    def _make_spans(self, context: RuntimeServerContextType) -> None:
        with trace.start_child_span(context, "outer") as span:
            span.set_attribute("answer", 42)
            with trace.start_child_span(context, "inner"):
                pass
        trace.set_tracer(context, trace.get_tracer("my tracer"))

        def work() -> None:
            with trace.start_child_span(context, "elsewhere"):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with trace.get_tracer("plain").start_as_current_span("by the tracer"):
            pass
