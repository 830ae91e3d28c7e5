"""All tabs of the page, in their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from . import answers
from .chat import Chat
from .forms import Builds, Form, StreamForm

_MOST_CLASSES = 9
_TEXTS = Path(__file__).parents[1] / "offline" / "texts.json"
PICTURES: tuple[Any, ...] = ("pictures",)
"""Stands for the example pictures, if there are any."""


@dataclass(frozen=True)
class Tab:
    name: str
    form: Builds
    examples: Sequence[Any] = ()


def _text(name: str, lines: int = 1) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "text": gr.Textbox(label="Input Text", placeholder=f"Enter input text for {name}", lines=lines)
    }


def _sentences() -> dict[str, Any]:
    titles = ("Source Sentence", "Sentence 1", "Sentence 2")
    return {title.lower().replace(" ", "_"): gr.Textbox(label=title) for title in titles}


def _image(label: str) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "image": gr.Image(label=label, type="pil", sources=["upload", "clipboard"], height=300, buttons=[])
    }


def _classes(label: str, heading: bool = True) -> gr.Label:
    return gr.Label(label=label, num_top_classes=_MOST_CLASSES, show_heading=heading)


def _table(label: str) -> gr.Dataframe:
    return gr.Dataframe(label=label, interactive=False, max_height=320, show_row_numbers=True)


def _articles() -> list[str]:
    return [article for article, _ in json.loads(_TEXTS.read_text())["headlines"][:3]]


TABS = (
    Tab("Conversational", Chat(), ["What is caikit?", "Tell me a story", "Tell me a joke"]),
    Tab("TextGeneration", StreamForm("Enter input text for TextGeneration"), ["The film", "The waiter"]),
    Tab(
        "Summarization",
        Form(
            _text("Summarization", lines=4),
            lambda: [gr.Textbox(label="Output Text", lines=2)],
            answers.summarize,
            empty=("",),
        ),
        _articles(),
    ),
    Tab(
        "Sentiment",
        Form(_text("Sentiment"), lambda: [_classes("Sentiment")], answers.rate, empty=(None,)),
        ["Today is a nice sunny day", "I am not feeling well today!"],
    ),
    Tab(
        "SentenceSimilarity",
        Form(
            _sentences,
            lambda: [_classes("Cosine Similarity", heading=False), _table("Vectors")],
            answers.compare,
            empty=(None, None),
            is_live=False,
        ),
        [["The cat sits on the mat.", "A cat is sitting on a rug.", "Stock markets fell sharply today."]],
    ),
    Tab(
        "Embeddings",
        Form(_text("Embeddings"), lambda: [_table("Vector of each token")], answers.embed, empty=(None,)),
        ["Caikit serves models"],
    ),
    Tab(
        "ImageClassification",
        Form(_image("Input Image"), lambda: [_classes("Classes")], answers.classify, empty=(None,)),
        PICTURES,
    ),
    Tab(
        "ObjectDetection",
        Form(
            _image("Input Image"),
            lambda: [
                gr.Image(label="Output Image", interactive=False, height=300, buttons=["download"]),
                _classes("Objects Detected"),
            ],
            answers.detect,
            empty=(None, None),
        ),
        PICTURES,
    ),
    Tab(
        "ImageSegmentation",
        Form(
            _image("Input Image"),
            lambda: [
                gr.Gallery(label="Output Masks", columns=3, height=300, format="png", buttons=["download"]),
                _classes("Segments Detected"),
            ],
            answers.segment,
            empty=(None, None),
        ),
        PICTURES,
    ),
)
