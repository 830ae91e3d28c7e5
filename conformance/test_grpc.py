"""Recorded gRPC calls."""

from __future__ import annotations

import pytest

from conformance.replay.better_grpc import expected_answers
from conformance.replay.golden import load_records
from conformance.replay.grpc_calls import replay_grpc
from conformance.replay.grpc_rules import compare_grpc
from conformance.replay.protos import load_methods
from conformance.replay.scope import NOT_SERVED_YET

RECORDS = [record for record in load_records("grpc") if record["name"] not in NOT_SERVED_YET["grpc"]]


@pytest.fixture(scope="session")
def outcome(grpc_target: str) -> dict[str, list[str]]:
    return replay_grpc(grpc_target, load_methods(), RECORDS, expected_answers, compare_grpc)


@pytest.mark.parametrize("name", [record["name"] for record in RECORDS])
def test_answer_is_the_recorded_one(outcome: dict[str, list[str]], name: str) -> None:
    assert not outcome[name], "\n".join(outcome[name])
