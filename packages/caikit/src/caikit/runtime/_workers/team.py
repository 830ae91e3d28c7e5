"""The other workers, as one of them sees them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import alog

from caikit.runtime.engine import RequestContext, RequestError, Status, to_failure

from .channel import Channel, Message
from .lines import Lines

log = alog.use_channel("WORKERS")

Handler = Callable[[dict[str, Any]], Any]

ANSWER_SECONDS = 30.0
# A line of its own for what only looks.
_READING = "reading"
_HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one of the others has answered: a result or an error."""

    worker: int
    pid: int
    result: Any = None
    error: RequestError | None = None

    @classmethod
    def read(cls, message: Message) -> Answer:
        worker, pid = message.get("worker", 0), message.get("pid", 0)
        if "ok" in message:
            return cls(worker=worker, pid=pid, result=message["ok"])
        error = message.get("error")
        if error is None:
            return cls(worker=worker, pid=pid, error=RequestError(Status.UNAVAILABLE, "no answer in time"))
        return cls(worker=worker, pid=pid, error=RequestError(Status[error["status"]], error["message"]))


class Question:
    """Something that the others were asked."""

    def __init__(self) -> None:
        self._awake = threading.Event()
        self._answers: list[Answer] | None = None

    def settle(self, answers: list[Answer]) -> None:
        self._answers = answers
        self._awake.set()

    def answers(self, context: RequestContext) -> list[Answer]:
        """All answers, as soon as the last one is there; raises when the request ends first."""
        forget = context.cancel.on_cancel(self._awake.set)
        try:
            remaining = context.time_remaining
            self._awake.wait(None if remaining is None else max(0.0, remaining))
        finally:
            forget()
        if self._answers is None:
            context.cancel.raise_if_cancelled()
            raise RequestError(
                Status.DEADLINE_EXCEEDED, "The deadline passed before all workers had answered"
            )
        return self._answers


class Team:
    """Asks the others and answers them. Whoever dies is not waited for."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._handlers: dict[str, Handler] = {}
        self._questions: dict[int, Question] = {}
        self._next_id = 0
        self._is_alone = False
        self._lines = Lines()
        self._orders: dict[str, Callable[[Message], None]] = {}
        self.caught_up = threading.Event()
        """This worker has done what the others were told before it came."""

    def start(self, orders: dict[str, Callable[[Message], None]], on_end: Callable[[], None]) -> None:
        """Read messages from now on. `orders` says what is done when the supervisor says something."""
        self._orders = orders
        threading.Thread(target=self._read, args=(on_end,), name="caikit_team", daemon=True).start()

    def tell(self, kind: str, **content: Any) -> None:
        """Say something to the supervisor."""
        try:
            self._channel.send({"type": kind, **content})
        except OSError:
            log.debug("<RUN61240111D>", "The supervisor is gone")

    def handle(self, call: str, handler: Handler) -> None:
        """How this worker answers the others."""
        self._handlers[call] = handler

    def ask(
        self,
        call: str,
        args: dict[str, Any],
        *,
        line: str | None = None,
        seconds: float | None = ANSWER_SECONDS,
        keep: tuple[str, str] | None = None,
        forget: Sequence[tuple[str, str | None]] = (),
    ) -> Question:
        """Ask all others.

        Calls of the same line reach each of them in their order. `keep` has workers that come later called as well,
        until the same kind and name are in a `forget`.
        """
        question = Question()
        with self._lock:
            self._next_id += 1
            number = self._next_id
            if self._is_alone:
                question.settle([])
                return question
            self._questions[number] = question
        self.tell(
            "ask", id=number, call=call, args=args, line=line, seconds=seconds, keep=keep, forget=list(forget)
        )
        return question

    def _read(self, on_end: Callable[[], None]) -> None:
        while (message := self._channel.receive()) is not None:
            match message["type"]:
                case "call":
                    self._lines.add(message.get("line") or _READING, partial(self._answer, message))
                case "history":
                    self._repeat(message["calls"])
                case "answers":
                    with self._lock:
                        question = self._questions.pop(message["id"])
                    question.settle([Answer.read(each) for each in message["answers"]])
                case order:
                    self._orders[order](message)
        with self._lock:
            self._is_alone = True
            questions, self._questions = self._questions, {}
        for question in questions.values():
            question.settle([])
        on_end()

    def _repeat(self, calls: list[Message]) -> None:
        """Do what the others were told before this worker came; what they are told from now on comes after it."""
        missing = threading.Semaphore(0)
        for call in calls:
            self._lines.add(call.get("line") or _READING, partial(self._catch_up, call, missing))
        self._lines.add(_HISTORY, lambda: self._wait_for_history(missing, len(calls)))

    def _catch_up(self, call: Message, missing: threading.Semaphore) -> None:
        outcome = self._outcome(call)
        if "error" in outcome:
            reason = outcome["error"]["message"]
            log.warning("<RUN61240112W>", "What the others were told cannot be repeated: %s", reason)
        missing.release()

    def _wait_for_history(self, missing: threading.Semaphore, count: int) -> None:
        for _ in range(count):
            missing.acquire()
        self.caught_up.set()

    def _answer(self, call: Message) -> None:
        self.tell("answer", id=call["id"], **self._outcome(call))

    def _outcome(self, call: Message) -> dict[str, Any]:
        try:
            return {"ok": self._handlers[call["call"]](call["args"])}
        except Exception as error:
            failure = to_failure(error)
            log.debug("<RUN61240113D>", "Call %s of another worker failed", call["call"], exc_info=True)
            return {"error": {"status": failure.status.name, "message": failure.message}}
