"""The error for training data that cannot be used."""

from __future__ import annotations

__all__ = ["DataValidationError"]


class DataValidationError(Exception):
    """An item of the training data is not valid; `reason` says why, `item_number` (from 0, if known) which one."""

    def __init__(self, reason: str, item_number: int | None = None) -> None:
        super().__init__(reason, item_number)
        self._reason = reason
        self._item_number = item_number

    def __str__(self) -> str:
        if self._item_number is None:
            return f"Training data validation failed: {self._reason}"
        return f"Training data validation failed on item {self._item_number}. {self._reason}"

    @property
    def reason(self) -> str:
        return self._reason

    @property
    def item_number(self) -> int | None:
        return self._item_number
