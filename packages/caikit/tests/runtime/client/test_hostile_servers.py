"""Servers that die, hang, lie, trickle and send elsewhere."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

Load = Callable[..., Any]

GREETING = b'{"text": "Hello"}'


def failure(call: Callable[[], Any]) -> CaikitRuntimeException:
    with pytest.raises(CaikitRuntimeException) as caught:
        call()
    return caught.value


@pytest.fixture
def person(golden: SimpleNamespace) -> Any:
    return golden.data.Person("Ann")


@pytest.fixture
def grpc_server() -> Iterator[Callable[..., int]]:
    """Serves one function for every method; it gets the bytes (or the stream of them) and the context."""
    started: list[grpc.Server] = []

    def serve(answer: Callable[[Any, grpc.ServicerContext], Any], kind: str = "unary_unary") -> int:
        class Handler(grpc.GenericRpcHandler):
            def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
                handler: grpc.RpcMethodHandler[Any, Any] = getattr(grpc, f"{kind}_rpc_method_handler")(answer)
                return handler

        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Handler()])
        started.append(server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return port

    yield serve
    for server in started:
        server.stop(0).wait(5)


# One answer over HTTP #######################################################

ANSWERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "not JSON": ({"body": b"{nonsense"}, "INTERNAL", "is no Greeting"),
    "other JSON": ({"body": b'["a"]'}, "INTERNAL", "is no Greeting"),
    "other types": ({"body": b'{"text": {"a": 1}}'}, "INTERNAL", "is no Greeting"),
    "deep JSON": ({"body": b"[" * 100_000}, "INTERNAL", "is no Greeting"),
    "bad UTF-8": ({"body": b'{"text": "\xff"}'}, "INTERNAL", "is no Greeting"),
    "empty": ({"body": b""}, "INTERNAL", "is no Greeting"),
    "a page": ({"body": b"<html>", "content_type": "text/html"}, "INTERNAL", "expected application/json"),
    "no type": ({"body": GREETING, "content_type": ""}, "INTERNAL", "expected application/json"),
    "a redirect": ({"status": 307, "location": "http://elsewhere/"}, "UNKNOWN", "redirects to http://elsewhere/"),
    "a moved page": ({"status": 301, "location": "/x"}, "UNKNOWN", "which is not followed"),
    "a page with an error": ({"status": 500, "body": b"<html>oh"}, "INTERNAL", "Received status 500 from remote server: <html>oh"),
    "another form of error": ({"status": 404, "body": b'{"detail": "Not Found"}'}, "NOT_FOUND", "Not Found"),
    "too many requests": ({"status": 429, "body": b'{"details": "later"}'}, "RESOURCE_EXHAUSTED", "later"),
    "too large": ({"status": 413, "body": b'{"detail": "big"}'}, "RESOURCE_EXHAUSTED", "big"),
    "an unknown status": ({"status": 418, "body": b""}, "UNKNOWN", "Received status 418"),
    "nothing": ({"status": 204, "body": b""}, "UNKNOWN", "Received status 204"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_that_are_none(fake: SimpleNamespace, greeter_at: Load, person: Any, kind: str) -> None:
    given, status, text = ANSWERS[kind]
    answer = fake.answer(**{"status": 200, **given})
    server = fake.serve(lambda sock, _: sock.sendall(answer))
    error = failure(lambda: greeter_at(server.port).run(person))
    assert error.status_code is grpc.StatusCode[status], error
    assert text in error.message
    assert len(server.requests) == 1


def test_answers_may_have_more_fields(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    answer = fake.answer(200, b'{"text": "Hello", "of_next_year": {"a": [1]}}')
    server = fake.serve(lambda sock, _: sock.sendall(answer))
    assert greeter_at(server.port).run(person).text == "Hello"


def test_a_server_that_ends_each_connection(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    server = fake.serve(lambda sock, _: (sock.sendall(fake.answer(200, GREETING)), sock.close()))
    model = greeter_at(server.port, retries=0)
    for _ in range(3):
        assert model.run(person).text == "Hello"
        time.sleep(0.02)


def test_random_answers(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    """Whatever arrives, it is an answer or the documented exception."""
    chance = random.Random(7)
    parts = [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 x\r\n", b"content-type: application/json\r\n",
        b"content-type: text/event-stream\r\n", b"transfer-encoding: chunked\r\n", b"content-length: 9\r\n",
        b"content-encoding: gzip\r\n", b"retry-after: soon\r\n", b"location: \xff\r\n", b"\r\n", b"5\r\nhello\r\n",
        b"0\r\n\r\n", b"zz\r\n", b"-1\r\n", b"data: {}\n\n", b"event: error\ndata: []\n\n", b"{}", b"\x1f\x8b\x08", b"\x00", b"\xff" * 30,
    ]  # fmt: skip

    def answer(sock: socket.socket, _: bytes) -> None:
        sock.sendall(b"".join(chance.choices(parts, k=chance.randint(0, 9))))
        sock.close()

    model = greeter_at(fake.serve(answer).port, retries=0, timeout=2)
    for number in range(300):
        with contextlib.suppress(CaikitRuntimeException):
            assert list(model.run_stream_out(person)) if number % 2 else model.run(person)


def test_garbage_in_place_of_an_answer(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    server = fake.serve(lambda sock, _: (sock.sendall(b"\x00\x01garbage\r\n\r\n"), sock.close()))
    for protocol in ("http", "grpc"):
        error = failure(
            lambda protocol=protocol: greeter_at(server.port, protocol, timeout=2, retries=0).run(person)
        )
        assert error.status_code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def test_a_body_that_ends_too_early(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    def half(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.answer(200, GREETING, content_length="1000"))
        sock.close()

    error = failure(lambda: greeter_at(fake.serve(half).port).run(person))
    assert error.status_code is grpc.StatusCode.UNAVAILABLE
    assert "before it was complete" in error.message


def test_a_body_without_end(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    def flood(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.answer(200, content_length="", transfer_encoding="chunked"))
        while True:
            sock.sendall(fake.chunk(b"x" * 100_000))

    model = greeter_at(fake.serve(flood).port, options={"max_response_bytes": 1_000_000})
    error = failure(lambda: model.run(person))
    assert error.status_code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "more than 1000000 bytes; the limit is connection.options.max_response_bytes" in error.message


def test_an_event_without_end(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    def flood(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.sse_head())
        while True:
            sock.sendall(fake.chunk(b"data: " + b"x" * 100_000))

    model = greeter_at(fake.serve(flood).port, options={"max_response_bytes": 1_000_000})
    assert (
        failure(lambda: list(model.run_stream_out(person))).status_code is grpc.StatusCode.RESOURCE_EXHAUSTED
    )


@pytest.mark.parametrize("pace", ["silent", "after the head", "byte by byte"])
def test_a_server_that_hangs(fake: SimpleNamespace, greeter_at: Load, person: Any, pace: str) -> None:
    stop = threading.Event()

    def hang(sock: socket.socket, _: bytes) -> None:
        if pace != "silent":
            sock.sendall(fake.answer(200, content_length="1000"))
        while not stop.wait(0.05):
            if pace == "byte by byte":
                sock.sendall(b" ")

    model = greeter_at(fake.serve(hang).port, timeout=0.4)
    start = time.monotonic()
    error = failure(lambda: model.run(person))
    stop.set()
    assert error.status_code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 0.8


def test_nobody_listens(golden: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for protocol in ("grpc", "http"):
        for call in calls_of_all_kinds(greeter_at(port, protocol), person):
            error = failure(call)
            assert error.status_code is grpc.StatusCode.UNAVAILABLE
            assert "refused" in error.message


def test_a_name_that_nobody_has(greeter_at: Load, person: Any) -> None:
    for protocol in ("grpc", "http"):
        error = failure(
            lambda protocol=protocol: greeter_at(
                80, protocol, hostname="no-such-host.invalid", timeout=3
            ).run(person)
        )
        assert error.status_code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@pytest.mark.parametrize("hostname", ["a..b", "a b", "http://a", "", "\u2603" * 80, "[", "a/b", "a@b"])
def test_names_that_are_none(greeter_at: Load, person: Any, hostname: str) -> None:
    for protocol in ("grpc", "http"):
        for call in calls_of_all_kinds(greeter_at(80, protocol, hostname=hostname, timeout=2), person):
            error = failure(call)
            assert error.status_code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


# Encryption ##################################################################


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(
    ("server", "tls"),
    [
        ("tls", {"enabled": False}),
        ("plain", {"enabled": True, "ca_file": "ca.pem"}),
        ("tls", {"enabled": True, "ca_file": "client.pem"}),
        ("tls", {"enabled": True}),
        ("mtls", {"enabled": True, "ca_file": "ca.pem"}),
    ],
)
def test_encryption_that_does_not_match(
    servers: Callable[[str], Any], certs: Callable[[str], str], greeter_at: Load, person: Any,
    protocol: str, server: str, tls: dict[str, Any],
) -> None:  # fmt: skip
    files = {name: certs(value) if name.endswith("_file") else value for name, value in tls.items()}
    model = greeter_at(servers(server).ports[protocol], protocol, hostname="localhost", tls=files, timeout=5)
    for call in calls_of_all_kinds(model, person):
        assert failure(call).status_code is grpc.StatusCode.UNAVAILABLE


def calls_of_all_kinds(model: Any, person: Any) -> list[Callable[[], Any]]:
    return [
        lambda: model.run(person),
        lambda: list(model.run_stream_out(person)),
        lambda: model.run_stream_in([person]),
        lambda: list(model.run_bidi([person])),
    ]


def test_a_certificate_for_another_host(
    servers: Callable[[str], Any], certs: Callable[[str], str], greeter_at: Load, person: Any
) -> None:
    tls = {"enabled": True, "ca_file": certs("ca.pem")}
    for protocol in ("grpc", "http"):
        model = greeter_at(servers("tls").ports[protocol], protocol, hostname="127.0.0.2", tls=tls)
        for call in calls_of_all_kinds(model, person):
            assert failure(call).status_code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_certificates_need_not_be_verified_over_http(
    servers: Callable[[str], Any], greeter_at: Load, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    tls = {"enabled": True, "insecure_verify": True}
    model = greeter_at(servers("tls").ports["http"], tls=tls)
    assert model.run(person).text == model.run_stream_in([person]).text == "Hello Ann"
    assert [item.text for item in model.run_bidi([person])] == ["Hello Ann"]


def test_missing_files_of_keys(greeter_at: Load, person: Any) -> None:
    for protocol in ("grpc", "http"):
        model = greeter_at(443, protocol, tls={"enabled": True, "ca_file": "/no/such/ca"})
        with pytest.raises(FileNotFoundError, match="Unable to find TLS CA File /no/such/ca"):
            model.run(person)


# Streams #####################################################################


def event(text: str) -> bytes:
    return f'event: message\r\ndata: {{"text": "{text}"}}\r\n\r\n'.encode()


def test_events_in_any_pieces(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    content = b": ping\r\n\r\n" + event("a") + b'id: 7\nretry: 1\ndata:{\ndata: "text": "b"}\n\n' + event("c")

    def trickle(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.sse_head())
        for byte in content:
            sock.sendall(fake.chunk(bytes([byte])))
        sock.sendall(fake.chunk(b""))

    answers = greeter_at(fake.serve(trickle).port).run_stream_out(person)
    assert [answer.text for answer in answers] == ["a", "b", "c"]


def test_each_event_arrives_when_it_is_sent(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    more = threading.Event()

    def wait(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.sse_head() + fake.chunk(event("a")))
        more.wait(5)
        sock.sendall(fake.chunk(event("b")) + fake.chunk(b""))

    answers = iter(greeter_at(fake.serve(wait).port).run_stream_out(person))
    assert next(answers).text == "a"
    more.set()
    assert [answer.text for answer in answers] == ["b"]


ENDS = {
    "before the end": (b"", "UNAVAILABLE"),
    "in an event": (b"event: message\r\ndata: {", "UNAVAILABLE"),
    "with an error": (b'event: error\r\ndata: {"details": "no more", "code": 429, "id": "f00"}\r\n\r\n', "RESOURCE_EXHAUSTED"),
    "with a strange error": (b"event: error\r\ndata: oh\r\n\r\n", "UNKNOWN"),
    "with a strange item": (b"data: oh\r\n\r\n", "INTERNAL"),
}  # fmt: skip


@pytest.mark.parametrize("how", ENDS)
def test_a_stream_that_ends(fake: SimpleNamespace, greeter_at: Load, person: Any, how: str) -> None:
    rest, status = ENDS[how]

    def die(sock: socket.socket, _: bytes) -> None:
        sock.sendall(fake.sse_head() + fake.chunk(event("a")) + (fake.chunk(rest) if rest else b""))
        sock.close()

    answers = iter(greeter_at(fake.serve(die).port).run_stream_out(person))
    assert next(answers).text == "a"
    error = failure(lambda: next(answers))
    assert error.status_code is grpc.StatusCode[status]
    if how == "with an error":
        assert (error.message, error.id) == ("no more", "f00")


def test_half_an_event_at_the_end_of_the_connection(
    fake: SimpleNamespace, greeter_at: Load, person: Any
) -> None:
    def die(sock: socket.socket, _: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        sock.sendall(head + event("a") + b"data: {")
        sock.close()

    answers = iter(greeter_at(fake.serve(die).port).run_stream_out(person))
    assert next(answers).text == "a"
    assert "in the middle of an event" in failure(lambda: next(answers)).message


def test_a_stream_without_items(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    server = fake.serve(lambda sock, _: sock.sendall(fake.sse_head() + fake.chunk(b"")))
    assert list(greeter_at(server.port).run_stream_out(person)) == []


def test_something_else_than_a_stream(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    server = fake.serve(lambda sock, _: sock.sendall(fake.answer(200, GREETING)))
    error = failure(lambda: list(greeter_at(server.port).run_stream_out(person)))
    assert "expected text/event-stream" in error.message


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_is_killed_in_the_middle_of_a_stream(
    start: Callable[..., Any], greeter_at: Load, person: Any, protocol: str
) -> None:
    server = start()
    model = greeter_at(server.ports[protocol], protocol, hostname="localhost", retries=0)
    answers = iter(model.run_stream_out(person, count=1000, sleep=0.02))
    assert next(answers).text == "Hello Ann 0"
    server.kill()
    error = failure(lambda: list(answers))
    assert error.status_code is grpc.StatusCode.UNAVAILABLE
    assert failure(lambda: model.run(person)).status_code is grpc.StatusCode.UNAVAILABLE


def test_messages_that_are_none(grpc_server: Callable[..., int], greeter_at: Load, person: Any) -> None:
    model = greeter_at(grpc_server(lambda request, context: b"\xff\xff\xff"), "grpc")
    error = failure(lambda: model.run(person))
    assert error.status_code is grpc.StatusCode.INTERNAL
    assert "is no Greeting" in error.message

    def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b""
        yield b"\xff\xff\xff"

    answers = iter(greeter_at(grpc_server(stream, "unary_stream"), "grpc").run_stream_out(person))
    assert next(answers) is not None
    assert failure(lambda: next(answers)).status_code is grpc.StatusCode.INTERNAL


def test_large_messages(grpc_server: Callable[..., int], greeter_at: Load, golden: SimpleNamespace) -> None:
    greeting = golden.data.Greeting("x" * 5_000_000).to_binary_buffer()
    port, person = grpc_server(lambda request, context: greeting), golden.data.Person("Ann")
    error = failure(lambda: greeter_at(port, "grpc").run(person))
    assert error.status_code is grpc.StatusCode.RESOURCE_EXHAUSTED
    options = {"grpc.max_receive_message_length": 6_000_000}
    assert len(greeter_at(port, "grpc", options=options).run(person).text) == 5_000_000


def test_a_server_of_something_else(grpc_server: Callable[..., int], greeter_at: Load, person: Any) -> None:
    def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    error = failure(lambda: greeter_at(grpc_server(refuse), "grpc").run(person))
    assert error.status_code is grpc.StatusCode.UNIMPLEMENTED
    assert error.message == "Error received from GRPC request"


# Sending again ###############################################################


class Flaky:
    """Answers 503 (or drops the connection) a few times before it works."""

    def __init__(
        self, answer: Callable[..., bytes], failures: int, status: int = 503, **headers: str
    ) -> None:
        self.answer, self.failures, self.status, self.headers = answer, failures, status, headers
        self.count = 0

    def __call__(self, sock: socket.socket, request: bytes) -> None:
        self.count += 1
        if self.count > self.failures:
            sock.sendall(self.answer(200, GREETING))
        elif self.status:
            sock.sendall(self.answer(self.status, b'{"details": "busy"}', **self.headers))
        else:
            sock.close()


@pytest.mark.parametrize("status", [502, 503, 504, 0])
def test_a_flaky_server(fake: SimpleNamespace, greeter_at: Load, person: Any, status: int) -> None:
    flaky = Flaky(fake.answer, 2, status)
    server = fake.serve(flaky)
    assert greeter_at(server.port, retries=2).run(person).text == "Hello"
    flaky.count = 0
    error = failure(lambda: greeter_at(server.port, retries=1).run(person))
    assert error.status_code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert flaky.count == 2
    assert ("busy" in error.message) == bool(status)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_work_that_was_done_or_refused_is_not_asked_for_again(
    fake: SimpleNamespace, greeter_at: Load, person: Any, status: int
) -> None:
    flaky = Flaky(fake.answer, 1, status, retry_after="0")
    failure(lambda: greeter_at(fake.serve(flaky).port, retries=3).run(person))
    assert flaky.count == 1


def test_the_server_says_when(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    start = time.monotonic()
    server = fake.serve(Flaky(fake.answer, 1, 503, retry_after="1"))
    assert greeter_at(server.port).run(person).text == "Hello"
    assert 1.0 <= time.monotonic() - start < 2
    start = time.monotonic()
    flaky = Flaky(fake.answer, 1, 503, retry_after="3600")
    assert failure(lambda: greeter_at(fake.serve(flaky).port).run(person)).message == "busy"
    assert time.monotonic() - start < 0.5
    assert flaky.count == 1


def test_all_attempts_together_have_one_timeout(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    def late(sock: socket.socket, _: bytes) -> None:
        time.sleep(0.3)
        sock.sendall(fake.answer(503, b'{"details": "busy"}'))

    start = time.monotonic()
    failure(lambda: greeter_at(fake.serve(late).port, retries=100, timeout=1).run(person))
    assert time.monotonic() - start < 1.4


def test_statuses_may_be_chosen(fake: SimpleNamespace, greeter_at: Load, person: Any) -> None:
    flaky = Flaky(fake.answer, 3, 503)
    options = {"backoff_factor": 0.0, "total": 5}
    model = greeter_at(fake.serve(flaky).port, retry_options=options)
    assert model.run(person).text == "Hello"


@pytest.mark.parametrize("status", [503, 500, 0])
def test_a_training_is_started_once(
    fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace, status: int
) -> None:
    flaky = Flaky(fake.answer, 1, status)
    model = greeter_at(fake.serve(flaky).port, retries=3)
    failure(lambda: model.train([golden.data.TrainRecord(1, "a")]))
    assert flaky.count == 1


def test_grpc_sends_again(grpc_server: Callable[..., int], greeter_at: Load, golden: SimpleNamespace) -> None:
    seen: list[bytes] = []

    def flaky(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen.append(request)
        if len(seen) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        return golden.data.Greeting("Hello").to_binary_buffer()

    port = grpc_server(flaky)
    options = {"initialBackoff": "0.01s"}
    model = greeter_at(port, "grpc", retries=3, retry_options=options)
    assert model.run(golden.data.Person("Ann")).text == "Hello"
    assert len(seen) == 3
    seen.clear()
    assert failure(lambda: greeter_at(port, "grpc").run(golden.data.Person("Ann"))).message == "busy"
    assert len(seen) == 1
    seen.clear()
    with pytest.raises(CaikitRuntimeException):
        model.train([golden.data.TrainRecord(1, "a")])
    assert len(seen) == 1
    codes = {**options, "retryableStatusCodes": "NOT_FOUND, ABORTED"}
    seen.clear()
    chosen = greeter_at(port, "grpc", retries=3, retry_options=codes)
    assert failure(lambda: chosen.run(golden.data.Person("Ann"))).message == "busy"
    assert len(seen) == 1


def test_ones_own_rules_for_sending_again(
    grpc_server: Callable[..., int], greeter_at: Load, golden: SimpleNamespace
) -> None:
    seen: list[bytes] = []

    def busy(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen.append(request)
        return bytes(context.abort(grpc.StatusCode.UNAVAILABLE, "busy"))

    policy = {"maxAttempts": 2, "initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
              "retryableStatusCodes": ["UNAVAILABLE"]}  # fmt: skip
    own = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    model = greeter_at(grpc_server(busy), "grpc", retries=4, options={"grpc.service_config": own})
    assert failure(lambda: model.run(golden.data.Person("Ann"))).message == "busy"
    assert len(seen) == 2


# What is sent ################################################################


def test_exactly_what_was_given_is_sent(
    fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace
) -> None:
    server = fake.serve(lambda sock, _: sock.sendall(fake.answer(200, GREETING)))
    model = greeter_at(server.port)
    model.run(golden.data.Person("Ann", mood=golden.data.Mood.HAPPY), names=["a"], times=0)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/task/greet HTTP/1.1\r\n")
    assert json.loads(body) == {
        "model_id": "greeter",
        "inputs": {"name": "Ann", "mood": 1},
        "parameters": {"names": ["a"], "times": 0},
    }


def test_cookies_and_passwords_of_others_are_not_sent(
    fake: SimpleNamespace, greeter_at: Load, person: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = fake.serve(lambda sock, _: sock.sendall(fake.answer(200, GREETING, set_cookie="a=b")))
    model = greeter_at(server.port)
    model.run(person)
    model.run(person)
    for request in server.requests:
        head = request.partition(b"\r\n\r\n")[0].lower()
        assert b"cookie" not in head
        assert b"authorization" not in head
