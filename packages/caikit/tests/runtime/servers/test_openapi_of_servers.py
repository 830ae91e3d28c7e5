"""The OpenAPI document of a server is valid, and says what the server does."""

from __future__ import annotations

import enum
import importlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import requests

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.common.data_model import File, Vector1D
from caikit.runtime.http_server import RuntimeHTTPServer

PACKAGE = "tests.openapi_of_servers"
MODULE_ID = "7f1b5c4e-0000-4000-8000-0000000000c1"
NAME = re.compile(r"[a-zA-Z0-9._-]+")


@dataobject(PACKAGE)
class Page(DataObjectBase):
    text: str
    tree: list[Page]

    class Kind(enum.Enum):
        PLAIN = 0

    kind: Kind


@dataobject(PACKAGE)
class Picture(DataObjectBase):
    name: str

    def to_file(self, file_obj: Any) -> File:
        file_obj.write(b"GIF89a")
        return File(filename=self.name, type="image/gif")


@dataobject(PACKAGE)
class Shelf(DataObjectBase):
    either: list[str] | list[int]
    label: str | int
    vector: Vector1D


@task(
    unary_parameters={"page": Page},
    streaming_parameters={"page": Iterable[Page]},
    unary_output_type=Page,
    streaming_output_type=Iterable[Page],
    metadata={"extra_openapi": {"operationId": "leaf", "summary": "Leaf through"}},
)
class LeafTask(TaskBase):
    pass


@task(unary_parameters={"name": str}, unary_output_type=Picture)
class PaintTask(TaskBase):
    pass


@task(unary_parameters={"shelf": Shelf}, unary_output_type=Shelf)
class StoreTask(TaskBase):
    pass


@module(MODULE_ID, "Library", "1.0.0", tasks=[LeafTask, PaintTask, StoreTask])
class Everything(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Everything:
        return cls()

    @LeafTask.taskmethod()
    def leaf(self, page: Page, size: Page | None = None) -> Page:
        return page

    @LeafTask.taskmethod(output_streaming=True)
    def leaves(self, page: Page) -> Iterable[Page]:
        yield page

    @LeafTask.taskmethod(input_streaming=True)
    def bind(self, page: Iterable[Page], title: str = "") -> Page:
        return Page(text=title)

    @LeafTask.taskmethod(input_streaming=True, output_streaming=True)
    def copy(self, page: Iterable[Page]) -> Iterable[Page]:
        yield from page

    @PaintTask.taskmethod()
    def paint(self, name: str) -> Picture:
        return Picture(name)

    @StoreTask.taskmethod()
    def store(self, shelf: Shelf) -> Shelf:
        return shelf

    @classmethod
    def train(cls, rate: float = 0.5) -> Everything:
        return cls()


@pytest.fixture(params=["standard", "native"])
def server(request, configure, tmp_path):
    model = tmp_path / "models" / "everything"
    model.mkdir(parents=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
    configure(library=__name__.partition(".")[0], transport=request.param)
    with RuntimeHTTPServer() as server, requests.Session() as session:
        base = f"http://127.0.0.1:{server.port}"
        yield lambda method, path, **kwargs: session.request(method, base + path, timeout=10, **kwargs)


@pytest.fixture
def document(server):
    return server("GET", "/openapi.json").json()


def operations(document):
    return [each for methods in document["paths"].values() for each in methods.values()]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_names_are_valid_and_unique(document):
    schemas = document["components"]["schemas"]
    assert all(NAME.fullmatch(name) for name in schemas)
    assert set(references(document)) == {f"#/components/schemas/{name}" for name in schemas}
    ids = [each["operationId"] for each in operations(document)]
    assert len(set(ids)) == len(ids)
    # The library's own word for the task goes to one of its paths.
    assert ids.count("leaf") == 1


@pytest.mark.skipif(importlib.util.find_spec("openapi_spec_validator") is None, reason="needs the validator")
def test_a_validator_finds_no_fault(document):
    importlib.import_module("openapi_spec_validator").validate(document)


def test_probes(server, document):
    for path in ("/health", "/livez", "/readyz"):
        assert list(document["paths"][path]["get"]["responses"]["200"]["content"]) == ["text/plain"]
        answer = server("GET", path)
        assert (answer.status_code, answer.text) == (200, "OK")
    assert "503" not in document["paths"]["/livez"]["get"]["responses"]


def required(document, content):
    """What the schemas that an answer may have require, by the last part of their names."""
    schema = content["application/json"]["schema"]
    names = [each["$ref"].rpartition("/")[2] for each in schema.get("anyOf", [schema])]
    return {name: set(document["components"]["schemas"][name].get("required", ())) for name in names}


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, "x", 415),
        ({"content-type": "multipart/form-data"}, "x", 400),
        ({"content-type": "application/json", "content-encoding": "gzip"}, "{}", 415),
        ({"content-type": "application/json"}, '{"inputs": {}}', 400),
        ({"content-type": "application/json"}, '{"model_id": "nobody", "inputs": {}}', 404),
        ({"content-type": "application/json"}, '{"model_id": "everything", "inputs": 5}', 422),
        ({"content-type": "application/json"}, "{", 422),
    ],
)
def test_errors_are_described(server, document, headers, body, status):
    described = document["paths"]["/api/v1/task/leaf"]["post"]["responses"]
    answer = server("POST", "/api/v1/task/leaf", data=body, headers=headers)
    assert answer.status_code == status, answer.text
    allowed = required(document, described.get(str(status), described["default"])["content"])
    assert any(keys <= answer.json().keys() for keys in allowed.values())


def test_files(server, document):
    content = document["paths"]["/api/v1/task/paint"]["post"]["responses"]["200"]["content"]
    assert list(content) == ["application/octet-stream", "*/*"]
    answer = server("POST", "/api/v1/task/paint", json={"model_id": "everything", "inputs": "a.gif"})
    assert (answer.headers["content-type"], answer.content) == ("image/gif", b"GIF89a")


UNIONS = [
    {"either": ["a", ""]},
    {"either": []},
    {"either_int_sequence": [1, 2]},
    {"either_str_sequence": {"values": ["a"]}},
    {"label": "a"},
    {"label_int": 3},
    {"vector": {"data": {"values": [0.5]}}},
    {"vector": {"data_npfloat32sequence": {"values": [0.5]}}},
]


@pytest.mark.skipif(importlib.util.find_spec("jsonschema") is None, reason="needs the validator")
@pytest.mark.parametrize("shelf", UNIONS, ids=str)
def test_unions_fit_their_schema(server, document, shelf):
    """What is taken, and what is answered, where lists are in an object of the wire."""
    schema = {"$ref": f"#/components/schemas/{PACKAGE}.Shelf", "components": document["components"]}
    validator = importlib.import_module("jsonschema").Draft202012Validator(schema)
    answer = server("POST", "/api/v1/task/store", json={"model_id": "everything", "inputs": shelf})
    assert answer.status_code == 200, answer.text
    validator.validate(shelf)
    validator.validate(answer.json())


@pytest.mark.parametrize("flavour", ["client-streaming", "bidi-streaming"])
def test_streamed_input(document, flavour):
    described = document["paths"][f"/api/v1/task/{flavour}-leaf"]["post"]
    (lines,) = described["requestBody"]["content"].values()
    socket = described["x-websocket"]
    assert socket["message"] == lines["schema"]["x-line"]
    assert {"inputs", "model_id"} <= set(socket["message"]["properties"])
    assert socket["result"] == {"$ref": f"#/components/schemas/{PACKAGE}.Page"}
