"""A form for any task, made from its messages."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from .boxes import stream_box
from .context import Context, Listen
from .fields import inputs_of
from .forms import Form, Result
from .input import Input, Need
from .plain import plain
from .services import Method, Task

# More of them are folded up.
_MOST_OPTIONAL = 6
_TITLES = {
    "": "One answer",
    "ServerStreaming": "Answers piece by piece",
    "ClientStreaming": "Many requests",
    "BidiStreaming": "Many requests, answers piece by piece",
}


@dataclass(frozen=True)
class GenericForm:
    """Inputs for the fields of the request, and the answer as JSON; one form for each way to call the task."""

    task: Task
    kind = ""

    def build(self, context: Context, examples: Sequence[Any]) -> None:
        methods = {
            method.name.removesuffix(f"{self.task.name}Predict"): method for method in self.task.methods
        }
        first, *others = [_form(kind, methods[kind]) for kind in _TITLES if kind in methods]
        if not others:
            first.build(context, examples)
            return
        with gr.Tabs():
            for form in (first, *others):
                name = context.name if form is first else f"{form.kind}{self.task.name}"
                with gr.Tab(_TITLES[form.kind]):
                    form.build(replace(context, name=name), examples)


def _form(kind: str, method: Method) -> Form:
    inputs = [stream_box(method.request)] if method.input_streaming else inputs_of(method.request)

    def answer(listen: Listen, *values: Any) -> Iterator[Result]:
        given = [each.read(value) for each, value in zip(inputs, values, strict=True)]
        requests = given[0] if method.input_streaming else [dict(ChainMap(*given))]
        answers: list[Any] = []
        if method.output_streaming:
            yield ([],)
        for message in listen(*requests):
            answers.append(plain(message))
            yield (list(answers) if method.output_streaming else answers[0],)

    return Form(
        lambda: _build(inputs),
        lambda: [gr.JSON(label=method.answer.name, open=True, max_height=400)],
        answer,
        empty=(None,),
        kind=kind,
        button="Run",
        optional=[each.parameter for each in inputs if each.need is not Need.YES],
    )


def _build(inputs: Sequence[Input]) -> dict[str, Any]:
    optional = [each for each in inputs if each.need is Need.NO]
    parts = {each.parameter: each.build() for each in inputs if each.need is not Need.NO}
    with gr.Accordion("Optional", open=False) if len(optional) > _MOST_OPTIONAL else nullcontext():
        return parts | {each.parameter: each.build() for each in optional}
