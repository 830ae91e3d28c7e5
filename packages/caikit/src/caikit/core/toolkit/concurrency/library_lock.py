"""One caller at a time for libraries that change the whole process meanwhile."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["library_lock"]

_locks: dict[str, AbstractContextManager[Any]] = {}


def library_lock(library: str) -> AbstractContextManager[Any]:
    """The lock of a library, the same for all modules of the process; whoever holds it may take it again.

    transformers, for one, replaces functions of torch and its default data type while it loads a model. Two loads at
    the same time leave models without weights, and torch with what was replaced:

        with library_lock("transformers"):
            model = AutoModel.from_pretrained(path)
    """
    return _locks.setdefault(library, threading.RLock())
