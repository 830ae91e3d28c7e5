"""What a form of the page works with."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr
import grpc

from .backend import Backend
from .problems import PROBLEMS, ReplacedError, literally, words_of
from .turns import Turn, Turns

Listen = Callable[..., Iterator[Any]]
"""From requests, as the fields of each, to the answers as they come."""


@dataclass(frozen=True)
class Context:
    name: str
    """Of the form, for programs and for turns."""
    task: str
    backend: Backend
    turns: Turns
    model: gr.Dropdown
    ready: Callable[[], list[str]]
    """The ids of the models that can be chosen."""

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
                    raise ReplacedError from error
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
            *given, model_id = values
            try:
                return function(*given, model_id or next(iter(self.ready()), ""))
            except PROBLEMS as error:
                raise gr.Error(words_of(error), print_exception=False) from error

        parameters = [_parameter(name, name in optional) for name in inputs]
        tell.__signature__ = inspect.Signature([*parameters, _parameter("model_id", True)])  # type: ignore[attr-defined] # read by gradio
        # The list on the page would refuse models that have come since it was made.
        model = gr.Textbox(visible=False, label="Model ID")
        gr.Button(visible=False).click(
            tell, [*inputs.values(), model], list(outputs), api_name=self.name, concurrency_limit=None
        )


def _parameter(name: str, is_optional: bool) -> inspect.Parameter:
    default = None if is_optional else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def took(begin: float, model_id: str) -> str:
    return literally(f"{model_id}: {(time.monotonic() - begin) * 1000:.0f} ms")
