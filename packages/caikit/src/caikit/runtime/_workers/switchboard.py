"""Passes what one worker asks to all others, and their answers back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .channel import Message
from .samples import Family, Figures


class Colleague(Protocol):
    """A worker that can be asked."""

    @property
    def number(self) -> int: ...
    @property
    def pid(self) -> int: ...
    def send(self, message: Message) -> None: ...


@dataclass(slots=True)
class _Question:
    asker: Colleague
    asker_id: int
    call: str
    deadline: float | None
    missing: dict[int, Colleague]
    answers: list[Message] = field(default_factory=list)


class Switchboard:
    """A question is answered as soon as every worker that was asked has answered it, has died, or is late.

    What puts a model somewhere is kept: a worker that joins later gets the same calls in the same order.
    """

    def __init__(
        self, colleagues: Callable[[], Iterable[Colleague]], own_figures: Callable[[], list[Family]]
    ) -> None:
        self._colleagues = colleagues
        self._own_figures = own_figures
        self._questions: dict[int, _Question] = {}
        self._next_id = 0
        self._history: dict[tuple[str, str], Message] = {}
        self.figures = Figures()

    @property
    def history(self) -> list[Message]:
        return list(self._history.values())

    def ask(self, asker: Colleague, message: Message) -> None:
        self._remember(message)
        self._next_id += 1
        seconds = message.get("seconds")
        others = {each.pid: each for each in self._colleagues() if each.pid != asker.pid}
        question = _Question(
            asker,
            message["id"],
            message["call"],
            None if seconds is None else time.monotonic() + seconds,
            others,
        )
        self._questions[self._next_id] = question
        if question.call == "samples":
            self.figures.keep(asker.pid, message["args"]["families"])
        call = {
            "type": "call",
            "id": self._next_id,
            "call": message["call"],
            "args": message["args"],
            "line": message.get("line"),
        }
        for other in list(others.values()):
            other.send(call)
        self._finish(self._next_id)

    def answer(self, colleague: Colleague, message: Message) -> None:
        question = self._questions.get(message["id"])
        if question is None or question.missing.pop(colleague.pid, None) is None:
            return
        if question.call == "samples" and "ok" in message:
            self.figures.keep(colleague.pid, message["ok"])
        result: Message = {key: message[key] for key in ("ok", "error") if key in message}
        question.answers.append({"worker": colleague.number, "pid": colleague.pid, **result})
        self._finish(message["id"])

    def forget(self, colleague: Colleague) -> None:
        """The worker is gone: nobody waits for it, and it waits for nothing."""
        self.figures.bury(colleague.pid)
        for number, question in list(self._questions.items()):
            if question.asker.pid == colleague.pid:
                del self._questions[number]
            elif question.missing.pop(colleague.pid, None) is not None:
                self._finish(number)

    def next_deadline(self) -> float | None:
        deadlines = [each.deadline for each in self._questions.values() if each.deadline is not None]
        return min(deadlines, default=None)

    def expire(self, now: float) -> None:
        for number, question in list(self._questions.items()):
            if question.deadline is not None and question.deadline <= now:
                late = [{"worker": each.number, "pid": each.pid} for each in question.missing.values()]
                question.answers += late
                question.missing.clear()
                self._finish(number)

    def _finish(self, number: int) -> None:
        question = self._questions.get(number)
        if question is None or question.missing:
            return
        del self._questions[number]
        answers: Any = question.answers
        if question.call == "samples":
            answers = [{"ok": self.figures.total(self._own_figures())}]
        question.asker.send({"type": "answers", "id": question.asker_id, "answers": answers})

    def _remember(self, message: Message) -> None:
        for kind, name in message.get("forget") or ():
            for key in [key for key in self._history if key[0] == kind and name in (key[1], None)]:
                del self._history[key]
        if message.get("keep"):
            kind, name = message["keep"]
            self._history.pop((kind, name), None)
            self._history[kind, name] = {key: message.get(key) for key in ("call", "args", "line")}
