"""The values of an enumeration by name and by number."""

from __future__ import annotations

from typing import Any

__all__ = ["Enumeration"]


class Enumeration:
    """What protoc would give an enumeration: the values are attributes, too."""

    def __init__(self, descriptor: Any) -> None:
        self.DESCRIPTOR = descriptor
        self._numbers: dict[str, int] = {value.name: value.number for value in descriptor.values}

    def Name(self, number: int) -> str:  # noqa: N802 - the name that protoc would give
        """The name of a number; ValueError for one that has none."""
        for name, known in self._numbers.items():
            if known == number:
                return name
        raise ValueError(f"expected a number of {self.DESCRIPTOR.full_name}, got {number!r}")

    def Value(self, name: str) -> int:  # noqa: N802 - the name that protoc would give
        """The number of a name; ValueError for one that there is not."""
        if name not in self._numbers:
            raise ValueError(f"expected a name of {self.DESCRIPTOR.full_name}, got {name!r}")
        return self._numbers[name]

    def keys(self) -> list[str]:
        return list(self._numbers)

    def values(self) -> list[int]:
        return list(self._numbers.values())

    def items(self) -> list[tuple[str, int]]:
        return list(self._numbers.items())

    def __getattr__(self, name: str) -> int:
        if name.startswith("_") or name not in self._numbers:
            raise AttributeError(f"{self.DESCRIPTOR.full_name} has no value {name!r}")
        return self._numbers[name]
