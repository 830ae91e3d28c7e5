"""The OpenAPI document offers what the recorded one offers."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conformance.replay.golden import OPENAPI
from conformance.replay.schemas import Document, Shape, lacks, list_operations, read_contents, read_parameters

Operation = tuple[str, str]

_STREAMED = ("/api/v1/task/server-streaming-greet", "/api/v1/task/server-streaming-stream-only")
_EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}
# A module says what kind of file it answers with.
_FILE = {media_type: {"schema": {"type": "string"}} for media_type in ("application/octet-stream", "*/*")}
_FILES = {"type": "array", "items": {"type": "string"}}


def _load_recorded() -> dict[str, Any]:
    """The recorded document with its mistakes corrected."""
    document: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))
    paths = document["paths"]
    for path in _STREAMED:
        paths[path]["post"]["responses"]["200"]["content"] = _EVENTS
    # The schema of another flavour of the task was shown, because of its equal short name.
    streamed = copy.deepcopy(paths[_STREAMED[0]]["post"]["requestBody"])
    for content in streamed["content"].values():
        reference = {"$ref": "#/components/schemas/ServerStreamingGreetTaskRequestParameters"}
        content["schema"]["properties"]["parameters"] = reference
    paths[_STREAMED[0]]["post"]["requestBody"] = streamed
    # Results of jobs are those of the task.
    paths["/api/v1/task/document"]["post"]["responses"]["200"]["content"] = _FILE
    for path in paths:
        if path.endswith("/job/results"):
            task = paths[path.removesuffix("/job/results")]["post"]
            paths[path]["get"]["responses"]["200"]["content"] = task["responses"]["200"]["content"]
    deploy = paths["/management/models"]["post"]["requestBody"]["content"]["multipart/form-data"]
    deploy["schema"]["properties"]["model_files"] = _FILES
    return document


RECORDED = _load_recorded()
OPERATIONS = list_operations(RECORDED)


@pytest.fixture(scope="session")
def served(http_url: str) -> dict[str, Any]:
    answer = httpx.get(f"{http_url}/openapi.json", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


def test_document_is_about_the_library(served: Document) -> None:
    assert served["openapi"] == RECORDED["openapi"]
    assert served["info"] == RECORDED["info"]


def test_paths_and_methods(served: Document) -> None:
    more = list_operations(served).keys() - OPERATIONS.keys()
    assert list_operations(served).keys() - more == OPERATIONS.keys()
    # The recorded server took no streams as input, had one probe only, and no list of trainings.
    known = {"client", "bidi", "livez", "readyz", "list", "log"}
    assert {path.rsplit("/", 1)[1].split("-")[0] for _, path in more} <= known


def test_references_can_be_followed(served: Document) -> None:
    names = {f"#/components/schemas/{name}" for name in served["components"]["schemas"]}
    assert set(_references(served)) <= names


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_texts_of_the_library(served: Document, operation: Operation) -> None:
    found = list_operations(served)[operation]
    for key in ("summary", "description"):
        text = OPERATIONS[operation].get(key, "<free text>")
        assert text in ("<free text>", found.get(key))


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_parameters(served: Document, operation: Operation) -> None:
    found = list_operations(served)[operation]
    assert read_parameters(served, found) == read_parameters(RECORDED, OPERATIONS[operation])


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_requests(served: Document, operation: Operation) -> None:
    wanted = read_contents(RECORDED, OPERATIONS[operation].get("requestBody", {}))
    found = read_contents(served, list_operations(served)[operation].get("requestBody", {}))
    assert found.keys() == wanted.keys()
    lacking = list(_lacking(wanted, found))
    assert not lacking, "\n".join(lacking)


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_answers(served: Document, operation: Operation) -> None:
    wanted = read_contents(RECORDED, OPERATIONS[operation]["responses"]["200"])
    found = read_contents(served, list_operations(served)[operation]["responses"]["200"])
    assert found.keys() == wanted.keys()
    lacking = list(_lacking(wanted, found))
    assert not lacking, "\n".join(lacking)


def _lacking(wanted: dict[str, Shape], found: dict[str, Shape]) -> Iterator[str]:
    for media_type, shape in wanted.items():
        yield from lacks(shape, found[media_type], media_type)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for content in value.values():
            yield from _references(content)
    elif isinstance(value, list):
        for content in value:
            yield from _references(content)
