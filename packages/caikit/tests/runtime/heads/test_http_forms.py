from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

BOUNDARY = "frontier"


def form(*parts: tuple[Any, ...]) -> bytes:
    """Parts are (name, value) or (name, value, filename, content type)."""
    lines = []
    for name, value, *file in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{file[0]}"' if file else "")
        head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n"
        if file and file[1]:
            head += f"Content-Type: {file[1]}\r\n"
        lines.append(
            head.encode() + b"\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
        )
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


async def post(client: httpx.AsyncClient, path: str, body: bytes) -> httpx.Response:
    return await client.post(
        path, content=body, headers={"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    )


async def seen(client, *parts):
    response = await post(client, "/task/show", form(("model_id", "m"), ("inputs", "a"), *parts))
    assert response.status_code == 200, response.text
    found = response.json()["seen"]
    assert found.pop("model") == "m"
    assert found.pop("text") == "a"
    return found


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("parameters.times", "2")], {"times": 2}),
        ([("parameters.flag", "true")], {"flag": True}),
        ([("parameters.scale", "1.5")], {"scale": 1.5}),
        ([("parameters.raw", "cmF3")], {"raw": "bytes:b'raw'"}),
        ([("parameters.raw", b"\x00\xff", "a.bin", "")], {"raw": "bytes:b'\\x00\\xff'"}),
        ([("parameters.color", "2")], {"color": "enum:BLUE"}),
        ([("parameters.color", "RED")], {"color": "enum:RED"}),
        ([("parameters.names", "x"), ("parameters.names", "y")], {"names": ["x", "y"]}),
        ([("parameters.names", "x")], {"names": ["x"]}),
        ([("parameters.counts", '{"a": 1}')], {"counts": {"a": 1}}),
        ([("parameters.extra", '{"a": [1, null]}')], {"extra": {"a": [1, None]}}),
        ([("parameters.choice", "five")], {"choice": "five"}),
        ([("parameters.when", "2024-01-02T03:04:05Z")], {"when": "2024-01-02T03:04:05"}),
        ([("parameters.point", '{"x": 1}')], {"point": 'Point:{"x": 1, "label": null}'}),
        (
            [("parameters.point.label", "l"), ("parameters.point", '{"x": 1}')],
            {"point": 'Point:{"x": 1, "label": "l"}'},
        ),
        (
            [("parameters.points", '{"x": 1}'), ("parameters.points", '{"x": 2}')],
            {"points": ['Point:{"x": 1, "label": null}', 'Point:{"x": 2, "label": null}']},
        ),
        ([("parameters", '{"times": 3}'), ("parameters.scale", "2")], {"times": 3, "scale": 2.0}),
        ([("parameters.times", "")], {}),
        (
            [("parameters.upload", b"content", "up.txt", "text/plain")],
            {"upload": {"filename": "up.txt", "data": "bytes:b'content'", "type": "text/plain"}},
        ),
        (
            [("parameters.uploads", b"1", "a", "x/y"), ("parameters.uploads", b"2", "b", "x/y")],
            {
                "uploads": [
                    {"filename": "a", "data": "bytes:b'1'", "type": "x/y"},
                    {"filename": "b", "data": "bytes:b'2'", "type": "x/y"},
                ]
            },
        ),
    ],
)
async def test_parts(client, parts, expected):
    assert await seen(client, *parts) == expected


async def test_request_body(client):
    response = await post(client, "/start", form(("text", "a"), ("times", "2")))
    assert response.json()["seen"] == {"model": "", "text": "a", "times": 2}


async def test_several_inputs(client):
    body = form(("model_id", "m"), ("inputs.left", "a"), ("inputs", '{"right": "b"}'))
    assert (await post(client, "/task/pair", body)).json()["seen"] == {
        "model": "m",
        "left": "a",
        "right": "b",
    }


@pytest.mark.parametrize(
    ("parts", "status", "detail"),
    [
        ([("zzz", "1")], 422, "Unknown key 'zzz'"),
        ([("parameters.zzz", "1")], 422, "Unknown key 'parameters.zzz'"),
        ([("parameters.times.deep", "1")], 422, "Unknown key 'parameters.times.deep'"),
        ([("parameters.point", "no json")], 422, "Failed to parse key 'parameters.point'"),
        ([("parameters", "[")], 422, "Failed to parse key 'parameters'"),
        ([("parameters.names", b"\xff")], 422, "Key 'parameters.names' is not UTF-8 text"),
        ([("parameters", "5"), ("parameters.times", "1")], 422, "contradicts"),
        ([("parameters", '{"names": 5}'), ("parameters.names", "a")], 422, "contradicts"),
        ([("parameters", '{"names": "x"}'), ("parameters.names", "a")], 422, "contradicts"),
        ([("parameters", '{"names": {"a": 1}}'), ("parameters.names", "a")], 422, "contradicts"),
    ],
)
async def test_parts_that_cannot_be_read(client, parts, status, detail):
    response = await post(client, "/task/show", form(("model_id", "m"), ("inputs", "a"), *parts))
    assert response.status_code == status
    assert detail in response.json()["detail"]


async def test_part_that_does_not_fit(client):
    body = form(("model_id", "m"), ("inputs", "a"), ("parameters.times", "x"))
    response = await post(client, "/task/show", body)
    assert response.status_code == 422
    assert response.json()["additional_info"][0]["loc"] == ["parameters", "times"]


async def test_enum_of_endless_digits(client):
    body = form(("model_id", "m"), ("inputs", "a"), ("parameters.color", "9" * 5000))
    response = await post(client, "/task/show", body)
    assert response.status_code == 422
    assert "sys." not in response.text
    assert len(response.content) < 5000


async def test_list_goes_on_after_json(client):
    parts = ("parameters", '{"names": ["x"]}'), ("parameters.names", "y")
    assert await seen(client, *parts) == {"names": ["x", "y"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"--frontier\r\n\r\nno name\r\n--frontier--\r\n",
        b'--frontier\r\nContent-Disposition: form-data; name="inputs"\r\n\r\ncut off',
        b"--frontier\r\n" + b"\x00\xff" * 100,
    ],
)
async def test_malformed_forms(client, body):
    response = await post(client, "/task/show", body)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("Malformed multipart body")


async def test_stream_with_a_form(client):
    body = form(("model_id", "m"), ("inputs", "a"), ("parameters.times", "1"))
    response = await post(client, "/task/count", body)
    assert response.text == 'event: message\r\ndata: {"seen": {"number": 0}}\r\n\r\n'
    response = await post(client, "/task/count", form(("zzz", "1")))
    assert (response.status_code, json.loads(response.text)) == (422, {"detail": "Unknown key 'zzz'"})
