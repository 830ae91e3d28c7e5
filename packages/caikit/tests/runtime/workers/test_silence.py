"""Workers that do not end, but do nothing either."""

from __future__ import annotations

import os
import signal
import threading

import grpc
import pytest
import requests
from team_tools import until

SILENT = r"<RUN61240108E>.*\(pid (\d+)\) has given no sign of life for 2 seconds"


def check_replacement(team, before: set[int], victim: int) -> None:
    assert int(team.wait_for(SILENT)[1]) == victim
    death = team.wait_for(r"<RUN61240106E>.*")[0]
    assert f"(pid {victim}) died" in death
    assert "killed because it gave no sign of life" in death
    team.wait_for(r"<RUN61240101I>")
    after = team.wait_for_children(2)
    assert before - after == {victim}
    until(lambda: {team.where(), team.where_grpc()} <= after)
    assert team.metrics()["caikit_runtime_worker_deaths_total"] == 1
    assert team.finish() == 0


def test_a_stopped_worker_is_replaced(serve_team):
    team = serve_team(worker_silence_seconds=2)
    before = team.children
    os.kill(min(before), signal.SIGSTOP)
    check_replacement(team, before, min(before))


@pytest.mark.parametrize(
    ("text", "transport"), [("hold", "standard"), ("block", "standard"), ("block", "native")]
)
def test_a_worker_that_hangs_is_replaced(serve_team, text, transport, tmp_path):
    team = serve_team(worker_silence_seconds=2, transport=transport)
    before = team.children
    lost: list[Exception] = []

    def call() -> None:
        try:
            team.where(text=text, note=True)
        except (requests.RequestException, grpc.RpcError) as error:
            lost.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    until((tmp_path / f"running_{text}").exists)
    victim = int(team.wait_for(SILENT)[1])
    caller.join(20)
    assert lost
    check_replacement(team, before, victim)


def test_workers_that_are_busy_live_on(serve_team):
    team = serve_team(worker_silence_seconds=1)
    before = team.children
    assert team.where(sleep=3.0) in before
    assert team.children == before
    assert "no sign of life" not in team.output
    assert team.finish() == 0


@pytest.mark.parametrize("given", ["soon", -1, True])
def test_what_is_no_number_of_seconds(start_team, given):
    team = start_team(worker_silence_seconds=given)
    assert team.process.wait(20) == 1
    team.close()
    assert "runtime.worker_silence_seconds: expected a number of seconds" in team.output
