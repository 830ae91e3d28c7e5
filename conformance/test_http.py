"""Recorded HTTP requests."""

from __future__ import annotations

import httpx
import pytest

from conformance.replay.better_http import expected_answers
from conformance.replay.golden import Record, load_records
from conformance.replay.http_calls import replay_http
from conformance.replay.http_rules import compare_http
from conformance.replay.scope import NOT_SERVED_YET
from conformance.replay.server import Target

RECORDS = [record for record in load_records("http") if record["name"] not in NOT_SERVED_YET["http"]]


def is_blob_answer(record: Record) -> bool:
    """True for answers that have every kind of field."""
    return record["request"]["path"].endswith("/task/blob") and expected_answers(record)[0].status == 200


@pytest.fixture(scope="session")
def outcome(http_url: str) -> dict[str, list[str]]:
    return replay_http(http_url, RECORDS, expected_answers, compare_http)


@pytest.mark.parametrize("name", [record["name"] for record in RECORDS])
def test_answer_is_the_recorded_one(outcome: dict[str, list[str]], name: str) -> None:
    assert not outcome[name], "\n".join(outcome[name])


def test_refused_deployments_leave_no_trace(outcome: dict[str, list[str]], target: Target) -> None:
    if target.folder is None:
        pytest.skip("only the suite's own server lets it look into the folder")
    names = {path.name for path in target.folder.parent.rglob("*")}
    assert outcome["deploy-traverse-file"] == outcome["deploy-traverse-id"] == []
    assert names.isdisjoint({"escaped.txt", "escaped_dir", "dep2", "dep3", "dep6"})


@pytest.mark.parametrize("name", [record["name"] for record in RECORDS if is_blob_answer(record)])
def test_output_is_accepted_as_input(http_url: str, name: str) -> None:
    record = next(record for record in RECORDS if record["name"] == name)
    output = expected_answers(record)[0].body
    request = {"model_id": "blob", "inputs": output}
    answer = httpx.post(f"{http_url}/api/v1/task/blob", json=request, timeout=30)
    assert (answer.status_code, answer.json()) == (200, output)
