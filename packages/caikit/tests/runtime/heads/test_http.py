from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from caikit.runtime.engine import Status
from caikit.runtime.heads.http import HttpHead


async def show(client, inputs="a", **parameters):
    response = await client.post(
        "/task/show", json={"model_id": "m", "inputs": inputs, "parameters": parameters}
    )
    assert response.status_code == 200, response.text
    return response.json()["seen"]


async def test_inference_body(client):
    assert await show(client, "a", times=2, names=["x"], color="BLUE", point={"x": 1}) == {
        "model": "m",
        "text": "a",
        "times": 2,
        "names": ["x"],
        "color": "enum:BLUE",
        "point": 'Point:{"x": 1, "label": null}',
    }


async def test_falsy_values_are_values_and_null_is_none(client):
    assert await show(client, "", times=0, flag=False, names=[], scale=None) == {
        "model": "m",
        "text": "",
        "times": 0,
        "flag": False,
        "names": [],
    }


async def test_several_inputs(client):
    body = {"model_id": "m", "inputs": {"left": "a", "right": "b"}}
    response = await client.post("/task/pair", json=body)
    assert response.json()["seen"] == {"model": "m", "left": "a", "right": "b"}


async def test_request_body(client):
    response = await client.post("/start", json={"text": "a", "times": 3})
    assert response.json()["seen"] == {"model": "", "text": "a", "times": 3}


async def test_query(client):
    response = await client.get("/things?id=a&ids=1&ids=2&limit=5&unknown=x")
    assert response.text == '{"seen":{"model":"","id":"a","ids":["1","2"],"limit":5}}'
    response = await client.delete("/things", params={"id": ""})
    assert response.json()["seen"] == {"model": "", "id": ""}


@pytest.mark.parametrize(
    ("query", "type_", "location"),
    [("", "missing", ["query", "id"]), ("id=a&limit=x", "int_parsing", ["query", "limit"])],
)
async def test_bad_query(client, query, type_, location):
    response = await client.get(f"/things?{query}")
    assert response.status_code == 422
    issue = response.json()["additional_info"][0]
    assert (issue["type"], issue["loc"]) == (type_, location)


@pytest.mark.parametrize(
    ("body", "issues"),
    [
        ([], [("model_type", [])]),
        ("text", [("model_type", [])]),
        ({"model_id": 5, "inputs": "a"}, [("string_type", ["model_id"])]),
        ({"model_id": None, "inputs": "a"}, [("string_type", ["model_id"])]),
        ({"model_id": "m", "inputs": 5}, [("string_type", ["inputs"])]),
        ({"model_id": "m", "inputs": "a", "zzz": 1}, [("extra_forbidden", ["zzz"])]),
        ({"model_id": "m", "parameters": []}, [("model_type", ["parameters"])]),
        ({"model_id": "m", "parameters": {"text": "a"}}, [("extra_forbidden", ["parameters", "text"])]),
        (
            {"model_id": "m", "inputs": 1, "parameters": {"times": "x", "zzz": 1}, "more": 2},
            [
                ("string_type", ["inputs"]),
                ("int_parsing", ["parameters", "times"]),
                ("extra_forbidden", ["parameters", "zzz"]),
                ("extra_forbidden", ["more"]),
            ],
        ),
        (
            {"model_id": "m", "inputs": "a", "parameters": {"point": {"x": "y"}}},
            [("int_parsing", ["parameters", "point", "x"])],
        ),
    ],
)
async def test_body_that_does_not_fit(client, body, issues):
    for path in ("/task/show", "/task/count"):
        response = await client.post(path, json=body)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/json"
        content = response.json()
        assert [(issue["type"], issue["loc"]) for issue in content["additional_info"]] == issues
        assert content["code"] == 422
        first = content["additional_info"][0]
        place = ".".join(map(str, first["loc"]))
        assert content["details"] == (f"{first['msg']} at {place}" if place else first["msg"])
        assert len(content["id"]) == 32


async def test_missing_model_id(client):
    response = await client.post("/task/show", json={"inputs": "a"})
    assert response.status_code == 400
    assert response.json()["details"] == "Please provide model_id in payload"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"model_id": ',
        b"\xff\xfe",
        b'{"a": "\xff"}',
        b"[" * 50_000,
        b"nonsense",
        b'{"model_id": "m", "inputs": "a"} trailing',
        random.Random(7).randbytes(5000),
    ],
)
async def test_body_that_is_no_json(client, body):
    response = await client.post("/task/show", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["additional_info"][0]["type"] == "json_invalid"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "[NaN]"])
async def test_errors_are_json_whatever_the_input_was(client, number):
    body = f'{{"model_id": "m", "inputs": "a", "parameters": {{"scale": {number}}}}}'
    response = await client.post("/task/show", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422

    def refuse(text):
        raise ValueError(text)

    content = json.loads(response.text, parse_constant=refuse)
    assert content["additional_info"][0]["loc"] == ["parameters", "scale"]


async def test_errors_do_not_send_large_input_back(client):
    body = {"model_id": "m", "inputs": {"a": "x" * 50_000}}
    response = await client.post("/task/show", json=body)
    assert response.status_code == 422
    assert len(response.content) < 5000


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/json ;a=b", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
        (None, 415),
        ("multipart/form-data", 400),
    ],
)
async def test_media_types(client, content_type, status):
    headers = {} if content_type is None else {"content-type": content_type}
    response = await client.post("/task/show", content=b'{"model_id": "m", "inputs": "a"}', headers=headers)
    assert response.status_code == status
    if status != 200:
        assert set(response.json()) == {"detail"}
    if not content_type:
        assert response.json()["detail"] == (
            "Unsupported media type: (none). Expected application/json or multipart/form-data."
        )


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("GET", "/", 404, {}),
        ("POST", "/task/nope", 404, {}),
        ("GET", "/task/show", 405, {"allow": "POST"}),
        ("HEAD", "/health", 405, {"allow": "GET"}),
        ("PUT", "/things", 405, {"allow": "DELETE, GET"}),
        ("POST", "/task/show/", 307, {"location": "http://test/task/show"}),
        ("GET", "/things/?id=a%20b", 307, {"location": "http://test/things?id=a%20b"}),
        ("GET", "/task/show%0d%0aevil: 1/", 404, {}),
    ],
)
async def test_other_paths_and_methods(client, method, path, status, headers):
    response = await client.request(method, path)
    assert response.status_code == status
    for name, value in headers.items():
        assert response.headers[name] == value


HTTP_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


@pytest.mark.parametrize("status", [status.name for status in Status if status is not Status.OK])
async def test_statuses(client, status):
    response = await client.post("/task/fail", json={"model_id": "m", "inputs": status})
    assert response.status_code == HTTP_STATUSES[status]
    assert response.headers["content-type"] == "application/json"
    content = response.json()
    assert content == {"details": f"it was {status}", "code": HTTP_STATUSES[status], "id": content["id"]}
    assert ("retry-after" in response.headers) == (status == "UNAVAILABLE")


@pytest.mark.parametrize(
    ("path", "text", "status", "details"),
    [
        ("/task/fail", "value", 400, "bad value"),
        ("/task/fail", "other", 500, "'no key'"),
        ("/task/fail", "assert", 500, "AssertionError was raised"),
        ("/task/fail", "nothing", 400, "ValueError was raised"),
        ("/train", "assert", 500, "Unhandled exception: AssertionError was raised"),
        ("/task/fail", "unencodable", 500, "Could not serialize response"),
        ("/train", "value", 400, "bad value"),
        ("/train", "other", 500, "Unhandled exception: 'no key'"),
    ],
)
async def test_failures(client, path, text, status, details):
    body = {"text": text} if path == "/train" else {"model_id": "m", "inputs": text}
    response = await client.post(path, json=body)
    assert response.status_code == status
    assert response.json()["details"] == details


async def test_an_enum_that_does_not_fit_is_told_by_names_too(client):
    for color, place in (("PINK", "parameters.color"), (7, "parameters.color")):
        body = {"model_id": "m", "inputs": "a", "parameters": {"color": color}}
        response = await client.post("/task/show", json=body)
        assert response.status_code == 422
        content = response.json()
        assert content["details"] == f"Input should be 1 or 2 at {place} (RED or BLUE)"
        assert content["additional_info"][0]["msg"] == "Input should be 1 or 2 (RED or BLUE)"


async def stream(client, text, times=1):
    body = {"model_id": "m", "inputs": text, "parameters": {"times": times}}
    response = await client.post("/task/count", json=body)
    assert response.status_code == 200
    return response


async def test_event_stream(client):
    response = await stream(client, "a", 2)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text == (
        'event: message\r\ndata: {"seen": {"number": 0}}\r\n\r\n'
        'event: message\r\ndata: {"seen": {"number": 1}}\r\n\r\n'
    )
    assert (await stream(client, "a", 0)).text == ""


@pytest.mark.parametrize(
    ("text", "code", "details"),
    [
        ("early", 400, "bad value"),
        ("value", 400, "ValueError('bad value')"),
        ("other", 500, "Unhandled exception: went wrong"),
        ("known", 404, "not there"),
        ("exit", 500, "Unhandled exception: GeneratorExit was raised"),
    ],
)
async def test_event_stream_that_fails(client, text, code, details):
    frames = (await stream(client, text, 1)).text.split("\r\n\r\n")
    assert len(frames) == (2 if text == "early" else 3)
    event, data = frames[-2].split("\r\n")
    assert event == "event: error"
    content = json.loads(data.removeprefix("data: "))
    assert content == {"details": details, "code": code, "id": content["id"]}


@pytest.mark.parametrize(
    ("text", "status", "details"),
    [
        ("early", 400, "bad value"),
        ("value", 400, "ValueError('bad value')"),
        ("other", 500, "Unhandled exception: went wrong"),
        ("known", 404, "not there"),
    ],
)
async def test_event_stream_that_fails_before_its_first_item_may_have_a_status(
    open_client, kit, engine, workers, text, status, details
):
    head = HttpHead(
        engine, kit.operations, title="Tests", version="1", description="", stream_error_status=True
    )
    async with open_client(head, workers, engine.gate) as client:
        body = {"model_id": "m", "inputs": text, "parameters": {"times": 0}}
        response = await client.post("/task/count", json=body)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/json"
        assert (response.json()["details"], response.json()["code"]) == (details, status)
        if text != "early":
            response = await stream(client, text, 1)
            assert response.status_code == 200
            assert response.text.count("event: message") == response.text.count("event: error") == 1
        response = await stream(client, "a", 0)
        assert (response.status_code, response.text) == (200, "")
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (await stream(client, "a", 2)).text.count("event: message") == 2


async def test_event_stream_without_model_id(client):
    response = await client.post("/task/count", json={"inputs": "a"})
    assert response.status_code == 200
    assert "Please provide model_id in payload" in response.text


@pytest.mark.parametrize(
    ("name", "type_", "disposition", "media_type"),
    [
        ("result.zip", "application/zip", 'attachment; filename="result.zip"', "application/zip"),
        ("result.zip", "", 'attachment; filename="result.zip"', "application/octet-stream"),
        ("", "application/zip", "attachment", "application/octet-stream"),
        (
            'a"\r\nevil: 1\\.zip',
            "text/plain\r\nevil: 1",
            "attachment; filename=\"a_evil: 1_.zip\"; filename*=UTF-8''a%22evil%3A%201%5C.zip",
            "application/octet-stream",
        ),
        ("é.zip", "x/y", "attachment; filename=\"?.zip\"; filename*=UTF-8''%C3%A9.zip", "x/y"),
    ],
)
async def test_file_answer(client, name, type_, disposition, media_type):
    body = {"model_id": "m", "inputs": {"left": name, "right": type_}}
    response = await client.post("/task/document", json=body)
    assert response.status_code == 200
    assert response.headers["content-disposition"] == disposition
    assert response.headers["content-type"] == media_type
    assert "evil" not in response.headers
    assert zipfile.ZipFile(io.BytesIO(response.content)).read("a.txt") == b"content"


@pytest.mark.parametrize(
    ("accept", "json_wanted"),
    [
        ("application/json", True),
        ("Application/JSON;q=0.9, application/json", True),
        ("application/json, application/zip;q=0", True),
        ("application/json, text/plain, */*", False),
        ("*/*", False),
        ("application/zip", False),
        ("application/json;q=0", False),
        ("", False),
    ],
)
async def test_a_file_or_its_json(client, accept, json_wanted):
    body = {"model_id": "m", "inputs": {"left": "a.zip", "right": "application/zip"}}
    response = await client.post("/task/document", json=body, headers={"accept": accept})
    assert response.status_code == 200
    if json_wanted:
        assert response.headers["content-type"] == "application/json"
        assert "content-disposition" not in response.headers
        assert response.json() == {"name": "a.zip", "type": "application/zip"}
    else:
        assert response.headers["content-type"] == "application/zip"


async def test_body_size_limit(client):
    body = {"model_id": "m", "inputs": "x" * 100_000}
    response = await client.post("/task/show", json=body)
    assert response.status_code == 413
    content = response.json()
    assert content["code"] == 413
    assert "runtime.http.max_body_size" in content["details"]


async def test_health(client, engine):
    for path in ("/health", "/livez", "/readyz"):
        response = await client.get(path)
        assert (response.status_code, response.text) == (200, "OK")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
    engine.gate.drain()
    assert (await client.get("/health")).status_code == 503
    assert (await client.get("/livez")).status_code == 200
    response = await client.post("/task/show", json={"model_id": "m", "inputs": "a"})
    assert response.status_code == 503
