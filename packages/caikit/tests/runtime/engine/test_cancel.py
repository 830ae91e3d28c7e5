from __future__ import annotations

import contextlib
import threading
import time

import pytest

from caikit.runtime.engine import CancelToken, RequestContext, RequestError, Status
from caikit.runtime.types.aborted_exception import AbortedException


def make_context(token: CancelToken) -> RequestContext:
    context = RequestContext(headers={}, cancel=token)
    context.abort_exception = AbortedException
    return context


def test_callbacks_run_once():
    token, calls = CancelToken(), []
    token.on_cancel(lambda: calls.append("early"))
    remove = token.on_cancel(lambda: calls.append("removed"))
    remove()
    remove()
    token.cancel()
    token.cancel()
    token.on_cancel(lambda: calls.append("late"))
    assert calls == ["early", "late"]


def test_first_reason_wins():
    token = CancelToken()
    token.raise_if_cancelled()
    token.cancel("too slow", Status.DEADLINE_EXCEEDED)
    token.cancel("cancelled")
    with pytest.raises(RequestError, match="too slow") as caught:
        token.raise_if_cancelled()
    assert caught.value.status is Status.DEADLINE_EXCEEDED


def test_running_call_is_interrupted():
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(AbortedException):
        make_context(token).call(spin, 10.0)
    assert time.monotonic() - started < 5


def test_cancelled_call_never_starts():
    token = CancelToken()
    token.cancel()
    with pytest.raises(RequestError):
        make_context(token).call(pytest.fail, "was started")


def test_call_returns_what_the_function_returns():
    context = make_context(CancelToken())
    assert context.call(int, "7") == 7
    assert context.call(dict, function=1, token=2, exception=3) == {"function": 1, "token": 2, "exception": 3}
    with pytest.raises(KeyError):
        context.call({}.__getitem__, "missing")


def test_interruption_never_leaves_the_call():
    """Cancel around the very moment when the function ends: nothing may be raised after the call."""
    for _ in range(300):
        token = CancelToken()
        context = make_context(token)
        barrier = threading.Barrier(2)

        def cancel(barrier=barrier, token=token):
            barrier.wait()
            token.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with contextlib.suppress(AbortedException, threading.BrokenBarrierError):
            context.call(lambda barrier=barrier: (barrier.wait(), sum(range(20))))
        thread.join()
        sum(range(1000))


def test_module_that_swallows_the_interruption_still_answers():
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()

    def stubborn():
        try:
            spin(10.0)
        except Exception:
            return "done"
        return "not interrupted"

    assert make_context(token).call(stubborn) == "done"


def test_source_that_is_silent_is_interrupted():
    ended = []

    def items():
        try:
            yield 1
            spin(10.0)
            yield 2
        finally:
            ended.append(True)

    token = CancelToken()
    stream = make_context(token).iterate(items())
    assert next(stream) == 1
    threading.Timer(0.05, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(AbortedException):
        next(stream)
    assert time.monotonic() - started < 5
    assert ended == [True]


def test_cancelled_stream_is_not_asked_for_more():
    token = CancelToken()
    stream = make_context(token).iterate(iter([1, 2]))
    assert next(stream) == 1
    token.cancel()
    with pytest.raises(RequestError):
        next(stream)


def test_interruption_never_hits_what_comes_between_items():
    for _ in range(100):
        token = CancelToken()
        stream = make_context(token).iterate(iter(range(10**6)))
        thread = threading.Thread(target=token.cancel)
        with contextlib.suppress(AbortedException, RequestError):
            thread.start()
            for _ in stream:
                pass
        thread.join()
        sum(range(1000))


@pytest.mark.parametrize("abortable", [True, False])
def test_closing_a_stream_closes_its_source(abortable):
    ended = []

    def items():
        try:
            yield from range(10)
        finally:
            ended.append(True)

    context = make_context(CancelToken())
    if not abortable:
        context.abort_exception = None
    stream = context.iterate(items())
    assert next(stream) == 0
    stream.close()
    assert ended == [True]


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)
