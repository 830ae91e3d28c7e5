"""Each module, served and called over gRPC and HTTP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import grpc
import pytest
from PIL import Image

pytestmark = pytest.mark.timeout(300)

SIZE = (384, 384)
CHAT = {"text_in": "What is caikit?"}
ARTICLE = (
    "A small bakery in the harbour has won the national prize for the best bread of the year. "
    "The owner said that the secret is patience."
)


@pytest.fixture(scope="module", params=["grpc", "http"])
def call(request: pytest.FixtureRequest, everything: Any) -> Callable[..., Any]:
    """The answer of a task as an object with attributes."""
    return over_grpc(everything.grpc_port) if request.param == "grpc" else over_http(everything.http_port)


def over_grpc(port: int) -> Callable[..., Any]:
    from caikit.runtime.service_factory import ServicePackageFactory
    from google.protobuf.json_format import MessageToDict

    import runtime  # noqa: F401 - the service is made from it

    package = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)

    def call(task: str, model: str, **fields: Any) -> Any:
        with grpc.insecure_channel(f"localhost:{port}") as channel:
            request = getattr(package.messages, f"{task}TaskRequest")(**fields)
            method = getattr(package.stub_class(channel), f"{task}TaskPredict")
            try:
                answer = method(request, metadata=[("mm-model-id", model)], timeout=60)
            except grpc.RpcError as error:
                raise ValueError(error.details()) from error
            return as_object(MessageToDict(answer, preserving_proto_field_name=True))

    return call


def over_http(port: int) -> Callable[..., Any]:
    def call(task: str, model: str, **fields: Any) -> Any:
        path = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in task).strip("-")
        required = {name: fields.pop(name) for name in list(fields) if name != "history"}
        inputs = next(iter(required.values()))
        body = {"model_id": model, "inputs": inputs, "parameters": fields}
        request = Request(
            f"http://127.0.0.1:{port}/api/v1/task/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=60) as response:
                return as_object(json.load(response))
        except HTTPError as error:
            raise ValueError(json.load(error)["details"]) from error

    return call


def as_object(value: Any) -> Any:
    return json.loads(json.dumps(value), object_hook=lambda fields: SimpleNamespace(**fields))


@pytest.fixture(scope="module")
def picture(offline_models: Path) -> str:
    return base64.b64encode((offline_models / "pictures" / "scene-2.png").read_bytes()).decode()


def test_sentiment_tells_every_label(call: Callable[..., Any]) -> None:
    for text, label in {
        "Today is a nice sunny day": "POSITIVE",
        "I am not feeling well today!": "NEGATIVE",
    }.items():
        classes = call("Sentiment", "sentiment", text_in=text).classes
        assert {one.class_name for one in classes} == {"POSITIVE", "NEGATIVE"}
        assert sum(one.confidence for one in classes) == pytest.approx(1)
        assert max(classes, key=lambda one: one.confidence).class_name == label


def test_summarization(call: Callable[..., Any]) -> None:
    assert call("Summarization", "summarization", text_in=ARTICLE).text == "Harbour bakery wins bread prize"


def test_text_generation_repeats_the_prompt(call: Callable[..., Any]) -> None:
    text = call("TextGeneration", "text_generation", text_in="The film").text
    assert text.startswith("The film ")
    assert len(text) > len("The film ") + 10


def test_conversation_with_and_without_history(call: Callable[..., Any]) -> None:
    alone = call("Conversational", "conversational", **CHAT).text
    assert alone.startswith("Caikit turns a Python class")
    history = [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hello! How can I help you?"},
    ]
    assert call("Conversational", "conversational", **CHAT, history=history).text


def test_embeddings_of_tokens(call: Callable[..., Any]) -> None:
    pairs = call("Embeddings", "embeddings", text_in="hello world").output
    assert [int(pair.input) for pair in pairs] == [101, 7592, 2088, 102]
    assert {len(pair.output) for pair in pairs} == {384}


def test_sentence_similarity(call: Callable[..., Any]) -> None:
    sentences = [
        "The cat sits on the mat.",
        "A cat is sitting on a rug.",
        "Stock markets fell sharply today.",
    ]
    pairs = call("SentenceSimilarity", "sentence_similarity", sentences=sentences).output
    assert [int(getattr(pair, "input", 0)) for pair in pairs] == [0, 1, 2]
    source, near, far = (pair.output for pair in pairs)
    assert cosine(source, near) == pytest.approx(0.77, abs=0.02)
    assert cosine(source, far) == pytest.approx(0.05, abs=0.02)


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_image_classification(call: Callable[..., Any]) -> None:
    file = io.BytesIO()
    Image.new("RGB", (100, 50), (210, 45, 40)).save(file, "JPEG")
    classes = call(
        "ImageClassification",
        "image_classification",
        encoded_bytes_or_url=base64.b64encode(file.getvalue()).decode(),
    ).classes
    assert len(classes) == 5
    assert classes[0].class_name == "red"


def test_object_detection(call: Callable[..., Any], picture: str) -> None:
    objects = call("ObjectDetection", "object_detection", encoded_bytes_or_url=picture).objects
    assert {one.label for one in objects} <= {"circle", "square", "triangle"}
    assert objects
    for one in objects:
        box = one.box
        assert 0 <= int(getattr(box, "xmin", 0)) < int(box.xmax) <= SIZE[0]
        assert 0 <= int(getattr(box, "ymin", 0)) < int(box.ymax) <= SIZE[1]
        assert 0.5 < one.score <= 1


def test_image_segmentation(call: Callable[..., Any], picture: str) -> None:
    objects = call("ImageSegmentation", "image_segmentation", encoded_bytes_or_url=picture).objects
    assert "background" in {one.label for one in objects}
    for one in objects:
        mask = Image.open(io.BytesIO(base64.b64decode(one.mask)))
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", SIZE)


def test_segments_of_a_large_image(call: Callable[..., Any], picture: str) -> None:
    """They are found in a smaller one."""
    small = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    file = io.BytesIO()
    small.resize((3000, 2000)).save(file, "PNG")
    large = base64.b64encode(file.getvalue()).decode()
    objects = call("ImageSegmentation", "image_segmentation", encoded_bytes_or_url=large).objects
    assert "background" in {one.label for one in objects}
    for one in objects:
        mask = Image.open(io.BytesIO(base64.b64decode(one.mask)))
        assert (mask.mode, mask.size) == ("L", (3000, 2000))
        assert {value for _, value in mask.getcolors()} == {0, 255}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not base64!", "expected an image file in base64"),
        ("aGVsbG8gd29ybGQ=", "expected an image file such as PNG or JPEG"),
        ("/etc/hostname", "expected an image file"),
        ("http://127.0.0.1:1/x.png", "images are not fetched from '127.0.0.1'"),
    ],
)
def test_what_is_no_image(call: Callable[..., Any], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call("ImageClassification", "image_classification", encoded_bytes_or_url=text)


def test_empty_texts_are_refused(call: Callable[..., Any]) -> None:
    for task, model in {"Conversational": "conversational", "TextGeneration": "text_generation"}.items():
        with pytest.raises(ValueError, match="expected a text as text_in, found an empty one"):
            call(task, model, text_in=" ")


def test_streams_over_grpc(everything: Any) -> None:
    from caikit.runtime.service_factory import ServicePackageFactory

    import runtime  # noqa: F401 - the service is made from it

    package = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
    whole = over_grpc(everything.grpc_port)("TextGeneration", "text_generation", text_in="The film").text
    with grpc.insecure_channel(f"localhost:{everything.grpc_port}") as channel:
        request = package.messages.ServerStreamingTextGenerationTaskRequest(text_in="The film")
        method = package.stub_class(channel).ServerStreamingTextGenerationTaskPredict
        pieces = [
            piece.text for piece in method(request, metadata=[("mm-model-id", "text_generation")], timeout=60)
        ]
    assert len(pieces) > 3
    assert "".join(pieces) == whole


def test_streams_over_http(everything: Any) -> None:
    body = {"model_id": "conversational", "inputs": "Tell me a story"}
    request = Request(
        f"http://127.0.0.1:{everything.http_port}/api/v1/task/server-streaming-conversational",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=60) as response:
        lines = [line.decode() for line in response if line.startswith(b"data: ")]
    pieces = [json.loads(line.removeprefix("data: "))["text"] for line in lines]
    assert len(pieces) > 10
    assert "".join(pieces).startswith("Once upon a time")
