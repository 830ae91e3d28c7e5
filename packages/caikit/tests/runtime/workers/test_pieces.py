"""The parts that workers and their supervisor are made of."""

from __future__ import annotations

import math
import socket
import threading
import time

import pytest

from caikit.runtime._workers.channel import Channel, Mailbox
from caikit.runtime._workers.count import count_cores
from caikit.runtime._workers.launch import interpreter_options
from caikit.runtime._workers.lines import Lines
from caikit.runtime._workers.ports import Place, reserve, shared_socket
from caikit.runtime._workers.samples import Figures, add_up
from caikit.runtime._workers.switchboard import Switchboard


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["python", "-m", "caikit.runtime"], []),
        (["python", "-W", "error", "-Xdev", "-m", "caikit.runtime"], ["-W", "error", "-Xdev"]),
        (["python", "-Wignore", "-X", "utf8", "/bin/caikit-runtime"], ["-Wignore", "-X", "utf8"]),
        (["python", "-IBm", "caikit.runtime"], ["-IB"]),
        (["python", "-IW", "error", "-c", "code", "-x"], ["-IW", "error"]),
        (["python", "-mcaikit.runtime", "-O"], []),
        (
            ["python", "--check-hash-based-pycs", "never", "-u", "x.py"],
            ["--check-hash-based-pycs", "never", "-u"],
        ),
        (["python"], []),
    ],
)
def test_options_of_python(command, options):
    assert interpreter_options(command) == options


def test_cores():
    assert 1 <= count_cores() <= 4096


def counter(value, *, born=10.0):
    samples = [["calls_total", {"code": "OK"}, value], ["calls_created", {"code": "OK"}, born]]
    return ["calls", "Calls", "counter", "", samples]


def gauge(name, value):
    return [name, "", "gauge", "", [[name, {}, value]]]


def values(families):
    return {sample: value for family in families for sample, _, value in family[4]}


def test_figures_are_added_up():
    one = [counter(3.0, born=20.0), gauge("running", 1.0), gauge("process_start_time_seconds", 5.0)]
    two = [
        counter(4.0),
        gauge("running", 2.0),
        gauge("process_start_time_seconds", 4.0),
        gauge("x_info", 1.0),
    ]
    total = values(add_up([one, two]))
    assert total == {
        "calls_total": 7.0,
        "calls_created": 10.0,
        "running": 3.0,
        "process_start_time_seconds": 4.0,
        "x_info": 1.0,
    }


def test_counts_of_the_dead_stay():
    figures = Figures()
    for pid, count in ((1, 3.0), (2, 4.0)):
        figures.keep(pid, [counter(count), gauge("running", 1.0)])
    before = values(figures.total())
    figures.bury(1)
    after = values(figures.total())
    assert (before["calls_total"], after["calls_total"]) == (7.0, 7.0)
    assert (before["running"], after["running"]) == (2.0, 1.0)
    figures.keep(3, [counter(1.0)])
    figures.bury(2)
    assert values(figures.total()) == {"calls_total": 8.0, "calls_created": 10.0}


def test_messages_in_both_directions():
    ours, theirs = socket.socketpair()
    mailbox, channel = Mailbox(ours), Channel(theirs.detach())
    large = {"type": "large", "text": "ä" * 3_000_000, "number": math.inf}
    reader = threading.Thread(target=lambda: received.append(channel.receive()))
    received = []
    reader.start()
    mailbox.send(large)
    while mailbox.has_unsent:
        mailbox.flush()
    reader.join(5)
    assert received == [large]

    sender = threading.Thread(target=lambda: [channel.send({"type": str(number)}) for number in range(1000)])
    sender.start()
    kinds = []
    while len(kinds) < 1000:
        kinds += [message["type"] for message in mailbox.receive()]
    sender.join(5)
    assert kinds == [str(number) for number in range(1000)]
    mailbox.close()
    assert channel.receive() is None
    with pytest.raises(OSError, match="pipe"):
        channel.send({"type": "late"})


def test_lines_keep_their_order():
    lines = Lines()
    seen: list[tuple[str, int]] = []
    free, done = threading.Event(), threading.Semaphore(0)

    def job(line, number):
        if line == "a":
            free.wait(5)
        seen.append((line, number))
        done.release()

    for number in range(20):
        for line in "ab":
            lines.add(line, lambda line=line, number=number: job(line, number))
    for _ in range(20):
        assert done.acquire(timeout=5)
    assert seen == [("b", number) for number in range(20)]
    free.set()
    for _ in range(20):
        assert done.acquire(timeout=5)
    assert seen[20:] == [("a", number) for number in range(20)]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]", "0.0.0.0"])
def test_a_reserved_port_is_for_those_who_share_it(host):
    with reserve(Place(host, 0, "key")) as reserved:
        port = reserved.getsockname()[1]
        with shared_socket(host, port) as one, shared_socket(host, port) as other:
            one.listen()
            other.listen()
        with pytest.raises(OSError, match=rf"Cannot listen on port {port} \(key\)"):
            reserve(Place(host, port, "key"))
        with reserve(Place(host, port, "key", find_available_port=True)) as another:
            assert another.getsockname()[1] != port
    reserve(Place(host, port, "key")).close()


class Colleague:
    def __init__(self, number):
        self.number = number
        self.pid = 100 + number
        self.got = []

    def send(self, message):
        self.got.append(message)


@pytest.fixture
def office():
    staff = [Colleague(number) for number in (1, 2, 3)]
    return Switchboard(lambda: staff, list), staff


def question(number, **more):
    return {"type": "ask", "id": number, "call": "load", "args": {"id": "m"}, "line": "m", **more}


def test_a_question_is_answered_by_all_others(office):
    switchboard, (one, two, three) = office
    switchboard.ask(one, question(7))
    assert one.got == []
    call = two.got.pop()
    assert (call["call"], call["args"], call["line"]) == ("load", {"id": "m"}, "m")
    switchboard.answer(two, {"id": call["id"], "ok": 1})
    switchboard.answer(two, {"id": call["id"], "ok": "again"})
    assert one.got == []
    switchboard.answer(three, {"id": call["id"], "error": {"status": "INTERNAL", "message": "no"}})
    answers = [
        {"worker": 2, "pid": 102, "ok": 1},
        {"worker": 3, "pid": 103, "error": {"status": "INTERNAL", "message": "no"}},
    ]
    assert one.got == [{"type": "answers", "id": 7, "answers": answers}]


def test_nobody_waits_for_the_dead(office):
    switchboard, (one, two, three) = office
    switchboard.ask(one, question(7))
    switchboard.ask(two, question(8))
    switchboard.answer(three, {"id": three.got[0]["id"], "ok": 1})
    switchboard.forget(two)
    assert one.got[-1] == {"type": "answers", "id": 7, "answers": [{"worker": 3, "pid": 103, "ok": 1}]}
    switchboard.answer(three, {"id": three.got[1]["id"], "ok": 1})
    assert [message["type"] for message in two.got] == ["call"]


def test_who_does_not_answer_is_named(office):
    switchboard, (one, _, three) = office
    switchboard.ask(one, question(7, seconds=0.5))
    switchboard.answer(three, {"id": three.got[0]["id"], "ok": 1})
    deadline = switchboard.next_deadline()
    assert deadline is not None
    assert deadline <= time.monotonic() + 0.5
    switchboard.expire(deadline - 0.1)
    assert one.got == []
    switchboard.expire(deadline)
    assert one.got[0]["answers"][1:] == [{"worker": 2, "pid": 102}]
    assert switchboard.next_deadline() is None


def test_what_somebody_who_comes_later_is_told(office):
    switchboard, (one, two, _) = office
    switchboard.ask(one, question(1, keep=["deployed", "a"]))
    switchboard.ask(two, question(2, keep=["meshed", "b"]))
    switchboard.ask(two, question(3, keep=["meshed", "c"]))
    switchboard.ask(one, question(4, keep=["meshed", "b"]))
    assert len(switchboard.history) == 3
    switchboard.ask(one, question(5, forget=[["deployed", "a"], ["meshed", "a"]]))
    assert len(switchboard.history) == 2
    switchboard.ask(one, question(6, forget=[["meshed", None]]))
    assert switchboard.history == []
