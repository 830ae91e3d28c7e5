"""One model of the store: its state, its users and what is known about it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any

from caikit.core import ModuleBase

from ._errors import again

if TYPE_CHECKING:
    from ._batching import ModelBatch


class ModelState(Enum):
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"


class Lease:
    """Keeps a model alive; as a context manager it yields the model."""

    __slots__ = ("_entry", "_held", "model")

    def __init__(self, entry: LoadedModel, model: ModuleBase) -> None:
        self._entry = entry
        self._held = True
        self.model = model

    def release(self) -> None:
        """Give the model back; further calls do nothing."""
        if self._held:
            self._held = False
            self._entry.give_back()

    def __del__(self) -> None:
        # An exception that was thrown into the thread may have skipped the release.
        self.release()

    def __enter__(self) -> ModuleBase:
        return self.model

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class LoadedModel:
    """A model that is being loaded, is loaded, or failed to load."""

    def __init__(
        self,
        model_id: str,
        path: str,
        model_type: str,
        *,
        on_idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._id = model_id
        self._path = path
        self._type = model_type
        # Garbage collection may return a lost lease in a thread that is inside of this lock.
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._wakers: list[Callable[[], object]] = []
        self._model: ModuleBase | None = None
        self._error: Exception | None = None
        self.batch: ModelBatch | None = None
        """Set before the load ends, for a model whose requests are batched."""
        self._size: int | None = None
        self._users = 0
        self._retired = False
        self._on_idle = on_idle

    @property
    def state(self) -> ModelState:
        if not self._done.is_set():
            return ModelState.LOADING
        return ModelState.FAILED if self._error is not None else ModelState.LOADED

    @property
    def error(self) -> Exception | None:
        return self._error

    @property
    def users(self) -> int:
        return self._users

    def id(self) -> str:
        return self._id

    def path(self) -> str:
        return self._path

    def type(self) -> str:
        return self._type

    def size(self) -> int | None:
        return self._size

    def has_size(self) -> bool:
        return self._size is not None

    def set_size(self, size: int) -> None:
        self._size = size

    def loading(self) -> bool:
        return self.state is ModelState.LOADING

    def loaded(self) -> bool:
        return self.state is ModelState.LOADED

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the load, however it ends; False after `timeout` seconds."""
        return self._done.wait(timeout)

    def model(self) -> ModuleBase:
        """The model, as soon as it is loaded; raises what the load raised."""
        self._done.wait()
        if self._error is not None:
            raise again(self._error)
        if self._model is None:
            raise RuntimeError(f"Model {self._id!r} was unloaded")
        return self._model

    def module(self) -> ModuleBase:
        """The older name of `model()`."""
        return self.model()

    def peek(self) -> ModuleBase | None:
        """The model if it is there now."""
        return self._model

    def lease(self) -> Lease | None:
        """A claim on the model; None unless it is loaded and in service."""
        with self._lock:
            model = self._model
            if model is None or self._retired:
                return None
            self._users += 1
        return Lease(self, model)

    def give_back(self) -> None:
        with self._lock:
            self._users -= 1
            dropped = self._drop_if_idle()
        if dropped is not None:
            del dropped
            self._on_idle()

    def finish(self, model: ModuleBase | None, error: Exception | None = None) -> None:
        """End the load and wake everybody who waits; only the first call counts."""
        with self._lock:
            if self._done.is_set():
                return
            self._model = None if self._retired else model
            self._error = error
            self._done.set()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def retire(self) -> bool:
        """Take the model out of service; True if it is gone already because nobody used it."""
        with self._lock:
            self._retired = True
            dropped = self._drop_if_idle()
        return dropped is not None

    def _drop_if_idle(self) -> ModuleBase | None:
        """The model if nobody will use it again; its last reference should not die inside of the lock."""
        if not self._retired or self._users:
            return None
        dropped, self._model = self._model, None
        return dropped

    def on_done(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` at the end of the load; the returned function takes that back."""
        with self._lock:
            if not self._done.is_set():
                self._wakers.append(wake)
                return lambda: self._forget(wake)
        wake()
        return lambda: None

    def _forget(self, wake: Callable[[], Any]) -> None:
        with self._lock:
            if wake in self._wakers:
                self._wakers.remove(wake)
