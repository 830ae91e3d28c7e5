"""All tabs of the page, in their order: a table of those that are made for their task, and one for each other task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from . import answers
from .chat import Chat
from .forms import Form, once
from .generic import GenericForm
from .pictures import picture_box
from .services import Services, Task
from .tab import PICTURES, Tab

_MOST_CLASSES = 9
_TEXTS = Path(__file__).parents[1] / "offline" / "texts.json"


def _text(name: str, lines: int = 1) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "text": gr.Textbox(label="Input Text", placeholder=f"Enter input text for {name}", lines=lines)
    }


def _sentences() -> dict[str, Any]:
    titles = ("Source Sentence", "Sentence 1", "Sentence 2")
    return {title.lower().replace(" ", "_"): gr.Textbox(label=title) for title in titles}


def _image(label: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"image": picture_box(label)}


def _classes(label: str, heading: bool = True) -> gr.Label:
    return gr.Label(label=label, num_top_classes=_MOST_CLASSES, show_heading=heading)


def _table(label: str) -> gr.Dataframe:
    return gr.Dataframe(label=label, interactive=False, max_height=320, show_row_numbers=True)


def _articles() -> list[str]:
    return [article for article, _ in json.loads(_TEXTS.read_text())["headlines"][:3]]


TABS = (
    Tab(
        "Conversational",
        "ConversationalTask",
        Chat(),
        takes=("text_in", "history"),
        gives="Text",
        examples=["What is caikit?", "Tell me a story", "Tell me a joke"],
    ),
    Tab(
        "TextGeneration",
        "TextGenerationTask",
        Form(
            _text("TextGeneration", lines=4),
            lambda: [gr.Textbox(label="Output Text", lines=4)],
            answers.write,
            empty=("",),
            kind="ServerStreaming",
        ),
        takes=("text_in",),
        gives="Text",
        examples=["The film", "The waiter"],
    ),
    Tab(
        "Summarization",
        "SummarizationTask",
        Form(
            _text("Summarization", lines=4),
            lambda: [gr.Textbox(label="Output Text", lines=2)],
            once(answers.summarize),
            empty=("",),
        ),
        takes=("text_in",),
        gives="Text",
        examples=_articles(),
    ),
    Tab(
        "Sentiment",
        "SentimentTask",
        Form(_text("Sentiment"), lambda: [_classes("Sentiment")], once(answers.rate), empty=(None,)),
        takes=("text_in",),
        gives="ClassificationPrediction",
        examples=["Today is a nice sunny day", "I am not feeling well today!"],
    ),
    Tab(
        "SentenceSimilarity",
        "SentenceSimilarityTask",
        Form(
            _sentences,
            lambda: [_classes("Cosine Similarity", heading=False), _table("Vectors")],
            once(answers.compare),
            empty=(None, None),
            button="Submit",
        ),
        takes=("sentences",),
        gives="Result",
        examples=[
            ["The cat sits on the mat.", "A cat is sitting on a rug.", "Stock markets fell sharply today."]
        ],
    ),
    Tab(
        "Embeddings",
        "EmbeddingsTask",
        Form(
            _text("Embeddings"), lambda: [_table("Vector of each token")], once(answers.embed), empty=(None,)
        ),
        takes=("text_in",),
        gives="Result",
        examples=["Caikit serves models"],
    ),
    Tab(
        "ImageClassification",
        "ImageClassificationTask",
        Form(_image("Input Image"), lambda: [_classes("Classes")], once(answers.classify), empty=(None,)),
        takes=("encoded_bytes_or_url",),
        gives="ClassificationPrediction",
        examples=PICTURES,
    ),
    Tab(
        "ObjectDetection",
        "ObjectDetectionTask",
        Form(
            _image("Input Image"),
            lambda: [
                gr.Image(label="Output Image", interactive=False, height=300, buttons=["download"]),
                _classes("Objects Detected"),
            ],
            once(answers.detect),
            empty=(None, None),
        ),
        takes=("encoded_bytes_or_url",),
        gives="ObjectDetectionResult",
        examples=PICTURES,
    ),
    Tab(
        "ImageSegmentation",
        "ImageSegmentationTask",
        Form(
            _image("Input Image"),
            lambda: [
                gr.Gallery(label="Output Masks", columns=3, height=300, format="png", buttons=["download"]),
                _classes("Segments Detected"),
            ],
            once(answers.segment),
            empty=(None, None),
        ),
        takes=("encoded_bytes_or_url",),
        gives="ImageSegmentationResult",
        examples=PICTURES,
    ),
)


def tabs_of(services: Services) -> tuple[Tab, ...]:
    """Those of the table, served or not, and one for each task that is not what the table has under its name."""
    others = [task for task in services.tasks if not any(tab.fits(task) for tab in TABS)]
    return (*TABS, *(Tab(_title(task), task.name, GenericForm(task)) for task in others))


def _title(task: Task) -> str:
    return f"{task.name}Task" if task.name in {tab.name for tab in TABS} else task.name
