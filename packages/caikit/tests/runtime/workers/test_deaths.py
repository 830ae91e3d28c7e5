"""What becomes of the others, and of the whole, when a worker dies."""

from __future__ import annotations

import os
import signal
import threading
import time

import grpc
import pytest
import requests
from team_tools import is_alive, until

LOST = (requests.ConnectionError, grpc.RpcError)


class Load:
    """Clients that call over fresh connections until they are stopped."""

    def __init__(self, team, clients=4):
        self._team = team
        self._stop = threading.Event()
        self.answers: list[int] = []
        self.lost: list[Exception] = []
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self, number):
        call = self._team.where if number % 2 else self._team.where_grpc
        while not self._stop.is_set():
            try:
                self.answers.append(call())
            except grpc.RpcError as error:
                known = error.code() is grpc.StatusCode.UNAVAILABLE
                (self.lost if known else self.errors).append(error)
            except requests.ConnectionError as error:
                self.lost.append(error)
            except BaseException as error:
                self.errors.append(error)


def test_death_under_load(serve_team):
    team = serve_team()
    victim, survivor = sorted(team.children)
    with Load(team) as load:
        until(lambda: len(load.answers) > 40)
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in team.children)
        seen = len(load.answers)
        until(lambda: len(load.answers) > seen + 40)
        team.wait_for(r"<RUN61240101I>")
        successor = (team.wait_for_children(2) - {survivor}).pop()
        until(lambda: successor in load.answers)
    assert load.errors == []
    # What the dead one had at that moment, and what came while the system took it apart.
    assert len(load.lost) <= 8
    death = team.wait_for(r"<RUN61240106E>.*")[0]
    assert f"(pid {victim}) died" in death
    assert "killed by SIGKILL" in death
    assert team.finish() == 0


def test_what_a_killed_worker_has_counted_is_kept(serve_team):
    team = serve_team()
    answers = [team.where() for _ in range(20)]
    victim = max(team.children, key=answers.count)
    # Nobody has asked for the figures meanwhile: the worker has reported them by itself.
    time.sleep(3)
    os.kill(victim, signal.SIGKILL)
    team.wait_for(r"<RUN61240106E>")
    assert team.calls() == len(answers)
    team.wait_for(r"<RUN61240101I>")
    assert team.calls() == len(answers)
    assert team.finish() == 0


def test_the_request_that_kills_its_worker(serve_team):
    team = serve_team()
    before = team.children
    with pytest.raises(requests.ConnectionError):
        team.where(text="die")
    team.wait_for(r"<RUN61240101I>")
    after = team.wait_for_children(2)
    assert len(before & after) == 1
    assert {team.where() for _ in range(30)} == after
    assert team.finish() == 0


def test_a_worker_that_is_told_to_leave(serve_team, tmp_path):
    team = serve_team(http={"server_shutdown_grace_period_seconds": 20})
    answers: list[int] = []
    runner = threading.Thread(target=lambda: answers.append(team.where(text="1", sleep=1.0, note=True)))
    runner.start()
    until((tmp_path / "running_1").exists)
    before = team.children
    for pid in before:
        os.kill(pid, signal.SIGTERM)
    runner.join(10)
    assert set(answers) <= before
    assert answers
    team.wait_for(r"<RUN61240101I>", count=2)
    after = team.wait_for_children(2)
    assert not before & after
    assert team.where() in after
    assert "<RUN61240105I>" in team.output
    assert "<RUN61240106E>" not in team.output
    assert team.finish() == 0


def test_one_death_after_the_other_is_the_end(serve_team, tmp_path):
    team = serve_team()
    children = team.children
    (tmp_path / "poison").touch()
    os.kill(min(children), signal.SIGKILL)
    team.wait_for(r"<RUN61240104E>.*giving up. The last cause: killed by SIGKILL", seconds=40)
    assert team.finish() == 1
    assert not any(map(is_alive, children))
    assert "Traceback" not in team.output
