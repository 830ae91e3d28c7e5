"""What a form of the page works with."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr
import grpc

from .backend import Backend, details_of
from .turns import Turn, Turns

Listen = Callable[..., Iterator[Any]]
"""From requests, as the fields of each, to the answers as they come."""


class BadInput(ValueError):
    """What was typed cannot be sent; says where and why."""


class Replaced(Exception):
    """Nobody waits for the answer any more."""


PROBLEMS = (BadInput, grpc.RpcError)
"""What visitors are told."""


@dataclass(frozen=True)
class Context:
    name: str
    """Of the form, for programs and for turns."""
    task: str
    backend: Backend
    turns: Turns
    model: gr.Dropdown

    def listener(self, kind: str, model_id: str, turn: Turn) -> Listen:
        """`kind` is how the name of the method begins, such as ServerStreaming; nothing for the plain one."""
        method = f"{kind}{self.task}Predict"

        def listen(*requests: Mapping[str, Any]) -> Iterator[Any]:
            call = self.backend.call(method, model_id, *requests)
            turn.cancel_with(call.cancel)
            try:
                yield from call
            except grpc.RpcError as error:
                if turn.replaced:
                    raise Replaced from error
                self.backend.note_refusal(error, method, model_id)
                raise
            finally:
                call.cancel()

        return listen

    def add_stop(self) -> None:
        def stop(request: gr.Request) -> None:
            self.turns.stop(request.session_hash, self.name)

        gr.Button("Stop", size="sm").click(stop, api_visibility="private", queue=False)

    def add_api(
        self,
        function: Callable[..., Any],
        inputs: Mapping[str, Any],
        outputs: Sequence[Any],
        optional: Sequence[str] = (),
    ) -> None:
        """The same for programs, under the name of the form: they get answers without remarks, and errors."""

        @wraps(function)
        def tell(*values: Any) -> Any:
            try:
                return function(*values)
            except PROBLEMS as error:
                raise gr.Error(words_of(error), print_exception=False) from error

        parameters = [_parameter(name, name in optional) for name in inputs]
        tell.__signature__ = inspect.Signature([*parameters, _parameter("model_id", True)])  # type: ignore[attr-defined] # read by gradio
        button = gr.Button(visible=False)
        button.click(
            tell, [*inputs.values(), self.model], list(outputs), api_name=self.name, concurrency_limit=None
        )


def _parameter(name: str, is_optional: bool) -> inspect.Parameter:
    default = None if is_optional else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def words_of(problem: Exception) -> str:
    return details_of(problem) if isinstance(problem, grpc.RpcError) else str(problem)


def complaint(problem: Exception) -> str:
    return f"⚠️ {_literally(words_of(problem))}"


def took(begin: float, model_id: str) -> str:
    return _literally(f"{model_id}: {(time.monotonic() - begin) * 1000:.0f} ms")


def _literally(text: str) -> str:
    """Markdown in which every sign stands for itself."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).replace("\n", "  \n")
