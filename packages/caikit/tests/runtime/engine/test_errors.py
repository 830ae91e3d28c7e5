from __future__ import annotations

import pickle

import grpc
import pytest

from caikit.runtime.engine import OperationFailed, Origin, RequestError, Status, to_failure
from caikit.runtime.types.aborted_exception import AbortedException
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException


class RemoteError(grpc.RpcError):
    def code(self):
        return grpc.StatusCode.UNAVAILABLE

    def details(self):
        return "backend is away"


class CoreLikeError(Exception):
    def __init__(self, name: str):
        super().__init__("core says so")
        self.message = "core says so"
        self.status_code = type("Code", (), {"name": name})()


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (RequestError(Status.NOT_FOUND, "gone"), Status.NOT_FOUND, "gone"),
        (CaikitRuntimeException(grpc.StatusCode.OUT_OF_RANGE, "far"), Status.OUT_OF_RANGE, "far"),
        (CaikitRuntimeException(Status.DATA_LOSS, "lost"), Status.DATA_LOSS, "lost"),
        (CoreLikeError("UNAUTHORIZED"), Status.UNAUTHENTICATED, "core says so"),
        (CoreLikeError("FORBIDDEN"), Status.PERMISSION_DENIED, "core says so"),
        (CoreLikeError("CONNECTION_ERROR"), Status.UNAVAILABLE, "core says so"),
        (CoreLikeError("FATAL"), Status.INTERNAL, "core says so"),
        (CoreLikeError("INVALID_ARGUMENT"), Status.INVALID_ARGUMENT, "core says so"),
        (RemoteError(), Status.UNAVAILABLE, "backend is away"),
        (TypeError("bad type"), Status.INVALID_ARGUMENT, "bad type"),
        (ValueError("bad value"), Status.INVALID_ARGUMENT, "bad value"),
        (UnicodeError("bad text"), Status.INVALID_ARGUMENT, "bad text"),
        (KeyError("no key"), Status.INTERNAL, "'no key'"),
        (MemoryError("full"), Status.INTERNAL, "full"),
        (NotImplementedError("later"), Status.INTERNAL, "later"),
        (SystemExit(3), Status.INTERNAL, "3"),
    ],
)
def test_every_exception_has_a_status(error, status, message):
    failure = to_failure(error)
    assert (failure.status, failure.message) == (status, message)
    assert len(failure.id) == 32


def test_failure_keeps_the_id_of_its_exception():
    error = CaikitRuntimeException(grpc.StatusCode.ABORTED, "stop", {"a": 1})
    assert to_failure(error).id == error.id
    assert error.metadata == {"a": 1, "error_id": error.id}
    failure = to_failure(RequestError(Status.ABORTED, "stop", id="x"))
    assert to_failure(OperationFailed(failure)) is failure
    assert failure.id == "x"


def test_failure_knows_where_its_exception_came_from():
    assert to_failure(ValueError("bad value")).origin is Origin.INPUT
    assert to_failure(KeyError("no key")).origin is Origin.UNEXPECTED
    assert to_failure(RemoteError()).origin is Origin.STATUS


def test_runtime_exception_travels_between_processes():
    error = CaikitRuntimeException(grpc.StatusCode.NOT_FOUND, "gone", {"k": "v"})
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.status_code, copy.message, copy.id) == (error.status_code, "gone", error.id)
    assert copy.metadata == error.metadata
    assert isinstance(pickle.loads(pickle.dumps(AbortedException())), AbortedException)


def test_aborted_exception_states_its_status():
    assert AbortedException().status_code is grpc.StatusCode.ABORTED
    assert to_failure(AbortedException()).status is Status.ABORTED


def test_texts_that_repeat_what_a_client_sent_are_cut():
    for error in (
        ValueError("x" * 10**6),
        RuntimeError("x" * 10**6),
        RequestError(Status.ABORTED, "x" * 10**6),
    ):
        message = to_failure(error).message
        assert len(message) < 5000
        assert message.endswith("x...")
