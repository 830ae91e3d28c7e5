"""The page's forms, called by a program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]  # those of gradio_client

ARTICLE = (
    "The local team won the final by three goals to one on Saturday. "
    "Thousands of fans celebrated in the streets until the morning."
)
HEADLINE = "Local team wins final"


@pytest.fixture(scope="module")
def client(everything: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(everything.url(), verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    yield client
    client.close()


@pytest.fixture(scope="module")
def scene(offline_models: Path) -> Path:
    return offline_models / "pictures" / "scene-2.png"


def scores(label: Any) -> dict[str, float]:
    return {one["label"]: one["confidence"] for one in label["confidences"]}


def test_names_and_parameters(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {
        name: [each["parameter_name"] for each in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    assert parameters == {
        "/Conversational": ["text", "history", "model_id"],
        "/TextGeneration": ["text", "model_id"],
        "/Summarization": ["text", "model_id"],
        "/Sentiment": ["text", "model_id"],
        "/SentenceSimilarity": ["source_sentence", "sentence_1", "sentence_2", "model_id"],
        "/Embeddings": ["text", "model_id"],
        "/ImageClassification": ["image", "model_id"],
        "/ObjectDetection": ["image", "model_id"],
        "/ImageSegmentation": ["image", "model_id"],
    }


def test_conversation(client: Client) -> None:
    history = client.predict("Hello!", [], "conversational", api_name="/Conversational")
    assert [message["role"] for message in history] == ["user", "assistant"]
    history = client.predict("Tell me a joke", history, "conversational", api_name="/Conversational")
    assert [message["role"] for message in history] == ["user", "assistant"] * 2


def test_text(client: Client) -> None:
    assert client.predict("The film", "text_generation", api_name="/TextGeneration").startswith("The film ")
    assert client.predict(ARTICLE, "summarization", api_name="/Summarization") == HEADLINE
    assert client.predict("", "text_generation", api_name="/TextGeneration") == ""
    assert client.predict("", "summarization", api_name="/Summarization") == ""


def test_sentiment(client: Client) -> None:
    label = client.predict("Today is a nice sunny day", "sentiment", api_name="/Sentiment")
    assert label["label"] == "POSITIVE"
    assert set(scores(label)) == {"POSITIVE", "NEGATIVE"}


def test_sentences(client: Client) -> None:
    label, table = client.predict(
        "A cat.", "A kitten.", "A tax.", "sentence_similarity", api_name="/SentenceSimilarity"
    )
    found = scores(label)
    assert list(found) == ["Source sentence: A cat.", "Sentence 1: A kitten.", "Sentence 2: A tax."]
    assert found["Source sentence: A cat."] == pytest.approx(1)
    assert len(table["headers"]) == 3
    assert len(table["data"]) == 384


def test_embeddings(client: Client) -> None:
    table = client.predict("hello world", "embeddings", api_name="/Embeddings")
    assert table["headers"] == ["101", "7592", "2088", "102"]
    assert len(table["data"]) == 384


def test_images(client: Client, scene: Path) -> None:
    classes = client.predict(handle_file(scene), "image_classification", api_name="/ImageClassification")
    assert len(scores(classes)) == 5

    picture, found = client.predict(handle_file(scene), "object_detection", api_name="/ObjectDetection")
    assert Image.open(picture).size == Image.open(scene).size
    assert all(name.rstrip("-0123456789") in {"circle", "square", "triangle"} for name in scores(found))

    gallery, segments = client.predict(
        handle_file(scene), "image_segmentation", api_name="/ImageSegmentation"
    )
    assert [each["caption"] for each in gallery] == list(scores(segments))
    cut_out = Image.open(gallery[0]["image"])
    assert (cut_out.mode, cut_out.size) == ("RGBA", Image.open(scene).size)


def test_errors_of_the_backend(client: Client) -> None:
    with pytest.raises(Exception, match="nonsense"):
        client.predict("text", "nonsense", api_name="/Sentiment")
