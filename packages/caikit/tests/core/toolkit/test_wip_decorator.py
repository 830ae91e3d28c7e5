"""Work in progress."""

from __future__ import annotations

import contextvars

import pytest

from caikit.core.toolkit import wip_decorator
from caikit.core.toolkit.wip_decorator import (
    Action,
    TempDisableWIP,
    WipCategory,
    disable_wip,
    enable_wip,
    work_in_progress,
)


def plain():
    return 5


def announced(caplog):
    return [record.msg["message"] for record in caplog.records]


def test_bare_function(caplog):
    decorated = work_in_progress(plain)
    assert decorated() == 5
    assert announced(caplog) == [f"{plain} is still in the WIP phase and subject to change!"]
    assert decorated.__name__ == "plain"


def test_category_and_error():
    decorated = work_in_progress(category=WipCategory.BETA, action=Action.ERROR)(plain)
    with pytest.raises(RuntimeError, match=r"is still in the BETA phase and subject to change!$"):
        decorated()


def test_class_and_subclasses(caplog):
    @work_in_progress
    class Base:
        def __init__(self, value, more=0):
            self.value = value + more

    class Derived(Base):
        def __init__(self):
            self.value = 3

    assert isinstance(Base, type)
    assert Base(1, more=1).value == 2
    assert Derived().value == 3
    assert len(announced(caplog)) == 2
    assert "Base" in announced(caplog)[1]


def test_class_without_constructor():
    @work_in_progress(action=Action.WARNING)
    class Empty:
        pass

    assert isinstance(Empty(), Empty)
    with pytest.raises(TypeError, match="takes no arguments"):
        Empty(1)


@pytest.mark.parametrize("wrong", [{"category": "WIP"}, {"action": 1}])
def test_wrong_settings(wrong):
    with pytest.raises(TypeError):
        work_in_progress(**wrong)


def test_wrong_subject():
    message = "^Invalid usage of wip decorator. <class 'str'> argument not supported!$"
    with pytest.raises(ValueError, match=message):
        work_in_progress("text")


def test_switches(caplog):
    decorated = work_in_progress(plain)
    try:
        disable_wip()
        decorated()
        with TempDisableWIP():
            decorated()
        decorated()
        assert not announced(caplog)
        assert not wip_decorator._ENABLE_DECORATOR
    finally:
        enable_wip()
    decorated()
    assert len(announced(caplog)) == 1


def test_the_switch_can_be_assigned(caplog, monkeypatch):
    monkeypatch.setattr(wip_decorator, "_ENABLE_DECORATOR", False)
    work_in_progress(plain)()
    assert not announced(caplog)


def test_channel(caplog):
    work_in_progress(plain)()
    assert [(record.name, record.levelname) for record in caplog.records] == [("WIPDC", "WARNING")]


def test_temporary_silence_is_of_one_context(caplog):
    decorated = work_in_progress(plain)
    other = contextvars.copy_context()
    with TempDisableWIP():
        decorated()
        assert not announced(caplog)
        other.run(decorated)
    decorated()
    assert len(announced(caplog)) == 2
