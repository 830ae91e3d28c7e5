"""What gRPC answers must be where the recorded ones are not wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .answers import GrpcAnswer
from .golden import Record, load_records
from .grpc_rules import recorded_answer

_RECORDS = {record["name"]: record for record in load_records("grpc")}
_ACKNOWLEDGED = [["acknowledgement", "ok"]]


def expected_answers(record: Record) -> list[GrpcAnswer]:
    """The answers of which one must come; the first is the one to wait for."""
    name = record["name"]
    if "wart" in record:
        return [BETTER[record["wart"]][name]]
    return [UNMARKED.get(name) or recorded_answer(record)]


def _changed(name: str, **fields: Any) -> GrpcAnswer:
    """The recorded answer with other field values; None takes a field away."""
    answer = recorded_answer(_RECORDS[name])
    merged = {**answer.responses[0], **fields}
    return replace(answer, responses=[{key: value for key, value in merged.items() if value is not None}])


def _failed(code: str, details: str | None = None) -> GrpcAnswer:
    return GrpcAnswer(code=code, details=details)


_COMPLETED = {"completion_timestamp": "<time>"}
# Unset optional fields stay unset, and the default of a field that is not given applies.
_PRESENCE = {"opt_str": None, "defaulted": "42"}

BETTER: dict[str, dict[str, GrpcAnswer]] = {
    "W-TASK": {
        "wrong-task-model": _failed("INVALID_ARGUMENT", "<any>FarewellTask<any>GreetTask<any>"),
        "wrong-task-model2": _failed("INVALID_ARGUMENT", "<any>EchoTask<any>GreetTask<any>"),
    },
    "W-EMPTYSTREAM": {
        "stream-in-empty": _failed("INVALID_ARGUMENT"),
        "stream-in-missing": _failed("INVALID_ARGUMENT"),
        "bidi-empty": replace(_failed("INVALID_ARGUMENT"), initial_metadata=_ACKNOWLEDGED),
    },
    # Better only over HTTP.
    "W-UNAVAILABLE": {
        "fail-core:CONNECTION_ERROR": _failed("UNAVAILABLE", "core says CONNECTION_ERROR"),
        "fail-rt:UNAVAILABLE": _failed("UNAVAILABLE", "rt says UNAVAILABLE"),
    },
    "W-EMPTYLIST": {"compare-empty-list": GrpcAnswer(code="OK", responses=[{"index": "-1"}])},
    "W-PRESENCE": {"blob-empty": _changed("blob-empty", opt_int=None, **_PRESENCE)},
    "W-TIME": {
        "blob-neg-time": _changed("blob-neg-time", opt_int=None, when="1969-12-31T23:59:58.500Z", **_PRESENCE)
    },
    "W-JOBTASK": {"job-result-wrong-task": _failed("NOT_FOUND")},
    "W-PATHS": {
        "train-src-abs": _failed("INVALID_ARGUMENT"),
        "train-src-status-abs": _failed("NOT_FOUND", "Unknown training_id: <uuid>"),
    },
}

# Records that are not marked, but whose answers a wanted change elsewhere makes different.
UNMARKED: dict[str, GrpcAnswer] = {
    "blob": _changed("blob", **_PRESENCE),
    # Python's own words for a call without an argument.
    "missing-required": _failed("INVALID_ARGUMENT", "Missing required input: 'person'"),
    "blob-none": _failed("INVALID_ARGUMENT", "Missing required input: 'everything'"),
    # The name of the class depends on the server stack.
    "context": _changed("context", text="<class>"),
    # Every job that has ended has a completion time.
    **{
        name: _changed(name, **_COMPLETED)
        for name, record in _RECORDS.items()
        if "wart" not in record and (record.get("response") or {}).get("state") == "ERRORED"
    },
    # The recorded server told where its folders lie.
    "train-src-status-dirmissing": _changed(
        "train-src-status-dirmissing", **_COMPLETED, reasons=["Invalid json directory source file: nodir"]
    ),
    # The recorded server failed because the model was still loading when its folder went away.
    "undeploy": GrpcAnswer(code="OK", responses=[{"model_id": "gd1"}]),
}
