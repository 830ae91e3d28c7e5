"""The base class of modules."""

from __future__ import annotations

import io
import itertools
import time
from typing import TYPE_CHECKING, Any, ClassVar

import alog

from ..data_model.producer import ProducerId
from ..data_model.streams.data_stream import DataStream
from ..exceptions import error_handler
from ..signature_parsing import CaikitMethodSignature
from ..task import TaskBase
from ._archive import archive_of
from ._batch import run_one_by_one
from ._evaluation import EvaluationMixin
from ._inference import InferenceMethods
from ._meta import ModuleMeta
from .config import ModuleConfig
from .loader import ModuleLoader

if TYPE_CHECKING:
    from ..module_backends.base import BackendBase

__all__ = ["ModuleBase"]

log = alog.use_channel("MODBASE")
error = error_handler.get(log)

_NOT_AVAILABLE = "This is not available in this module."
_DEFAULT_TIMED_SECONDS = 120


class _Tasks:
    """The tasks of a module class, as a fresh list on the class and on its instances."""

    def __get__(self, instance: object, owner: type[ModuleBase]) -> list[type[TaskBase]]:
        return list(owner._tasks)


class ModuleBase(EvaluationMixin, metaclass=ModuleMeta):
    """An algorithm that can be trained, saved, loaded and run. Subclasses implement what they support."""

    # Set by the decorator `module`:
    MODULE_ID: ClassVar[str]
    MODULE_NAME: ClassVar[str]
    MODULE_VERSION: ClassVar[str]
    MODULE_CLASS: ClassVar[str]
    PRODUCER_ID: ClassVar[ProducerId]
    RUN_SIGNATURE: ClassVar[CaikitMethodSignature]
    TRAIN_SIGNATURE: ClassVar[CaikitMethodSignature]
    BACKEND_TYPE: ClassVar[str]
    SUPPORTED_LOAD_BACKENDS: ClassVar[list[str]]

    RUNS_IN_LOOP: ClassVar[bool] = False
    """The methods only compute, in much less than a millisecond: a runtime may call them in its event loop, where
    every other request waits for them."""

    tasks = _Tasks()

    _tasks: ClassVar[tuple[type[TaskBase], ...]] = ()
    _inference_methods: ClassVar[InferenceMethods] = {}
    _load_backend: BackendBase | None = None

    def __init__(self) -> None:
        """Takes nothing; subclasses need not call it."""

    @property
    def metadata(self) -> dict[str, Any]:
        """Content of the `config.yml` that the model was loaded from; saved again with the model."""
        metadata: dict[str, Any] = self.__dict__.setdefault("_metadata", {})
        return metadata

    @property
    def module_metadata(self) -> dict[str, str]:
        """What the info service tells about the module."""
        return {"name": self.MODULE_NAME, "version": self.MODULE_VERSION}

    @property
    def public_model_info(self) -> dict[str, Any]:
        """What the info service tells about the model."""
        return {}

    @property
    def load_backend(self) -> BackendBase | None:
        """The backend that loaded the model."""
        return self._load_backend

    def set_load_backend(self, load_backend: BackendBase | None) -> None:
        """Note the backend that loaded the model; called by whoever loads it."""
        self._load_backend = load_backend

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Make a prediction."""
        raise NotImplementedError(_NOT_AVAILABLE)

    def save(self, model_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the model into a directory."""
        raise NotImplementedError(_NOT_AVAILABLE)

    @classmethod
    def load(cls, model_path: str | ModuleConfig, *args: Any, **kwargs: Any) -> Any:
        """Load a saved model."""
        return cls._load(ModuleLoader(model_path), *args, **kwargs)

    @classmethod
    def _load(cls, module_loader: ModuleLoader, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(_NOT_AVAILABLE)

    @classmethod
    def train(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a model from data."""
        raise NotImplementedError(_NOT_AVAILABLE)

    @classmethod
    def bootstrap(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a model from the artifacts of another toolkit."""
        raise NotImplementedError(_NOT_AVAILABLE)

    def validate_loaded_model(self, *args: Any) -> Any:
        """Check a model after loading."""
        raise NotImplementedError(_NOT_AVAILABLE)

    @classmethod
    def validate_training_data(cls, training_data: Any, limit: int = -1) -> Any:
        """Check training data, at most `limit` items of it."""
        raise NotImplementedError(_NOT_AVAILABLE)

    @classmethod
    def timed_load(cls, *args: Any, **kwargs: Any) -> tuple[float, ModuleBase]:
        """Load a model; returns the seconds that it took, and the model."""
        from caikit.core import load

        start = time.perf_counter()
        model = load(*args, **kwargs)
        return time.perf_counter() - start, model

    def timed_run(
        self, *args: Any, num_seconds: float | None = None, num_iterations: int | None = None, **kwargs: Any
    ) -> tuple[float, int, Any]:
        """Run again and again; returns the seconds, the number of runs and the last result."""
        if num_seconds is None and num_iterations is None:
            num_seconds = _DEFAULT_TIMED_SECONDS
        start = time.perf_counter()
        result: Any = None
        for iterations in itertools.count(1):
            result = self.run(*args, **kwargs)
            elapsed = time.perf_counter() - start
            finished = (
                elapsed >= num_seconds if num_seconds is not None else iterations >= (num_iterations or 0)
            )
            if finished:
                break
        return elapsed, iterations, result

    def run_batch(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run once per element of the arguments that are lists of strings or data objects."""
        return run_one_by_one(self.run, args, kwargs)

    def stream(self, data_stream: DataStream[Any], *args: Any, **kwargs: Any) -> DataStream[Any]:
        """Run lazily on each item of a stream."""
        error.type_check("<COR98214589E>", DataStream, data_stream=data_stream)
        if any(isinstance(value, DataStream) for value in (*args, *kwargs.values())):
            error(
                "<COR13667142E>",
                ValueError("Only one DataStream may be passed when invoking module stream()"),
            )
        return data_stream.map(lambda item: self.run(item, *args, **kwargs))

    def as_file_like_object(self, *args: Any, **kwargs: Any) -> io.BytesIO:
        """The saved model as a zip archive; arguments go to `save`."""
        return archive_of(self, args, kwargs)

    def as_bytes(self, *args: Any, **kwargs: Any) -> bytes:
        """The saved model as the bytes of a zip archive; arguments go to `save`."""
        return self.as_file_like_object(*args, **kwargs).getvalue()

    @classmethod
    def get_inference_signature(
        cls, input_streaming: bool, output_streaming: bool, task: type[TaskBase] | None = None
    ) -> CaikitMethodSignature | None:
        """Signature of the method for a flavour of a task, by default the first task."""
        known = cls._inference_methods
        methods = known[task] if task in known else next(filter(None, known.values()), ())
        for method in methods:
            if (method.input_streaming, method.output_streaming) == (input_streaming, output_streaming):
                return method.signature
        return None

    @classmethod
    def get_inference_signatures(
        cls, task: type[TaskBase]
    ) -> list[tuple[bool, bool, CaikitMethodSignature]] | None:
        """(input streaming, output streaming, signature) of every method for a task."""
        methods = cls._inference_methods.get(task)
        if not methods:
            return None
        return [(method.input_streaming, method.output_streaming, method.signature) for method in methods]
