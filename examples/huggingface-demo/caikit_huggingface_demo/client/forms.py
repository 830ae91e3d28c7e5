"""A form of the page: it asks while somebody types or when a button is pressed, and shows answers as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr

from .context import Context, Listen, took
from .pace import Latest
from .problems import PROBLEMS, ReplacedError, complaint
from .turns import Turn

Result = tuple[Any, ...]
"""New values for the outputs."""


class Builds(Protocol):
    @property
    def kind(self) -> str: ...

    def build(self, context: Context, examples: Sequence[Any]) -> None: ...


@dataclass(frozen=True)
class Form:
    """What goes in, what comes out, and how one becomes the other."""

    inputs: Callable[[], dict[str, Any]]
    outputs: Callable[[], list[Any]]
    answer: Callable[..., Iterator[Result]]
    """From `listen` and the values of the inputs; each result replaces the one before."""
    empty: Result
    """What is shown while there is no input."""
    kind: str = ""
    """How the name of the method begins."""
    button: str = ""
    """Asks when it is pressed; without a button, the form asks while somebody types."""
    optional: Sequence[str] | None = None
    """Inputs that may be left empty. None: there is nothing to ask without all of them, and with all of them a new
    model is asked at once."""

    @property
    def _is_long(self) -> bool:
        return self.kind in ("ServerStreaming", "BidiStreaming")

    def build(self, context: Context, examples: Sequence[Any]) -> None:
        with gr.Row():
            with gr.Column():
                inputs = self.inputs()
                button = gr.Button(self.button, variant="primary") if self.button else None
                add_examples(examples, list(inputs.values()))
            with gr.Column():
                outputs = self.outputs()
                note = gr.Markdown(elem_classes="note")
                if self._is_long:
                    context.add_stop()

        def show(request: gr.Request, *values: Any) -> Iterator[Result]:
            yield from self._show(context, request.session_hash, *values)

        def show_at_once(request: gr.Request, *values: Any) -> Result:
            (result,) = deque(show(request, *values), maxlen=1)
            return result

        def tell(*values: Any) -> Any:
            *given, model_id = values
            results = deque([self.empty], maxlen=1)
            if self._is_complete(given):
                results.extend(self.answer(context.listener(self.kind, model_id, Turn()), *given))
            (result,) = results
            return result[0] if len(result) == 1 else result

        triggers = [button.click] if button else [part.change for part in inputs.values()]
        if self.optional is None:
            triggers.append(context.model.change)
        gr.on(
            triggers,
            # While somebody types, the end of one stream could hide what the next one has shown.
            show if self.button or self._is_long else show_at_once,
            [*inputs.values(), context.model],
            [*outputs, note],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
        )
        context.add_api(tell, inputs, outputs, self.optional or ())

    def _show(self, context: Context, visitor: str | None, *values: Any) -> Iterator[Result]:
        *given, model_id = values
        same = (gr.skip(),) * len(self.empty)
        with context.turns.take(visitor, context.name) as turn:
            if not (self._is_complete(given) and model_id):
                yield *self.empty, ""
                return
            if not (self.button or turn.is_wanted()):
                yield *same, gr.skip()
                return
            begin = time.monotonic()
            shown = self.empty
            if self.button:
                yield *same, "…"
            try:
                results = self.answer(context.listener(self.kind, model_id, turn), *given)
                for result in Latest(results) if self._is_long else results:
                    if turn.replaced:
                        raise ReplacedError
                    shown = same
                    yield *result, "…" if self._is_long else took(begin, model_id)
            except ReplacedError:
                yield *same, took(begin, model_id) if turn.stopped else gr.skip()
            except PROBLEMS as problem:
                yield *shown, complaint(problem)
            else:
                if self._is_long:
                    yield *same, took(begin, model_id)

    def _is_complete(self, values: Sequence[Any]) -> bool:
        if self.optional is not None:
            return True
        return all(value.strip() if isinstance(value, str) else value is not None for value in values)


def once(answer: Callable[..., Result]) -> Callable[..., Iterator[Result]]:
    """For tasks with one answer: the function gets `ask`, which takes the fields of the request and returns it."""

    def answers(listen: Listen, *values: Any) -> Iterator[Result]:
        def ask(**fields: Any) -> Any:
            (only,) = listen(fields)
            return only

        yield answer(ask, *values)

    return answers


def add_examples(examples: Sequence[Any], inputs: list[Any]) -> None:
    if examples:
        gr.Examples(list(examples), inputs, api_visibility="private", cache_examples=False)
