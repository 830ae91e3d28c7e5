"""Exceptions on their way to another process."""

from __future__ import annotations

import pickle
import threading

import pytest

from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.core.toolkit.concurrency.pickling_exception import (
    ExceptionPickler,
    PickleFailureFallbackException,
)


class NeedsArgumentsError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")
        self.first = first
        self._second = second


class NeedsLostArgumentsError(Exception):
    def __init__(self, first, *, second):
        super().__init__("lost")


class LockedError(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


def sent(exception):
    return pickle.loads(pickle.dumps(ExceptionPickler(exception))).get()


@pytest.mark.parametrize(
    "exception",
    [
        ValueError("text", 5),
        NeedsArgumentsError(1, second="two"),
        FileNotFoundError(2, "no such", "file"),
        UnicodeDecodeError("utf-8", b"a", 0, 1, "why"),
    ],
)
def test_type_and_text_survive(exception):
    copied = sent(exception)
    assert type(copied) is type(exception)
    assert str(copied) == str(exception)


def test_core_exception_keeps_its_id():
    exception = CaikitCoreException(status_code=CaikitCoreStatusCode.FATAL, message="m")
    copied = sent(exception)
    assert (copied.id, copied.status_code, copied.message) == (exception.id, CaikitCoreStatusCode.FATAL, "m")


def with_lambda():
    exception = ValueError("lambda")
    exception.callback = lambda: 5
    return exception


def local_class():
    class LocalError(Exception):
        pass

    return LocalError("local")


def unprintable():
    class UnprintableError(Exception):
        def __str__(self):
            raise RuntimeError

    return UnprintableError()


@pytest.mark.parametrize(
    ("exception", "text"),
    [
        (NeedsLostArgumentsError(1, second=2), "lost"),
        (LockedError("locked"), "locked"),
        (local_class(), "local"),
        (unprintable(), "UnprintableError"),
    ],
)
def test_what_cannot_be_pickled_keeps_its_text(exception, text):
    exception.__cause__ = KeyError("cause")
    copied = sent(exception)
    assert type(copied) in (PickleFailureFallbackException, LockedError)
    assert str(copied) == text
    assert repr(copied.__cause__) == "KeyError('cause')"


def test_attributes_that_cannot_be_pickled():
    assert str(sent(with_lambda())) == "lambda"


def test_chains_survive():
    first, second, third = KeyError("first"), NeedsArgumentsError(1, 2), ValueError("third")
    second.__context__ = first
    third.__cause__ = second
    copied = sent(third)
    assert type(copied.__cause__) is NeedsArgumentsError
    assert repr(copied.__cause__.__context__) == "KeyError('first')"
    assert copied.__suppress_context__
    assert not copied.__cause__.__suppress_context__


def test_circles_survive():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    copied = sent(first)
    assert copied.__cause__.__cause__ is copied


@pytest.mark.parametrize("wrong", [KeyboardInterrupt(), "text", ValueError])
def test_only_exceptions(wrong):
    with pytest.raises(TypeError):
        ExceptionPickler(wrong)


class OnlyHereError(Exception):
    here = True

    def __reduce__(self):
        return rebuild, (str(self),)


def rebuild(text):
    if not OnlyHereError.here:
        raise ImportError("there is no such class")
    return OnlyHereError(text)


def test_what_cannot_be_rebuilt_keeps_its_text_and_its_chain(monkeypatch):
    exception = OnlyHereError("text")
    exception.__cause__ = KeyError("cause")
    data = pickle.dumps(ExceptionPickler(exception))
    monkeypatch.setattr(OnlyHereError, "here", False)
    copied = pickle.loads(data).get()
    assert type(copied) is PickleFailureFallbackException
    assert str(copied) == "text"
    assert repr(copied.__cause__) == "KeyError('cause')"


def test_plain_attributes_survive():
    exception = ValueError("text")
    exception.__notes__ = ["a note"]
    exception.detail = {"a": 1}
    copied = sent(exception)
    assert (copied.__notes__, copied.detail) == (["a note"], {"a": 1})
