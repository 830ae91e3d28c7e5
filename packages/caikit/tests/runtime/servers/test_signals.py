from __future__ import annotations

import signal
import threading

import pytest

from caikit.runtime._serving.signals import SignalRelay


class Server:
    def __init__(self):
        self.events = []

    def interrupt(self, signal_, frame):
        self.events.append(signal_)

    def force_stop(self):
        self.events.append("force")


@pytest.fixture
def relay():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield SignalRelay()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_first_signal_interrupts_and_the_second_forces(relay):
    servers = [Server(), Server()]
    for server in servers:
        relay.add(server)
    with relay.waiting():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    for server in servers:
        assert server.events == [signal.SIGTERM, "force"]
        relay.remove(server)


def test_main_thread_with_work_of_its_own_is_ended(relay):
    server = Server()
    relay.add(server)
    with pytest.raises(SystemExit) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 128 + signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    relay.remove(server)


def test_a_signal_while_the_next_server_is_built_is_for_that_one_too(relay):
    first, second = Server(), Server()
    with relay.waiting():
        relay.add(first)
        signal.raise_signal(signal.SIGTERM)
        thread = threading.Thread(target=relay.remove, args=(first,))
        thread.start()
        thread.join()
        assert relay.is_ending
        relay.add(second)
        assert (first.events, second.events) == ([signal.SIGTERM], [signal.SIGTERM])
        relay.remove(second)


def test_before_the_first_server_a_signal_ends_the_main_thread(relay):
    with pytest.raises(SystemExit), relay.waiting():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), relay.waiting():
        signal.raise_signal(signal.SIGINT)


def test_servers_removed_by_another_thread(relay):
    first, second = Server(), Server()
    relay.add(first)
    thread = threading.Thread(target=relay.remove, args=(first,))
    thread.start()
    thread.join()
    relay.add(second)
    with relay.waiting():
        signal.raise_signal(signal.SIGTERM)
    assert (first.events, second.events) == ([], [signal.SIGTERM])
    relay.remove(second)


def test_other_threads_leave_the_signals_alone(relay):
    thread = threading.Thread(target=relay.add, args=(Server(),))
    thread.start()
    thread.join()
