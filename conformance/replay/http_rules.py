"""When an HTTP answer is the recorded one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .answers import HttpAnswer
from .golden import Record
from .http_calls import read_body
from .matching import differences, matches_text

_RECORDED_URL = "http://127.0.0.1:18080"
_JSON = "application/json"
_PARSER_POSITION = "json_invalid"


def recorded_answer(record: Record) -> HttpAnswer:
    """The answer of the recording, with the headers that errors have today."""
    response = record["response"]
    headers = {
        name: value.replace(_RECORDED_URL, "<url>")
        for name, value in response["headers"].items()
        if name != "content-length"
    }
    body = read_body(response["body"]) if "body" in response else None
    if isinstance(body, dict) and "details" in body:
        headers.setdefault("content-type", _JSON)
    return HttpAnswer(
        status=response["status"], headers=headers, body=body, zip_entries=response.get("zip_entries")
    )


def compare_http(expected: list[HttpAnswer], got: HttpAnswer) -> list[str]:
    """The differences to the closest of the expected answers."""
    return min((list(_differ(answer, got)) for answer in expected), key=len)


def _differ(expected: HttpAnswer, got: HttpAnswer) -> Iterator[str]:
    if expected.status != got.status:
        yield f"status: expected {expected.status}, got {got.status} {got.body!r:.600}"
        return
    yield from differences(expected.headers, _comparable_headers(got), "headers")
    if expected.zip_entries is not None:
        yield from differences(expected.zip_entries, got.zip_entries, "zip")
    elif _is_schema_error(expected.body):
        yield from _differ_in_issues(expected.body, got.body)
    elif expected.body is not None:
        yield from differences(expected.body, _comparable_body(expected.body, got), "body")


def _comparable_headers(got: HttpAnswer) -> dict[str, str]:
    """Without the hint that only refusals of a busy server carry, and the id that the recorded server did not know."""
    busy = {"retry-after"} if got.status == 503 else set()
    return {name: value for name, value in got.headers.items() if name not in busy | {"x-request-id"}}


def _comparable_body(expected: Any, got: HttpAnswer) -> Any:
    """The short error form may carry the keys of the long form too."""
    if isinstance(expected, dict) and expected.keys() == {"detail"} and isinstance(got.body, dict):
        return {key: value for key, value in got.body.items() if key not in ("details", "code", "id")}
    return got.body


def _is_schema_error(body: Any) -> bool:
    return isinstance(body, dict) and "additional_info" in body


def _differ_in_issues(expected: Any, got: Any) -> Iterator[str]:
    """Of what the validator says, the kinds and places count, and the first text unless it holds a position.

    The text may be followed by the place.
    """
    if not _is_schema_error(got):
        yield f"body: expected a schema error, got {got!r:.600}"
        return
    wanted, found = _kinds(expected), _kinds(got)
    if len(wanted) != len(found) or any(map(_differ_in_kind, wanted, found)):
        yield f"additional_info: expected {wanted}, got {found}"
    first = expected["additional_info"][0]["type"]
    details = (expected["details"], f"{expected['details']} at <any>")
    if first != _PARSER_POSITION and not any(matches_text(each, got["details"]) for each in details):
        yield f"details: expected {expected['details']!r}, got {got['details']!r}"
    for key in ("code", "id"):
        yield from differences(expected[key], got.get(key), key)


def _kinds(body: Any) -> list[tuple[str, list[Any]]]:
    return [(issue["type"], issue["loc"]) for issue in body["additional_info"]]


def _differ_in_kind(wanted: tuple[str, list[Any]], found: tuple[str, list[Any]]) -> bool:
    return not matches_text(wanted[0], found[0]) or wanted[1] != found[1]
