"""What HTTP answers must be where the recorded ones are not wanted."""

from __future__ import annotations

from typing import Any

from .answers import HttpAnswer
from .golden import Record, load_records
from .http_rules import recorded_answer

_RECORDS = {record["name"]: record for record in load_records("http")}


def expected_answers(record: Record) -> list[HttpAnswer]:
    """The answers of which one must come; the first is the one to wait for."""
    name = record["name"]
    if "wart" in record:
        return BETTER[record["wart"]][name]
    return UNMARKED.get(name) or [recorded_answer(record)]


def _as_recorded(name: str) -> HttpAnswer:
    """The answer to another record."""
    return recorded_answer(_RECORDS[name])


def _body(name: str, **changes: Any) -> dict[str, Any]:
    body = _as_recorded(name).body
    return {**body, **changes}


def _ok(body: Any) -> list[HttpAnswer]:
    return [HttpAnswer(status=200, body=body)]


def _echo(**seen: Any) -> list[HttpAnswer]:
    """What the module with many parameters answers if it received these besides the text."""
    body = _body("echo-min")
    return _ok({**body, "seen": {**body["seen"], **seen}})


def _failed(status: int, details: str = "<any>") -> list[HttpAnswer]:
    return [HttpAnswer(status=status, body={"details": details, "code": status, "id": "<uuid>"})]


def _refused(status: int, detail: str = "<any>") -> list[HttpAnswer]:
    """The short form, for requests that reach no operation."""
    return [HttpAnswer(status=status, body={"detail": detail})]


def _malformed(kind: str, *place: str) -> list[HttpAnswer]:
    issue = {"type": kind, "loc": list(place)}
    body = {"details": "<any>", "additional_info": [issue], "code": 422, "id": "<uuid>"}
    return [HttpAnswer(status=422, body=body)]


def _event(details: str, code: int) -> list[HttpAnswer]:
    frame = f'event: error\r\ndata: {{"details": "{details}", "code": {code}, "id": "<uuid>"}}\r\n\r\n'
    headers = _as_recorded("sse-3").headers
    return [HttpAnswer(status=200, headers=headers, body=frame)]


_HELLO = _as_recorded("greet-min").body
_NO_TASK = "<any>FarewellTask<any>GreetTask<any>"
_NO_PERSON = "Missing required input: 'person', expected at inputs"
_NO_FILES = _as_recorded("deploy-empty-files").body["details"]
_NO_STREAM = "Model class <class 'golden_lib.modules.greet.PoliteGreeter'> does not support ServerStreamingGreetTaskPredict"
_BLOB = _as_recorded("blob-empty").body

BETTER: dict[str, dict[str, list[HttpAnswer]]] = {
    "W-TASK": {
        "farewell-wrong-model": _failed(400, _NO_TASK),
        "echo-wrong-task": _failed(400, _NO_TASK.replace("FarewellTask", "EchoTask")),
        "sse-not-streaming-model": _event(_NO_STREAM, 400),
    },
    "W-FOREIGN": {"greet-polite-foreign-param": [_as_recorded("greet-polite")]},
    "W-CTYPE": {
        "charset": _ok(_HELLO),
        "upper-ct": _ok(_HELLO),
        "no-ct": [*_refused(415, "Unsupported media type: <any>."), *_ok(_HELLO)],
        "multipart-no-boundary": _refused(400),
    },
    "W-FALSY": {"echo-empty-string": _echo(text="")},
    "W-NULL": {
        "null-inputs": _failed(400, _NO_PERSON),
        "echo-params-null-member": _echo(),
        "echo-null-optional": _echo(),
        "echo-null-list": _echo(),
        "echo-null-union": _echo(),
        "blob-null-inputs-fields": _ok(_BLOB),
    },
    "W-JSONDICT": {
        "echo-dict": _echo(d_si={"a": 1}, js={"x": [1, 2.5, None, True, {"y": "z"}]}),
        "echo-js-list-of-scalar": _echo(js={"l": [1]}),
        "blob-js-list": _ok(_body("blob", js={"n": None, "i": 1, "f": 1.5, "l": [1], "o": {"z": 1}})),
    },
    "W-ENUM": {"echo-lists": _echo(l_str=["a"], l_int=[1, 2], l_obj=["Person"], obj="Person")},
    "W-NAN": {
        "blob-nan": [*_malformed("<any>", "inputs", "a_float"), *_ok({**_BLOB, "a_float": "NaN"})],
        "blob-inf-str": [*_malformed("<any>", "inputs", "a_float"), *_ok({**_BLOB, "a_float": "Infinity"})],
    },
    "W-RANGE": {
        "echo-too-big-int": _malformed("<any>", "parameters", "p_int"),
        "blob-i32-overflow": _malformed("<any>", "inputs", "i32"),
        "blob-neg-u32": _malformed("<any>", "inputs", "u32"),
    },
    "W-FORMDICT": {
        "multipart-echo": _echo(l_str=["a", "b"], p_bytes="bytes:b'raw'", obj="Person", d_si={"a": 1}),
    },
    # Over HTTP the recorded answer is the wanted one.
    "W-PRESENCE": {"blob-empty": _ok(_BLOB)},
    "W-500": {
        "train-s3-output": _failed(400, "<any>S3 output path not supported by this runtime"),
        "deploy-no-files": _failed(400, _NO_FILES),
    },
    "W-UNAVAILABLE": {
        "fail-core:CONNECTION_ERROR": _failed(503, "core says CONNECTION_ERROR"),
        "fail-rt:UNAVAILABLE": _failed(503, "rt says UNAVAILABLE"),
    },
    "W-TRAVERSE": {
        "deploy-traverse-file": _failed(400),
        "deploy-traverse-id": _failed(400),
    },
    "W-JOBTASK": {"job-result-other-task-route": _failed(404)},
}

# Records that are not marked, but whose answers a wanted change elsewhere makes different.
UNMARKED: dict[str, list[HttpAnswer]] = {
    # What the server prints can be sent back, so the member of a union is accepted under its own name.
    "blob-oneof-field": _ok({**_BLOB, "a_flag": True}),
    "train-src-direct-jsondata": _ok({"training_id": "<uuid>", "model_name": "d"}),
    # Python's own words for a call without an argument.
    "no-inputs": _failed(400, _NO_PERSON),
    "compare-missing-one": _failed(400, "Missing required input: 'rights', expected at inputs.rights"),
    "sse-missing-input": _event(_NO_PERSON, 400),
    # The text named classes of the recorded server.
    "multipart-bad-json": _refused(422, "Failed to parse key 'inputs' with types [<any>]"),
    # The name of the class depends on the server stack.
    "context-class": _ok(_body("context-class", text="<class>")),
    # Every job that has ended has a completion time.
    "job-status-cancelled": _ok(_body("job-status-cancelled", completion_timestamp="<time>")),
    "job-status-err": _ok(_body("job-status-err", completion_timestamp="<time>")),
    "train-status-err": _ok(_body("train-status-err", completion_timestamp="<time>")),
}
