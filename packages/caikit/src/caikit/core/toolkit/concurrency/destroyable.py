"""What all stoppable work has in common."""

from __future__ import annotations

import abc
from typing import Any

__all__ = ["Destroyable"]


class Destroyable(abc.ABC):
    """Work that can be stopped from outside."""

    @property
    @abc.abstractmethod
    def destroyed(self) -> bool:
        """`destroy` was called."""

    @property
    @abc.abstractmethod
    def canceled(self) -> bool:
        """`destroy` was called before the work was done; False if it had been done successfully by then."""

    @property
    @abc.abstractmethod
    def ran(self) -> bool:
        """The work was started and is over, whether it succeeded or not."""

    @property
    @abc.abstractmethod
    def threw(self) -> bool:
        """The work ended with an exception."""

    @property
    @abc.abstractmethod
    def error(self) -> Exception | None:
        """The exception that ended the work, None if there was none or the work is not over."""

    @abc.abstractmethod
    def destroy(self) -> None:
        """Stop the work; nothing happens if it is over."""

    @abc.abstractmethod
    def get_or_throw(self) -> Any:
        """The result of the work, or raise the exception that ended it; None, and a log line, before the end."""
