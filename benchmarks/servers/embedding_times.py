"""The CPU time of a model's calls, and how full its batches are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class ModelTime:
    """Sums of all calls in all threads; the threads that a library starts for a call are not in them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tokens = 0
        self.padded = 0
        self._lock = threading.Lock()
        self._began = threading.local()

    def watch(self, model: Any) -> None:
        """A model of sentence-transformers, or an engine of caikit-nlp."""
        if hasattr(model, "compute"):
            model.compute = self._timed(model.compute)
        else:
            model[0].register_forward_pre_hook(self._begin)
            model[0].register_forward_hook(self._end)

    def _timed(self, compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def timed(features: Any) -> Any:
            self._begin(None, None)
            found = compute(features)
            self._end(None, (features,), None)
            return found

        return timed

    def _begin(self, _module: Any, _arguments: Any) -> None:
        self._began.time = time.thread_time()

    def _end(self, _module: Any, arguments: Any, _result: Any) -> None:
        spent = time.thread_time() - self._began.time
        mask = arguments[0]["attention_mask"]
        tokens, padded = int(mask.sum()), mask.shape[0] * mask.shape[1]
        with self._lock:
            self.seconds += spent
            self.tokens += tokens
            self.padded += padded
