"""Sends recorded HTTP requests in recording order."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from .answers import HttpAnswer
from .follow_up import PATIENCE_SECONDS, PAUSE_SECONDS, FollowUp, is_too_early
from .golden import Record

_VARYING_HEADERS = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "vary"}
)

Expect = Callable[[Record], list[HttpAnswer]]
Compare = Callable[[list[HttpAnswer], HttpAnswer], list[str]]


def replay_http(url: str, records: list[Record], expect: Expect, compare: Compare) -> dict[str, list[str]]:
    """The differences of every record, by its name."""
    follow_up = FollowUp()
    outcome = {}
    with httpx.Client(base_url=url, timeout=30, follow_redirects=False) as client:
        for record in records:
            expected = expect(record)
            got = _ask_in_time(client, record, follow_up, expected[0])
            outcome[record["name"]] = compare(expected, got)
    return outcome


def _ask_in_time(
    client: httpx.Client, record: Record, follow_up: FollowUp, expected: HttpAnswer
) -> HttpAnswer:
    path = record["request"]["path"]
    for key in ("prediction_id", "training_id"):
        head, separator, tail = path.partition(f"{key}=")
        if separator and "<uuid>" in tail:
            path = f"{head}{separator}{follow_up.fill(key)}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        got = _ask(client, record["request"], path)
        if not is_too_early(expected.body, got.body) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    if record["request"]["method"] == "POST" and record["response"]["status"] == 200:
        follow_up.note(got.body)
    return got


def _ask(client: httpx.Client, request: Mapping[str, Any], path: str) -> HttpAnswer:
    body = request["body"]
    content = body.encode() if body is not None else None
    response = client.request(request["method"], path, headers=dict(request["headers"]), content=content)
    headers = {
        name.lower(): value.replace(str(client.base_url).rstrip("/"), "<url>")
        for name, value in response.headers.items()
        if name.lower() not in _VARYING_HEADERS
    }
    media_type = headers.get("content-type", "")
    if media_type == "application/zip":
        return HttpAnswer(status=response.status_code, headers=headers, zip_entries=_unzip(response.content))
    return HttpAnswer(status=response.status_code, headers=headers, body=read_body(response.text))


def read_body(text: str) -> Any:
    """JSON as a value, other texts as they are; what the JSON standard lacks, like NaN, is not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unzip(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}
