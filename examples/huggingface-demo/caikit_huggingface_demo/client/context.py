"""What a form of the page works with."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr
import grpc

from .backend import Backend, details_of
from .turns import Turn, Turns


@dataclass(frozen=True)
class Context:
    tab: str
    backend: Backend
    turns: Turns
    model: gr.Dropdown

    def asker(self, model_id: str, turn: Turn) -> Callable[..., Any]:
        """A function that takes the fields of a request and returns the answer."""

        def ask(**fields: Any) -> Any:
            call = self.backend.ask(self.tab, model_id, **fields)
            turn.cancel_with(call.cancel)
            return call.result()

        return ask

    def listen(self, model_id: str, turn: Turn, **fields: Any) -> Iterator[str]:
        """All that was said so far, again and again, until the turn is replaced."""
        call = self.backend.ask_for_stream(self.tab, model_id, **fields)
        turn.cancel_with(call.cancel)
        said = ""
        try:
            for piece in call:
                said += piece.text
                yield said
        except grpc.RpcError:
            if not turn.replaced:
                raise
        finally:
            call.cancel()

    def add_stop(self, button: gr.Button) -> None:
        def stop(request: gr.Request) -> None:
            self.turns.stop(request.session_hash, self.tab)

        button.click(stop, api_visibility="private", queue=False)

    def add_api(self, function: Callable[..., Any], inputs: dict[str, Any], outputs: Sequence[Any]) -> None:
        """The same for programs, under the name of the tab: they get answers without remarks, and errors."""

        @wraps(function)
        def tell(*values: Any) -> Any:
            try:
                return function(*values)
            except grpc.RpcError as error:
                raise gr.Error(details_of(error), print_exception=False) from error

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = [*inputs, "model_id"]
        tell.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined] # read by gradio
        button = gr.Button(visible=False)
        button.click(
            tell, [*inputs.values(), self.model], list(outputs), api_name=self.tab, concurrency_limit=None
        )


def complaint(error: grpc.RpcError) -> str:
    return f"⚠️ {details_of(error)}"


def took(begin: float, model_id: str) -> str:
    return f"{model_id}: {(time.monotonic() - begin) * 1000:.0f} ms"
