"""Requests of one connection that differ in a few headers are served as if each had a connection of its own."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SCALE = float(os.environ.get("CAIKIT_PROPERTY_SCALE", "1"))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e473{}-00f067aa0ba902b7-01"
HEADERS = [
    *[("grpc-timeout", value) for value in ("9000S", "900S", "1000000m", "soon")],
    *[("traceparent", TRACE.format(digit)) for digit in "123"],
    *[("x-request-id", value) for value in ("one", "two", "a" * 300, "")],
    *[("content-length", value) for value in ("3", "03", "4", "x")],
    *[("data-bin", value) for value in ("AAAA", "AAA=,AQ", "no base64!")],
    *[("model", value) for value in ("one", "two", "a\nb")],
    *[("grpc-encoding", value) for value in ("identity", "gzip", "zip")],
    *[("content-encoding", value) for value in ("identity", "gzip")],
    ("te", "trailers"),
    ("te", "gzip"),
    ("Model", "one"),
    ("connection", "close"),
    ("content-type", "bad"),
    (":path", "/other"),
    (":scheme", "http"),
]
CALL = [
    *[(":method", "POST"), (":scheme", "http"), (":path", "/tests.native.Service/Tell"), (":authority", "x")],
    ("content-type", "application/grpc"),
]
REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/tell"), (":authority", "x")]
requests = st.tuples(
    st.sampled_from([CALL, REQUEST]),
    st.lists(st.tuples(st.sampled_from(HEADERS), st.integers(2, 9)), max_size=4),
)


def tell(context, body):
    left = None if context.deadline is None else round(context.remaining() / 100)
    headers = {name: str(value) for name, value in context.headers.items()}
    return json.dumps([left, headers, len(body)], sort_keys=True).encode()


def ask(client, kit, stream, headers, body):
    """What became of a request: status and answer, or how the stream or the connection ended."""
    block = client.encoder.encode(headers)
    client.send_all(
        kit.frame(kit.HEADERS, kit.END_HEADERS, stream, block)
        + kit.frame(kit.DATA, kit.END_STREAM, stream, body)
    )
    found, content = {}, b""
    while (read := client.read()) is not None:
        kind, flags, number, payload = read
        if kind == kit.GOAWAY:
            return "goodbye", payload[4:8]
        if number != stream:
            continue
        if kind == kit.RST_STREAM:
            return "reset", payload
        if kind == kit.HEADERS:
            found.update(client.decoder.decode(payload))
        elif kind == kit.DATA:
            content += payload
        if flags & kit.END_STREAM:
            break
    given = {"one", "two", *(TRACE.format(digit)[3:35] for digit in "123")}
    request_id = found.get("x-request-id")
    status = found.get(":status"), found.get("grpc-status"), found.get("grpc-message")
    return status, content, request_id if request_id in given else None


def after_others(name: str, *values: str, base=CALL, at: int = 9):
    """Requests that differ in one header, of which the first has none."""
    return [(base, []), *((base, [((name, value), at)]) for value in values)]


@pytest.mark.timeout(60 * max(1, SCALE))
@example(after_others("grpc-timeout", "9000S", "900S", "1000000m", "soon"))
@example([*after_others("grpc-timeout", "9000S", "900S"), (CALL, [(("grpc-timeout", "9000S"), 2)])])
@example(
    [
        *after_others("grpc-timeout", "9000S", at=5),
        (CALL, [(("grpc-timeout", "soon"), 5), (("grpc-encoding", "zip"), 6)]),
        (CALL, [(("grpc-encoding", "zip"), 5), (("grpc-timeout", "soon"), 6)]),
    ]
)
@example(after_others("traceparent", TRACE.format(1), TRACE.format(2), "x", TRACE.format(3), base=REQUEST))
@example(after_others("model", "one", "two", "a\nb"))
@example(after_others("data-bin", "AAAA", "AAA=,AQ", "no base64!"))
@example(
    [*after_others("content-length", "3", "03"), (CALL, [(("content-length", v), 9) for v in ("3", "4")])]
)
@example(after_others("content-length", "3", "4", base=REQUEST))
@example(after_others("content-length", "3", "03", "x", base=REQUEST))
@settings(max_examples=int(60 * SCALE), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(requests, min_size=2, max_size=12))
def test_each_request_is_served_by_its_own_headers(native, kit, script):
    server = native(http={"/tell": kit.HttpEndpoint(tell)}, grpc={"Tell": kit.Method(tell)})
    with server.speak() as shared:
        for number, (base, extra) in enumerate(script):
            headers = list(base)
            for header, at in extra:
                headers.insert(at, header)
            body = b"\0\0\0\0\3abc" if base is CALL else b"abc"
            with server.speak() as own:
                expected = ask(own, kit, 1, headers, body)
            found = ask(shared, kit, 2 * number + 1, headers, body)
            assert found == expected, headers
            if found[0] == "goodbye":
                return


def test_a_body_that_is_too_large_after_one_that_was_not(native, kit):
    server = native(http={"/tell": kit.HttpEndpoint(tell)}, max_body_size=100)
    statuses = []
    with server.speak() as client:
        for number, size in enumerate((10, 20, 100, 101, 30)):
            headers = [*REQUEST, ("content-length", str(size))]
            statuses.append(ask(client, kit, 2 * number + 1, headers, b"a" * size)[0][0])
    assert statuses == ["200", "200", "200", "413", "200"]
