"""The forms of the page: they ask while somebody types, when a button is pressed, or piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr
import grpc

from .context import Context, complaint, took
from .turns import Turn


class Builds(Protocol):
    def build(self, context: Context, examples: Sequence[Any]) -> None: ...


@dataclass(frozen=True)
class Form:
    """What goes in, what comes out, and how one becomes the other."""

    inputs: Callable[[], dict[str, Any]]
    outputs: Callable[[], list[Any]]
    answer: Callable[..., tuple[Any, ...]]
    """From `ask` and the values of the inputs."""
    empty: tuple[Any, ...]
    """What is shown while there is no input."""
    is_live: bool = True

    def build(self, context: Context, examples: Sequence[Any]) -> None:
        with gr.Row():
            with gr.Column():
                inputs = self.inputs()
                submit = None if self.is_live else gr.Button("Submit", variant="primary")
                add_examples(examples, list(inputs.values()))
            with gr.Column():
                outputs = self.outputs()
                note = gr.Markdown(elem_classes="note")

        def show(request: gr.Request, *values: Any) -> tuple[Any, ...]:
            return self._show(context, request.session_hash, *values)

        def tell(*values: Any) -> Any:
            *given, model_id = values
            found = _is_given(given)
            result = self.answer(context.asker(model_id, Turn()), *given) if found else self.empty
            return result[0] if len(result) == 1 else result

        triggers = [part.change for part in inputs.values()] if submit is None else [submit.click]
        gr.on(
            [*triggers, context.model.change],
            show,
            [*inputs.values(), context.model],
            [*outputs, note],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
        )
        context.add_api(tell, inputs, outputs)

    def _show(self, context: Context, visitor: str | None, *values: Any) -> tuple[Any, ...]:
        *given, model_id = values
        nothing_new = (gr.skip(),) * (len(self.empty) + 1)
        with context.turns.take(visitor, context.tab) as turn:
            if not (_is_given(given) and model_id):
                return (*self.empty, "")
            if not turn.is_wanted():
                return nothing_new
            begin = time.monotonic()
            try:
                result = self.answer(context.asker(model_id, turn), *given)
            except grpc.FutureCancelledError:
                return nothing_new
            except grpc.RpcError as error:
                return nothing_new if turn.replaced else (*self.empty, complaint(error))
            return (*result, took(begin, model_id))


@dataclass(frozen=True)
class StreamForm:
    """A text that comes piece by piece."""

    placeholder: str

    def build(self, context: Context, examples: Sequence[Any]) -> None:
        with gr.Row():
            with gr.Column():
                text = gr.Textbox(label="Input Text", placeholder=self.placeholder, lines=4)
                add_examples(examples, [text])
            with gr.Column():
                output = gr.Textbox(label="Output Text", lines=4)
                note = gr.Markdown(elem_classes="note")
                context.add_stop(gr.Button("Stop", size="sm"))

        def show(request: gr.Request, text: str | None, model_id: str | None) -> Iterator[Any]:
            yield from self._show(context, request.session_hash, text, model_id)

        def tell(text: str, model_id: str) -> str:
            said = ""
            if text.strip():
                *_, said = ("", *context.listen(model_id, Turn(), text_in=text))
            return said

        gr.on(
            [text.change, context.model.change],
            show,
            [text, context.model],
            [output, note],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
        )
        context.add_api(tell, {"text": text}, [output])

    def _show(
        self, context: Context, visitor: str | None, text: str | None, model_id: str | None
    ) -> Iterator[Any]:
        with context.turns.take(visitor, context.tab) as turn:
            if not ((text or "").strip() and model_id):
                yield "", ""
                return
            if not turn.is_wanted():
                yield gr.skip(), gr.skip()
                return
            begin = time.monotonic()
            said = ""
            try:
                for said in context.listen(model_id, turn, text_in=text):
                    yield said, "…"
            except grpc.RpcError as error:
                yield said, complaint(error)
                return
            yield gr.skip(), took(begin, model_id)


def add_examples(examples: Sequence[Any], inputs: list[Any]) -> None:
    if examples:
        gr.Examples(list(examples), inputs, api_visibility="private", cache_examples=False)


def _is_given(values: Sequence[Any]) -> bool:
    return all(value.strip() if isinstance(value, str) else value is not None for value in values)
