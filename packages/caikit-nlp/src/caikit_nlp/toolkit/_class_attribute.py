"""Class attributes that are made when they are first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["LazyClassAttribute"]

Value = TypeVar("Value")


class LazyClassAttribute(Generic[Value]):
    """A class attribute whose value comes from a function, for values that need a large import."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._made: list[Value] = []

    def __get__(self, instance: Any, owner: type[Any]) -> Value:
        if not self._made:
            self._made.append(self._make())
        return self._made[0]
