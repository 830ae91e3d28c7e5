"""Operations made by hand, and servers for them."""

from __future__ import annotations

import contextlib
import enum
import socket
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.common.data_model import File
from caikit.runtime.engine import (
    Engine,
    Gate,
    HttpRoute,
    Kind,
    Layout,
    Observer,
    Operation,
    RequestError,
    Shape,
    Status,
    WorkerPool,
)
from caikit.runtime.heads.http import HttpHead
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.native import HttpService, NativeServer

PACKAGE = "tests.heads"
SERVICE = "tests.heads.Service"


@dataobject(PACKAGE)
class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataobject(PACKAGE)
class Point(DataObjectBase):
    x: int
    label: str | None


@dataobject(PACKAGE)
class Request(DataObjectBase):
    text: str
    times: int | None = 1
    scale: float | None = None
    flag: bool | None = None
    raw: bytes | None = None
    color: Color | None = None
    point: Point | None = None
    names: list[str] = None
    points: list[Point] = None
    extra: JsonDict = None
    counts: dict[str, int] = None
    when: datetime | None = None
    choice: int | str | None = None
    upload: File | None = None
    uploads: list[File] = None


@dataobject(PACKAGE)
class Pair(DataObjectBase):
    left: str
    right: str


@dataobject(PACKAGE)
class Query(DataObjectBase):
    id: str
    ids: list[str]
    limit: int | None = None


@dataobject(PACKAGE)
class Answer(DataObjectBase):
    seen: JsonDict


@dataobject(PACKAGE)
class Numbers(DataObjectBase):
    numbers: list[float]
    label: str


@dataobject(PACKAGE)
class Document(DataObjectBase):
    name: str
    type: str

    def to_file(self, file_obj: Any) -> File | None:
        with zipfile.ZipFile(file_obj, "w") as archive:
            archive.writestr("a.txt", "content")
        return File(filename=self.name, type=self.type) if self.name else None


def picture(value: Any) -> Any:
    """A JSON picture of what an operation received."""
    if isinstance(value, bytes):
        return f"bytes:{value!r}"
    if isinstance(value, enum.Enum):
        return f"enum:{value.name}"
    if isinstance(value, File):
        return {"filename": value.filename, "data": picture(value.data), "type": value.type}
    if isinstance(value, DataObjectBase):
        return f"{type(value).__name__}:{value.to_json()}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [picture(item) for item in value]
    if isinstance(value, dict):
        return {key: picture(item) for key, item in value.items()}
    return value


def show(context: Any, arguments: dict[str, Any]) -> Answer:
    return Answer({"model": context.model_id or "", **picture(arguments)})


def count(context: Any, arguments: dict[str, Any]) -> Iterable[Answer]:
    text = arguments["text"]
    if text == "early":
        raise ValueError("bad value")

    def items() -> Iterable[Answer]:
        for number in range(arguments.get("times", 0)):
            yield Answer({"number": number})
        if text == "value":
            raise ValueError("bad value")
        if text == "other":
            raise RuntimeError("went wrong")
        if text == "exit":
            raise GeneratorExit
        if text == "known":
            raise RequestError(Status.NOT_FOUND, "not there")

    return items()


def join(context: Any, messages: Iterable[dict[str, Any]]) -> Answer:
    seen = []
    for message in messages:
        if message["text"] == "enough":
            break
        seen.append(message)
    first = {name: value for name, value in seen[0].items() if name != "text"}
    return Answer(
        {"model": context.model_id or "", "texts": [message["text"] for message in seen], **picture(first)}
    )


def echo(context: Any, messages: Iterable[dict[str, Any]]) -> Iterable[Answer]:
    for message in messages:
        if message["text"] == "fail":
            raise ValueError("bad value")
        if message["text"] == "many":
            while True:
                yield Answer({"text": "x" * 10_000})
        yield Answer({"text": message["text"]})


def fail(context: Any, arguments: dict[str, Any]) -> Any:
    match arguments["text"]:
        case "value":
            raise ValueError("bad value")
        case "other":
            raise KeyError("no key")
        case "assert":
            raise AssertionError
        case "nothing":
            raise ValueError
        case "away":
            raise RequestError(Status.UNAVAILABLE, "backend is away")
        case "unencodable":
            return object()
        case _:
            raise RequestError(Status[arguments["text"]], f"it was {arguments['text']}")


def numbers(context: Any, arguments: dict[str, Any]) -> Numbers:
    return Numbers([float(text) for text in arguments["text"].split()], "NaN is no number")


def stream_numbers(context: Any, arguments: dict[str, Any]) -> Iterable[Numbers]:
    yield numbers(context, arguments)


def document(context: Any, arguments: dict[str, Any]) -> Document:
    return Document(name=arguments["left"], type=arguments["right"])


def make(name: str, work: Any, shape: Shape = Shape.UNARY, **kwargs: Any) -> Operation:
    settings = {"request": Request, "response": Answer, "kind": Kind.INFERENCE, **kwargs}
    return Operation(name=name, service=SERVICE, shape=shape, work=work, **settings)


def route(path: str, layout: Layout = Layout.INFERENCE, method: str = "POST", **kwargs: Any) -> HttpRoute:
    if layout is Layout.INFERENCE:
        kwargs.setdefault("required", ("text",))
    return HttpRoute(method=method, path=path, layout=layout, **kwargs)


OPERATIONS = [
    make("Show", show, http=route("/task/show", summary="Show", description="Shows what it gets")),
    make("Count", count, Shape.SERVER_STREAM, http=route("/task/count")),
    make("Join", join, Shape.CLIENT_STREAM, http=route("/task/join")),
    make("Echo", echo, Shape.BIDI, acknowledge=True, http=route("/task/echo")),
    make("Fail", fail, http=route("/task/fail", extra_openapi={"summary": "Better"})),
    make("Pair", show, request=Pair, http=route("/task/pair", required=("left", "right"))),
    make("Numbers", numbers, response=Numbers, http=route("/task/numbers")),
    make("CompactNumbers", numbers, response=Numbers, http=route("/task/compact", compact=True)),
    make(
        "StreamNumbers",
        stream_numbers,
        Shape.SERVER_STREAM,
        response=Numbers,
        http=route("/task/stream-numbers"),
    ),
    make("Hidden", show, http=route("/task/hidden", visible=False)),
    make(
        "Document",
        document,
        request=Pair,
        response=Document,
        http=route("/task/document", required=("left", "right")),
    ),
    make("Train", fail, kind=Kind.TRAINING, http=route("/train", Layout.REQUEST)),
    make("Start", show, kind=Kind.TRAINING, http=route("/start", Layout.REQUEST)),
    make(
        "Status",
        show,
        request=Query,
        kind=Kind.MANAGEMENT,
        http=route("/things", Layout.QUERY, "GET", required=("id",), compact=True),
    ),
    make(
        "Cancel",
        show,
        request=Query,
        kind=Kind.MANAGEMENT,
        http=route("/things", Layout.QUERY, "DELETE", required=("id",)),
    ),
]


@pytest.fixture
def workers():
    pool = WorkerPool(4)
    yield pool
    assert pool.close(5)


@pytest.fixture
def engine(workers):
    return Engine(gate=Gate(workers), observer=Observer())


@pytest.fixture
def kit():
    """What the operations are made of."""
    return SimpleNamespace(
        operations=OPERATIONS, service=SERVICE, Request=Request, Answer=Answer, make=make, route=route
    )


@pytest.fixture
def head(engine):
    return HttpHead(engine, OPERATIONS, title="Tests", version="1", description="All of them")


@pytest.fixture
def app(engine, workers, head):
    return AsgiApp(head, workers=workers, gate=engine.gate, max_body_size=100_000)


@pytest.fixture(params=["standard", "native"])
def transport(request):
    """What listens."""
    return request.param


@pytest.fixture
def open_client(transport, tmp_path):
    """Opens clients of a head."""

    @contextlib.asynccontextmanager
    async def open_client(
        head: HttpHead, workers: WorkerPool, gate: Gate
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings: Any = {"workers": workers, "gate": gate, "max_body_size": 100_000}
        with contextlib.ExitStack() as stack:
            if transport == "native":
                path = tmp_path / "socket"
                stack.enter_context(serve_natively(path, HttpService(head, **settings)))
                opened: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(uds=str(path))
            else:
                opened = httpx.ASGITransport(AsgiApp(head, **settings))
            async with httpx.AsyncClient(transport=opened, base_url="http://test") as client:
                yield client

    return open_client


@contextlib.contextmanager
def serve_natively(path: Path, service: HttpService) -> Iterator[None]:
    """A native server on a unix socket."""
    server = NativeServer(http=service)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    server.add_socket(listener)
    server.start()
    try:
        yield
    finally:
        server.stop(1)
        assert server.join(5)


@pytest.fixture
async def client(open_client, head, engine, workers):
    async with open_client(head, workers, engine.gate) as client:
        yield client
