"""gRPC-Web over both versions of HTTP, as its clients speak it."""

from __future__ import annotations

import base64
import gzip
import http.client
import re
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from grpc_health.v1 import health_pb2

from caikit.runtime.engine import RequestError, Shape, Status
from caikit.runtime.transport.http_messages import HttpAnswer
from caikit.runtime.transport.native import Limits

PATH = "/tests.native.Service/"
HERE, THERE = "https://here.example", "https://there.example"
FORMS = ["application/grpc-web+proto", "application/grpc-web-text"]
QUESTION = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-grpc-web",
}


def frame(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def decode_text(body: bytes) -> bytes:
    """Pieces of base64 that may each be padded."""
    return b"".join(base64.b64decode(piece, validate=True) for piece in re.findall(rb"[^=]+=*", body))


def parse(answer: httpx.Response) -> SimpleNamespace:
    """Messages, and the status among headers or trailers."""
    text = answer.headers["content-type"] == "application/grpc-web-text+proto"
    assert text or answer.headers["content-type"] == "application/grpc-web+proto"
    body = decode_text(answer.content) if text else answer.content
    messages, trailers, at = [], {}, 0
    while at < len(body):
        flag, size = body[at], int.from_bytes(body[at + 1 : at + 5], "big")
        content = body[at + 5 : at + 5 + size]
        assert not trailers, "something follows the trailers"
        if flag & 0x80:
            trailers = dict(
                line.split(": ", 1) for line in content.decode().removesuffix("\r\n").split("\r\n")
            )
        else:
            messages.append(gzip.decompress(content) if flag else content)
        at += 5 + size
    assert at == len(body)
    end = trailers or dict(answer.headers)
    assert end["x-request-id"] == answer.headers["x-request-id"]
    return SimpleNamespace(
        messages=messages,
        trailers=end,
        headers=answer.headers,
        status=Status(int(end["grpc-status"])),
        details=end.get("grpc-message", ""),
    )


@pytest.fixture(params=["1.1", "2"])
def client(request):
    """Calls methods over one version of HTTP."""
    with httpx.Client(http1=request.param == "1.1", http2=request.param == "2", timeout=10) as connection:

        def call(server, name, message=b"", *, form=FORMS[0], raw=None, **headers):
            body = frame(message) if raw is None else raw
            if raw is None and "text" in form:
                body = base64.b64encode(body)
            given = {"content-type": form, **{key.replace("_", "-"): value for key, value in headers.items()}}
            path = name if name.startswith("/") else PATH + name
            return connection.post(f"http://127.0.0.1:{server.port}{path}", content=body, headers=given)

        call.connection = connection
        call.version = request.param
        yield call


@pytest.fixture
def serve(native, kit):
    def start(**settings):
        def upper(context, body):
            return body.upper()

        def count(context, body):
            for number in range(int(body)):
                yield b"%d" % number
            if body == b"2":
                raise RequestError(Status.DATA_LOSS, "half of it, 50 % — gone")

        def echo_headers(context, body):
            native_context = context.native
            native_context.send_initial_metadata((("began", "yes"),))
            native_context.set_trailing_metadata((("ended-bin", b"\0\xff"),))
            return repr(sorted(context.headers.items())).encode()

        def fail(context, body):
            raise RequestError(Status.FAILED_PRECONDITION, "not now")

        def wait(context, body):
            ended = threading.Event()
            context.cancel.on_cancel(ended.set)
            ended.wait(10)
            context.cancel.raise_if_cancelled()
            return b""

        methods = {
            "Upper": kit.Method(upper),
            "Count": kit.Method(count, Shape.SERVER_STREAM),
            "Headers": kit.Method(echo_headers),
            "Fail": kit.Method(fail),
            "Wait": kit.Method(wait),
            "Join": kit.Method(lambda context, body: b"".join(body), Shape.CLIENT_STREAM),
            "Echo": kit.Method(lambda context, body: body, Shape.BIDI, acknowledge=True),
        }
        http = {"/do": kit.HttpEndpoint(lambda context, body: body)}
        return native(**{"grpc": methods, "http": http, **settings})

    return start


@pytest.mark.parametrize("form", FORMS)
def test_one_message(serve, client, form):
    answer = parse(client(serve(), "Upper", b"abc", form=form))
    assert (answer.messages, answer.status) == ([b"ABC"], Status.OK)
    assert ("text" in form) == ("text" in answer.headers["content-type"])
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("form", FORMS)
def test_a_stream(serve, client, form):
    server = serve()
    answer = parse(client(server, "Count", b"50", form=form))
    assert answer.messages == [b"%d" % number for number in range(50)]
    assert answer.status is Status.OK
    broken = parse(client(server, "Count", b"2", form=form))
    assert (broken.messages, broken.status) == ([b"0", b"1"], Status.DATA_LOSS)
    assert broken.details == "half of it, 50 %25 %E2%80%94 gone"
    assert parse(client(server, "Count", b"0", form=form)).messages == []


def test_items_arrive_as_they_are_made(native, kit, client):
    more = threading.Semaphore(0)

    def tick(context, body):
        for number in range(3):
            yield b"%d" % number
            assert more.acquire(timeout=10)

    server = native(grpc={"Tick": kit.Method(tick, Shape.SERVER_STREAM)})
    url = f"http://127.0.0.1:{server.port}{PATH}Tick"
    headers = {"content-type": FORMS[1]}
    with client.connection.stream(
        "POST", url, content=base64.b64encode(frame(b"")), headers=headers
    ) as answer:
        chunks = answer.iter_raw()
        for number in range(3):
            assert decode_text(next(chunks)) == frame(b"%d" % number)
            more.release()
        assert decode_text(b"".join(chunks)).startswith(b"\x80")


def test_metadata_both_ways(serve, client):
    answer = parse(client(serve(), "Headers", mm_model_id="m", data_bin="AP8", authorization="Bearer x"))
    seen = answer.messages[0].decode()
    assert "('mm-model-id', 'm')" in seen
    assert "('data-bin', b'\\x00\\xff')" in seen
    assert "content-length" not in seen
    assert "'connection'" not in seen
    assert answer.headers["began"] == "yes"
    assert answer.trailers["ended-bin"] == "AP8"


def test_errors_are_headers(serve, client):
    server = serve()
    answer = client(server, "Fail", origin=HERE)
    assert answer.status_code == 200
    assert answer.content == b""
    assert (parse(answer).status, parse(answer).details) == (Status.FAILED_PRECONDITION, "not now")
    unknown = parse(client(server, "Nothing"))
    assert (unknown.status, unknown.details) == (Status.UNIMPLEMENTED, "Method not found!")
    assert parse(client(server, "Upper", data_bin="?")).status is Status.INVALID_ARGUMENT
    assert parse(client(server, "Upper", grpc_timeout="soon")).status is Status.INTERNAL


@pytest.mark.parametrize(
    "name", ["Join", "Echo", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
)
def test_streams_of_requests_are_refused(serve, client, name):
    answer = parse(client(serve(), name, b"x"))
    assert answer.status is Status.UNIMPLEMENTED
    assert answer.details.startswith("Over gRPC-Web a request is one message")
    assert answer.messages == []


def test_deadlines(serve, client):
    answer = parse(client(serve(), "Wait", grpc_timeout="50m"))
    assert (answer.status, answer.details) == (Status.DEADLINE_EXCEEDED, "Deadline Exceeded")


def test_compression(serve, client):
    server = serve(compression=b"gzip")
    message = b"a" * 5000
    packed = frame(gzip.compress(message), flag=1)
    answer = client(server, "Upper", raw=packed, grpc_encoding="gzip", grpc_accept_encoding="gzip, identity")
    assert answer.headers["grpc-encoding"] == "gzip"
    assert len(answer.content) < 1000
    assert parse(answer).messages == [b"A" * 5000]
    assert parse(client(server, "Upper", raw=packed)).status is Status.INTERNAL
    assert parse(client(server, "Upper", raw=packed, grpc_encoding="brotli")).status is Status.UNIMPLEMENTED
    assert parse(client(server, "Upper", message)).messages == [b"A" * 5000]


def test_the_answer_has_the_form_that_is_asked_for(serve, client):
    server = serve()
    for form, accept, text in (
        (FORMS[0], "application/grpc-web-text", True),
        (FORMS[1], "application/grpc-web", False),
        (FORMS[1], "*/*", True),
        ("Application/gRPC-Web; charset=utf-8", "*/*", False),
    ):
        answer = client(server, "Upper", b"abc", form=form, accept=accept)
        assert ("text" in answer.headers["content-type"]) == text
        assert parse(answer).messages == [b"ABC"]


@pytest.mark.parametrize("form", ["application/grpc-web+json", "application/grpc-webber"])
def test_other_formats_are_refused(serve, client, form):
    answer = client(serve(), "Upper", b"abc", form=form)
    assert answer.status_code == 415
    assert answer.json() == {"detail": "Expected the format proto: application/grpc-web+proto"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", Status.UNIMPLEMENTED),
        (b"\0\0\0", Status.INTERNAL),
        (frame(b"a") + frame(b"b"), Status.UNIMPLEMENTED),
        (b"\x07\0\0\0\1x", Status.INTERNAL),
    ],
)
def test_bodies_that_are_no_message(serve, client, raw, status):
    server = serve()
    assert parse(client(server, "Upper", raw=raw)).status is status
    assert parse(client(server, "Upper", raw=base64.b64encode(raw), form=FORMS[1])).status is status


@pytest.mark.parametrize("raw", [b"AAAA=AAA", b"!!!!", b"AAAAAAVoZWxsb", b"AAAA\nAAA", b"A===", b"AA==AAA"])
def test_text_that_is_no_base64(serve, client, raw):
    answer = parse(client(serve(), "Upper", raw=raw, form=FORMS[1]))
    assert answer.status is Status.INVALID_ARGUMENT
    assert answer.details.startswith("The body is no base64")


def test_text_in_pieces_with_ends_of_their_own(serve):
    server = serve()
    body = b"".join(base64.b64encode(part) for part in (b"\0", b"\0\0", b"\0\x05h", b"ello"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    parts = (body[at : at + 3] for at in range(0, len(body), 3))
    connection.request("POST", PATH + "Upper", parts, {"content-type": FORMS[1]}, encode_chunked=True)
    answer = connection.getresponse()
    assert decode_text(answer.read()).startswith(frame(b"HELLO") + b"\x80")
    connection.close()


def test_limits_are_those_of_grpc(serve, client):
    server = serve(longest_message=1000, maximum_concurrent_rpcs=1)
    for form in FORMS:
        answer = parse(client(server, "Upper", bytes(1001), form=form))
        assert answer.status is Status.RESOURCE_EXHAUSTED
        assert answer.details == "SERVER: Received message larger than max (1001 vs. 1000)"

    def wait() -> None:
        # Refused itself as long as there is another call.
        while parse(client(server, "Wait", grpc_timeout="900m")).status is Status.RESOURCE_EXHAUSTED:
            pass

    waiting = threading.Thread(target=wait)
    with httpx.Client(timeout=10) as other:
        waiting.start()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            headers = {"content-type": FORMS[0]}
            url = f"http://127.0.0.1:{server.port}{PATH}Upper"
            answer = parse(other.post(url, content=frame(b""), headers=headers))
            if answer.status is not Status.OK:
                break
        waiting.join(5)
    assert (answer.status, answer.details[:32]) == (
        Status.RESOURCE_EXHAUSTED,
        "Concurrent RPC limit exceeded! M",
    )


def test_a_large_body_that_nobody_reads(serve):
    """The client gets the answer though it has not sent everything, and the connection is not used again."""
    server = serve(longest_message=1000)
    head = (
        f"POST {PATH}Upper HTTP/1.1\r\nhost: x\r\ncontent-type: {FORMS[0]}\r\ncontent-length: 9000000\r\n\r\n"
    )
    with server.connect(head.encode() + b"\0\0\x89\x54\x40") as connection:
        answer = connection.makefile("rb").read()
    assert b"grpc-status: 8\r\n" in answer
    assert b"connection: close\r\n" in answer


def test_clients_that_send_nothing(serve):
    server = serve(read_seconds=0.3, limits=Limits(read_seconds=0.3))
    head = f"POST {PATH}Upper HTTP/1.1\r\nhost: x\r\ncontent-type: {FORMS[0]}\r\ncontent-length: 100\r\n\r\n"
    with server.connect(head.encode()) as connection:
        answer = connection.recv(65536)
    assert b"grpc-status: 4\r\n" in answer


@pytest.mark.parametrize("form", FORMS)
def test_clients_that_read_slowly_pause_the_model(native, kit, client, form):
    made = []

    def produce(context, body):
        for number in range(300):
            made.append(number)
            yield b"%d" % number * 20_000

    server = native(grpc={"Make": kit.Method(produce, Shape.SERVER_STREAM)})
    url = f"http://127.0.0.1:{server.port}{PATH}Make"
    body = base64.b64encode(frame(b"")) if "text" in form else frame(b"")
    with client.connection.stream("POST", url, content=body, headers={"content-type": form}) as answer:
        before = -1
        while len(made) > before:
            before = len(made)
            time.sleep(0.3)
        assert before < 300
        answer.read()
    found = parse(answer)
    assert [len(message) for message in found.messages] == [len(str(n)) * 20_000 for n in range(300)]
    assert found.status is Status.OK


def test_clients_that_leave(native, kit, wait_until):
    cancelled = threading.Event()

    def wait(context, body):
        context.cancel.on_cancel(cancelled.set)
        yield b"begun"
        cancelled.wait(10)

    server = native(grpc={"Wait": kit.Method(wait, Shape.SERVER_STREAM)})
    head = f"POST {PATH}Wait HTTP/1.1\r\nhost: x\r\ncontent-type: {FORMS[0]}\r\ncontent-length: 5\r\n\r\n"
    with server.connect(head.encode() + frame(b"")) as connection:
        connection.recv(65536)
    assert cancelled.wait(5)
    wait_until(lambda: server.server.running == 0)


def test_health(serve, client):
    server = serve()
    answer = parse(client(server, "/grpc.health.v1.Health/Check"))
    assert health_pb2.HealthCheckResponse.FromString(answer.messages[0]).status == 1
    request = health_pb2.HealthCheckRequest(service="nobody").SerializeToString()
    unknown = parse(client(server, "/grpc.health.v1.Health/Check", request))
    assert unknown.status is Status.NOT_FOUND
    url = f"http://127.0.0.1:{server.port}/grpc.health.v1.Health/Watch"
    headers = {"content-type": FORMS[0]}
    with client.connection.stream("POST", url, content=frame(b""), headers=headers) as watch:
        assert next(watch.iter_raw()) == frame(b"\x08\x01")
    assert parse(client(server, "Upper", b"abc")).messages == [b"ABC"]


def test_other_requests_on_the_same_connection(serve, client):
    server = serve()
    for _ in range(2):
        assert parse(client(server, "Upper", b"abc")).messages == [b"ABC"]
        assert (
            client.connection.post(f"http://127.0.0.1:{server.port}/do", content=b"plain").content == b"plain"
        )
    assert client.connection.get(f"http://127.0.0.1:{server.port}{PATH}Upper").status_code == 404
    wrong = client.connection.put(
        f"http://127.0.0.1:{server.port}{PATH}Upper", content=b"", headers={"content-type": FORMS[0]}
    )
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


def test_pages_from_elsewhere(serve, client):
    server = serve(web_origins=[HERE + "/", "http://localhost:3000"])
    answer = client(server, "Headers", origin=HERE)
    assert answer.headers["access-control-allow-origin"] == HERE
    assert answer.headers["vary"] == "origin"
    assert answer.headers["access-control-expose-headers"] == "began, x-request-id"
    failed = client(server, "Fail", origin=HERE)
    assert failed.headers["access-control-expose-headers"] == "grpc-status, grpc-message, x-request-id"
    stranger = client(server, "Upper", origin=THERE)
    assert parse(stranger).status is Status.OK
    assert not [name for name in stranger.headers if name.startswith("access-control")]


def test_questions_of_browsers(serve, client):
    server = serve(web_origins=[HERE])
    url = f"http://127.0.0.1:{server.port}{PATH}Upper"
    answer = client.connection.options(url, headers={"origin": HERE, **QUESTION})
    assert answer.status_code == 200
    allowed = {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
    assert allowed == {
        "access-control-allow-origin": HERE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type,x-grpc-web",
        "access-control-max-age": "600",
    }
    refused = client.connection.options(url, headers={"origin": THERE, **QUESTION})
    assert refused.status_code == 403
    assert refused.json() == {
        "detail": f"Pages of {THERE} may not call this server (runtime.grpc.web_origins)"
    }
    assert not [name for name in refused.headers if name.startswith("access-control")]
    elsewhere = client.connection.options(f"http://127.0.0.1:{server.port}/do", headers=QUESTION)
    assert elsewhere.status_code == 404
    assert client.connection.options(url, headers={"origin": HERE}).status_code == 404


def test_nobody_from_elsewhere_unless_configured(serve, client):
    server = serve()
    url = f"http://127.0.0.1:{server.port}{PATH}Upper"
    assert client.connection.options(url, headers={"origin": HERE, **QUESTION}).status_code == 403


def test_everybody(serve, client):
    server = serve(web_origins=["*"])
    assert client(server, "Upper", origin=THERE).headers["access-control-allow-origin"] == "*"
    url = f"http://127.0.0.1:{server.port}{PATH}Upper"
    answer = client.connection.options(url, headers={"origin": "null", **QUESTION})
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "origin",
    ["here.example", "https://", "https://a/b", "null", "https://a?b", "https://u@a", "https://a:x", ""],
)
def test_what_is_no_origin(serve, origin):
    with pytest.raises(ValueError, match=r"runtime\.grpc\.web_origins: expected an origin such as"):
        serve(web_origins=[origin])


def test_guards(native, kit, client):
    class Guarded(kit.Method):
        class guard:
            @staticmethod
            def refusal(authorization, find_peer):
                given = list(authorization) == ["Bearer x"]
                return None if given else RequestError(Status.UNAUTHENTICATED, "who?")

    server = native(grpc={"Do": Guarded(lambda context, body: b"done")})
    assert parse(client(server, "Do", authorization="Bearer x")).messages == [b"done"]
    assert parse(client(server, "Do")).status is Status.UNAUTHENTICATED


def test_stopped_calls_are_told_so(native, kit):
    begun = threading.Event()

    def wait(context, body):
        begun.set()
        context.cancel.on_cancel(ended.set)
        ended.wait(10)
        return b""

    ended = threading.Event()
    server = native(grpc={"Wait": kit.Method(wait)})
    head = f"POST {PATH}Wait HTTP/1.1\r\nhost: x\r\ncontent-type: {FORMS[0]}\r\ncontent-length: 5\r\n\r\n"
    with server.connect(head.encode() + frame(b"")) as connection:
        assert begun.wait(5)
        server.server.stop(0.1)
        answer = connection.makefile("rb").read()
    assert b"grpc-status: 14\r\n" in answer


def test_an_endpoint_of_http_keeps_its_questions(native, kit):
    """What HTTP serves is never taken for a method of gRPC."""

    class Options(kit.HttpEndpoint):
        def answer(self, context, request, body):
            return HttpAnswer(200, request.method.encode())

    server = native(http={"/x": Options(None)}, grpc={"Do": kit.Method(lambda context, body: b"")})
    assert server.post("/x")[1] == b"POST"
