"""What goes wrong on the server, or on the way to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from caikit.core.data_model import DataStream
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

PROTOCOLS = ["grpc", "http"]
Remote = Callable[..., Any]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def failure(call: Callable[[], Any]) -> CaikitRuntimeException:
    with pytest.raises(CaikitRuntimeException) as caught:
        call()
    return caught.value


FAILURES = {
    "value": ("INVALID_ARGUMENT", "bad value"),
    "type": ("INVALID_ARGUMENT", "bad type"),
    "runtime": ("INTERNAL", "went wrong"),
    "key": ("INTERNAL", "'no key'"),
    "core:NOT_FOUND": ("NOT_FOUND", "core says NOT_FOUND"),
    "core:UNAUTHORIZED": ("UNAUTHENTICATED", "core says UNAUTHORIZED"),
    "core:FORBIDDEN": ("PERMISSION_DENIED", "core says FORBIDDEN"),
    "core:CONNECTION_ERROR": ("UNAVAILABLE", "core says CONNECTION_ERROR"),
    "rt:RESOURCE_EXHAUSTED": ("RESOURCE_EXHAUSTED", "rt says RESOURCE_EXHAUSTED"),
    "rt:UNIMPLEMENTED": ("UNIMPLEMENTED", "rt says UNIMPLEMENTED"),
    "rt:ALREADY_EXISTS": ("ALREADY_EXISTS", "rt says ALREADY_EXISTS"),
    "rt:DEADLINE_EXCEEDED": ("DEADLINE_EXCEEDED", "rt says DEADLINE_EXCEEDED"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_status_and_text_of_the_server(
    golden: SimpleNamespace, remote: Remote, protocol: str, kind: str
) -> None:
    model = remote("greeter", protocol, retries=0)
    status, text = FAILURES[kind]
    error = failure(lambda: model.run(golden.data.Person("Ann"), fail=kind))
    assert (error.status_code, error.message) == (grpc.StatusCode[status], text)
    if protocol == "grpc":
        assert isinstance(error.__cause__, grpc.RpcError)


def test_a_stream_that_fails_in_the_middle(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    model = remote("greeter", protocol)
    items = iter(model.run_stream_out(golden.data.Person("Ann"), fail="core:NOT_FOUND"))
    assert next(items).text == "Hello Ann 0"
    error = failure(lambda: next(items))
    assert (error.status_code, error.message) == (grpc.StatusCode.NOT_FOUND, "core says NOT_FOUND")


@pytest.mark.parametrize("kind", FAILURES)
def test_status_and_text_at_the_end_of_streams_in_both_directions(
    golden: SimpleNamespace, remote: Remote, protocol: str, kind: str
) -> None:
    status, text = FAILURES[kind]
    items = iter(remote("greeter", protocol).run_bidi([golden.data.Person("Ann")] * 3, fail=kind))
    assert next(items).text == "Hello Ann"
    error = failure(lambda: list(items))
    # Over HTTP the server says more about what is no error of the client.
    assert (error.status_code, text in error.message) == (grpc.StatusCode[status], True)


def test_a_stream_that_fails_before_its_first_item(
    golden: SimpleNamespace, remote: Remote, protocol: str
) -> None:
    stream = remote("greeter", protocol).run_stream_out(
        golden.data.Person("Ann"), fail="early:core:FORBIDDEN"
    )
    error = failure(lambda: list(stream))
    assert (error.status_code, error.message) == (grpc.StatusCode.PERMISSION_DENIED, "core says FORBIDDEN")


def test_a_model_that_is_not_there_any_more(
    golden: SimpleNamespace, client: Remote, servers: Callable[..., Any], protocol: str
) -> None:
    supported = {"gone": golden.greet.Greeter.MODULE_ID}
    manager = client(
        connection=servers("plain").connection(protocol), protocol=protocol, supported_models=supported
    )
    model, person = manager.load("gone"), golden.data.Person("Ann")
    calls: list[Callable[[], Any]] = [
        lambda: model.run(person),
        lambda: list(model.run_stream_out(person)),
        lambda: model.run_stream_in([person]),
        lambda: list(model.run_bidi([person])),
    ]
    for call in calls:
        error = failure(call)
        assert error.status_code is grpc.StatusCode.NOT_FOUND
        assert "gone" in error.message


@pytest.mark.parametrize("method", ["run", "run_stream_out", "run_stream_in", "run_bidi"])
def test_a_call_takes_no_longer_than_the_timeout(
    golden: SimpleNamespace, remote: Remote, protocol: str, method: str
) -> None:
    model = remote("greeter", protocol, timeout=1)
    list(model.run_stream_out(golden.data.Person("Ann")))
    done = threading.Event()

    def people() -> Any:
        yield golden.data.Person("Ann")
        done.wait(5)

    calls: dict[str, Callable[[], Any]] = {
        "run": lambda: model.run(golden.data.Person("Ann"), sleep=5.0),
        "run_stream_out": lambda: list(model.run_stream_out(golden.data.Person("Ann"), sleep=5.0)),
        "run_stream_in": lambda: model.run_stream_in(people()),
        "run_bidi": lambda: list(model.run_bidi(people())),
    }
    start = time.monotonic()
    error = failure(calls[method])
    done.set()
    assert error.status_code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.9 < time.monotonic() - start < 1.5  # 1.2 on a machine that is not busy


def test_the_timeout_is_that_of_the_whole_stream(
    golden: SimpleNamespace, remote: Remote, protocol: str
) -> None:
    stream = remote("greeter", protocol, timeout=1).run_stream_out(
        golden.data.Person("Ann"), count=20, sleep=0.2
    )
    start, items = time.monotonic(), iter(stream)
    assert next(items).text == "Hello Ann 0"
    assert failure(lambda: list(items)).status_code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 1.6


@pytest.mark.parametrize("timeout", [None, 0, 7.5])
def test_timeouts_may_be_fractions_or_missing(
    golden: SimpleNamespace, remote: Remote, protocol: str, timeout: float | None
) -> None:
    assert remote("greeter", protocol, timeout=timeout).run(golden.data.Person("Ann")).text == "Hello Ann"


def test_tls_may_be_null(
    golden: SimpleNamespace, client: Remote, servers: Callable[..., Any], protocol: str
) -> None:
    info = servers("plain").connection(protocol, tls=None)
    model = client(connection=info, protocol=protocol).load("greeter")
    assert model.run(golden.data.Person("Ann")).text == "Hello Ann"


def test_files_without_a_reader_are_for_grpc(golden: SimpleNamespace, remote: Remote) -> None:
    error = failure(lambda: remote("file", "http").run(golden.data.DocumentInput()))
    assert error.status_code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT)


def test_an_empty_stream_as_input(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    model = remote("greeter", protocol)
    for call in (lambda: model.run_stream_in([]), lambda: list(model.run_bidi(iter([])))):
        error = failure(call)
        assert error.status_code is grpc.StatusCode.INVALID_ARGUMENT
        assert "stream is empty" in error.message


def test_a_source_that_fails_fails_as_it_is(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    def people() -> Any:
        yield golden.data.Person("Ann")
        raise LookupError("no more people")

    model = remote("greeter", protocol)
    with pytest.raises(LookupError, match="no more people"):
        model.run_stream_in(people())
    with pytest.raises(LookupError, match="no more people"):
        list(model.run_bidi(DataStream(people)))


def test_arguments_are_those_of_the_method(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    model, person = remote("greeter", protocol), golden.data.Person("Ann")
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: model.run(), "missing required arguments: 'person'"),
        (lambda: model.run(person, nothing=1), "unexpected keyword argument 'nothing'"),
        (lambda: model.run(person, honorific="Dr."), "unexpected keyword argument 'honorific'"),
        (lambda: model.run(person, context=None), "unexpected keyword argument 'context'"),
        (lambda: model.run(person, mood=golden.data.Mood.HAPPY), "'mood': its type cannot be sent"),
        (lambda: model.run(person, person=person), "multiple values for argument 'person'"),
        (lambda: model.run(*[person] * 20), "positional arguments but 20 were given"),
        (lambda: model.run_stream_out(), "missing required arguments: 'person'"),
    ]
    for call, text in wrong:
        with pytest.raises(TypeError, match=text):
            call()


def test_arguments_have_the_right_types(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    model = remote("greeter", protocol)
    calls = [
        lambda: model.run_stream_in(golden.data.Person("Ann")),
        lambda: model.run_bidi("Ann"),
        lambda: model.run_stream_in(None),
    ]
    if protocol == "grpc":
        # JSON can say these, so the server does.
        calls.append(lambda: model.run("Ann"))
        calls.append(lambda: model.run(golden.data.Person("Ann"), times="many"))
        calls.append(lambda: model.run_stream_in(["Ann"]))
    for call in calls:
        with pytest.raises((TypeError, AttributeError)):
            call()


def test_what_is_no_data_object_is_named(golden: SimpleNamespace, remote: Remote) -> None:
    model = remote("greeter", "grpc")
    for call in (
        lambda: model.run("Ann"),
        lambda: list(model.run_stream_out("Ann")),
        lambda: model.run_stream_in([golden.data.Person("Ann"), "Ann"]),
        lambda: list(model.run_bidi(["Ann"])),
    ):
        with pytest.raises(TypeError, match=r"\(\) expected Person for '\w+', got str$"):
            call()


def test_saving_is_not_available(remote: Remote, protocol: str) -> None:
    with pytest.raises(NotImplementedError):
        remote("greeter", protocol).save("anywhere")


def test_the_status_that_an_answer_names_counts(
    fake: SimpleNamespace, greeter_at: Remote, golden: SimpleNamespace
) -> None:
    body = {"details": "not now", "code": 400, "id": "f00", "status": "FAILED_PRECONDITION"}
    server = fake.serve(lambda sock, _: sock.sendall(fake.answer(400, json.dumps(body).encode())))
    error = failure(lambda: greeter_at(server.port).run(golden.data.Person("Ann")))
    assert (error.status_code, error.message) == (grpc.StatusCode.FAILED_PRECONDITION, "not now")
    assert error.id == error.metadata["error_id"] == "f00"
