"""Asks the guard of an endpoint, which may need a moment to decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from caikit.runtime.engine import RequestError
from caikit.runtime.engine.guard import DECISION_SECONDS, Guard, UndecidedError

from ._connection import Connection


class Verdict:
    """What a guard has said."""

    __slots__ = ("_ask_again", "refusal", "undecided")

    def __init__(self, ask_again: Callable[[], RequestError | None]) -> None:
        self._ask_again = ask_again
        self.refusal = ask_again()
        self.undecided = self.refusal if isinstance(self.refusal, UndecidedError) else None

    def settle(self, connection: Connection, on_settled: Callable[[], object]) -> None:
        """Call back when the guard has decided, or has taken too long; `refusal` is the final one then."""
        if self.undecided is None:
            return
        hub = connection.hub
        waits = True

        def end() -> None:
            nonlocal waits
            if waits:
                waits = False
                timer.cancel()
                self.refusal = self._ask_again()
                on_settled()

        timer = hub.loop.call_later(DECISION_SECONDS, end)
        self.undecided.settled.add_done_callback(lambda _: hub.call(end))


def ask(guard: Guard, authorization: Sequence[str], connection: Connection) -> Verdict:
    return Verdict(partial(guard.refusal, authorization, connection.find_peer))
