from __future__ import annotations

import http.client
import json
import re

import pytest

BODY = b'{"model_id":"greeter","inputs":{"name":"Ann"}}'
FORM = {"content-type": "multipart/form-data; boundary=B"}
GREET = "/api/v1/task/greet"
LIMIT = 64 * 1024 * 1024


def raw(*headers: bytes, body: bytes = BODY, method: bytes = b"POST", path: bytes = b"/api/v1/task/greet"):
    lines = [method + b" " + path + b" HTTP/1.1", b"host: x", b"content-type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def length(body: bytes = BODY) -> bytes:
    return b"content-length: %d" % len(body)


CLOSE = b"connection: close"
CHUNKED = b"transfer-encoding: chunked"


@pytest.mark.parametrize(
    "data",
    [
        raw(CLOSE, b"content-length: -1"),
        raw(CLOSE, b"content-length: +5"),
        raw(CLOSE, b"content-length: 0x10"),
        raw(CLOSE, b"content-length: 99999999999999999999999"),
        raw(CLOSE, length(), b"content-length: 3"),
        raw(CLOSE, length(), CHUNKED),
        raw(CLOSE, b"transfer-encoding: foo"),
        raw(CLOSE, CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"),
        raw(CLOSE, CHUNKED, body=b"f" * 20 + b"\r\nabc\r\n"),
        raw(CLOSE, length(), b"no colon"),
        raw(CLOSE, length(), b"x: a\0b"),
        raw(CLOSE, length(), method=b"FOO"),
        raw(CLOSE, length(), path=b"/\xff"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 50,
        b"\x16\x03\x01\x02\x00" + b"\x01" * 300,
        b"GET /health HTTP/9.9\r\n\r\n",
    ],
    ids=range(16),
)
def test_what_is_no_http_is_refused_at_once(server, data):
    answer = server.exchange(data)

    # A listener that knows HTTP/2 refuses what begins like that in its own way.
    spoken = data.startswith(b"PRI") and answer.endswith(b"no settings")
    assert answer.startswith(b"HTTP/1.1 400 ") or spoken
    server.assert_well()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ";;;;"}, 415),
        ({"content-type": "application/grpc"}, 415),
        ({"content-type": "multipart/form-data"}, 400),
        ({"content-type": "multipart/form-data; boundary="}, 400),
        ({"content-type": f"multipart/form-data; boundary={'a' * 5000}"}, 400),
        ({"content-type": 'multipart/form-data; boundary="a'}, 400),
    ],
    ids=range(9),
)
def test_content_types_that_cannot_be_read(server, headers, expected):
    status, answer = server.request("POST", GREET, BODY, headers)

    assert status == expected
    assert isinstance(json.loads(answer)["detail"], str)


def test_a_body_that_is_announced_too_large_is_not_read(server):
    answer = server.exchange(raw(b"content-length: %d" % (LIMIT + 1), body=b""))

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_becomes_too_large_is_refused(server):
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"

    answer = server.exchange(raw(CHUNKED, body=chunk * (LIMIT // 0x100000 + 1)))

    assert answer.startswith(b"HTTP/1.1 413 ")
    server.assert_well()


def test_headers_without_end_are_refused(server):
    many = b"".join(b"x-%d: " % i + b"a" * 50_000 + b"\r\n" for i in range(40))

    with server.connect(b"GET /health HTTP/1.1\r\nhost: x\r\n", timeout=3) as client:
        try:
            client.sendall(many)
            answer = client.recv(1000)
        except ConnectionError:
            answer = b""

    assert answer[9:12] in (b"", b"400", b"431")


def test_pipelined_requests_are_answered_in_order(server):
    names = [b"a%d" % i for i in range(50)]
    bodies = [b'{"model_id":"greeter","inputs":{"name":"%s"}}' % name for name in names]
    requests = [raw(length(body), body=body) for body in bodies]
    requests.append(raw(CLOSE, method=b"GET", path=b"/health", body=b""))

    answer = server.exchange(b"".join(requests))

    assert re.findall(rb"Hello (a\d+)", answer) == names
    assert answer.count(b"HTTP/1.1 200 ") == len(requests)


def test_a_connection_survives_refusals(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=10)
    seen = []
    for path, body, content_type in [
        (GREET, b"{", "application/json"),
        (GREET, b"x" * 100_000, "text/plain"),
        ("/nowhere", b"x" * 1_000_000, "application/json"),
        ("/health", b"x" * 1_000_000, "application/json"),
        (GREET, b'{"model_id":"nope","inputs":{"name":"a"}}', "application/json"),
        (GREET, BODY, "application/json"),
    ]:
        connection.request("POST", path, body, {"content-type": content_type})
        response = connection.getresponse()
        response.read()
        seen.append((response.status, connection.sock is not None))
    connection.close()

    assert seen == [(422, True), (415, True), (404, True), (405, True), (404, True), (200, True)]


def part(name: bytes, data: bytes, headers: bytes = b"") -> bytes:
    return (
        b'--B\r\ncontent-disposition: form-data; name="'
        + name
        + b'"\r\n'
        + headers
        + b"\r\n"
        + data
        + b"\r\n"
    )


END = b"--B--\r\n"
MODEL = part(b"model_id", b"greeter")


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"garbage",
        MODEL,
        END,
        b"--B\r\nx: y\r\n\r\nA\r\n" + END,
        MODEL + part(b"a" * 5_000_000, b"x") + END,
        MODEL + part(b"inputs" + b".name" * 1000, b"x") + END,
        MODEL + part(b"inputs..name", b"x") + END,
        MODEL + part(b"inputs.__class__", b"x") + END,
        MODEL + part(b"inputs.na\0me", b"x") + END,
        MODEL + part(b"\xff", b"x") + END,
        MODEL + part(b"inputs.name", b"\xff") + END,
        MODEL + part(b"inputs", b"[" * 100_000) + END,
        MODEL + part(b"inputs", b"5") + part(b"inputs.name", b"x") + END,
        MODEL + part(b"inputs", b'{"name":"a","tags":5}') + part(b"inputs.tags", b"x") + END,
        MODEL + part(b"inputs.name", b"a") + part(b"inputs.mood", b"9" * 5000) + END,
        MODEL + part(b"inputs.name", b"a", b"".join(b"x%d: y\r\n" % i for i in range(10_000))) + END,
        MODEL + part(b"inputs.name", b"a", b"x: " + b"a" * 1_000_000 + b"\r\n") + END,
    ],
    ids=range(18),
)
def test_forms_that_cannot_be_read(server, form):
    status, answer = server.request("POST", GREET, form, FORM)

    assert status in (400, 422), answer
    text = json.loads(answer)
    told = text.get("detail") or text["details"]
    assert "must be an iterable" not in told
    assert "sys." not in told
    server.assert_well()


def test_a_form_of_thousands_of_parts(server):
    form = MODEL + part(b"inputs.name", b"Ann") + part(b"inputs.tags", b"t") * 5000 + END

    status, _ = server.request("POST", GREET, form, FORM)

    assert status == 200
