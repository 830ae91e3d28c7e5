"""Loading, training and running models."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import alog

from ..config import get_config
from .data_model.job import JobStatus
from .exceptions import error_handler
from .model_management import (
    JobPredictorBase,
    JobPredictorFutureBase,
    ModelFinderBase,
    ModelInitializerBase,
    ModelTrainerBase,
    ModelTrainerFutureBase,
    job_predictor_factory,
    model_finder_factory,
    model_initializer_factory,
    model_trainer_factory,
)
from .model_management import _archives as archives
from .model_management._closing import close_all
from .model_management._components import Components
from .model_management._singletons import Singletons, singleton_key
from .model_management.job_base import CLOSE_SECONDS
from .module_backends import BackendBase
from .modules import ModuleBase
from .registries import module_registry

__all__ = ["ModelManager", "get_valid_module_ids"]

log = alog.use_channel("MDLMNG")
error = error_handler.get(log)


def get_valid_module_ids() -> dict[str, str]:
    """`{module id: class name}` of all registered modules."""
    return {module_id: cls.__name__ for module_id, cls in module_registry().items()}


class ModelManager:
    """Loads, trains and runs models with the components that the configuration names.

    A component is built when it is first asked for, once per name and manager, from the configuration of that moment.
    The functions of `caikit.core` are the methods of one manager, `caikit.core.MODEL_MANAGER`; others are independent.
    """

    def __init__(self) -> None:
        self._trainers: Components[ModelTrainerBase] = Components(
            "trainer", "trainers", ModelTrainerBase, model_trainer_factory
        )
        self._finders: Components[ModelFinderBase] = Components(
            "finder", "finders", ModelFinderBase, model_finder_factory
        )
        self._initializers: Components[ModelInitializerBase] = Components(
            "initializer", "initializers", ModelInitializerBase, model_initializer_factory
        )
        self._predictors: Components[JobPredictorBase] = Components(
            "predictor", "job_predictors", JobPredictorBase, job_predictor_factory
        )
        self._singletons = Singletons()

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelManager:
        # A manager may stand in the configuration of a component, and configurations are copied.
        return self

    def initialize_components(self) -> None:
        """Build every configured component now instead of on first use."""
        for components in (self._trainers, self._finders, self._initializers, self._predictors):
            components.build_all()

    def reset_components(self) -> None:
        """Forget all components, so that the next use builds them from the configuration as it is then.

        Jobs go on, but those that are only in memory are not found any more; close the manager first to end them.
        Loaded models, also singletons, are not touched.
        """
        for components in (self._trainers, self._finders, self._initializers, self._predictors):
            components.forget()

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Cancel all jobs that end with this process; whether they ended within `timeout` seconds.

        Processes that have not ended by then are killed; threads that cannot be stopped are left behind and no
        longer keep the interpreter from ending. The manager can be used further.
        """
        return close_all([*self._trainers.built(), *self._predictors.built()], timeout)

    def count_jobs(self) -> dict[tuple[str, JobStatus], int]:
        """How many trainings ("training") and prediction jobs ("prediction") of this process are known, by state."""
        counts: Counter[tuple[str, JobStatus]] = Counter()
        kinds: dict[str, Components[Any]] = {"training": self._trainers, "prediction": self._predictors}
        for kind, components in kinds.items():
            for component in components.built():
                counts.update({(kind, status): count for status, count in component.count_jobs().items()})
        return dict(counts)

    def get_trainer(self, trainer: str | ModelTrainerBase) -> ModelTrainerBase:
        """The component of this name in `model_management.trainers`, built if need be; an instance as it is.

        Raises `ValueError` for a name that is not configured, `TypeError` for something else than name or instance.
        """
        return self._trainers.get(trainer)

    def get_finder(self, finder: str | ModelFinderBase) -> ModelFinderBase:
        """The component of this name in `model_management.finders`, built if need be; an instance as it is.

        Raises `ValueError` for a name that is not configured, `TypeError` for something else than name or instance.
        """
        return self._finders.get(finder)

    def get_initializer(self, initializer: str | ModelInitializerBase) -> ModelInitializerBase:
        """The component of this name in `model_management.initializers`, built if need be; an instance as it is.

        Raises `ValueError` for a name that is not configured, `TypeError` for something else than name or instance.
        """
        return self._initializers.get(initializer)

    def get_predictor(self, predictor: str | JobPredictorBase) -> JobPredictorBase:
        """The component of this name in `model_management.job_predictors`, built if need be; an instance as it is.

        Raises `ValueError` for a name that is not configured, `TypeError` for something else than name or instance.
        """
        return self._predictors.get(predictor)

    def get_module_backends(self, initialize: bool = True) -> list[BackendBase]:
        """The backends of all initializers; without `initialize` only of those that are built already."""
        if initialize:
            self._initializers.build_all()
        return [
            backend
            for initializer in self._initializers.built()
            for backend in getattr(initializer, "backends", [])
        ]

    def load(
        self,
        module_path: str | io.BytesIO | bytes,
        *,
        load_singleton: bool = False,
        finder: str | ModelFinderBase = "default",
        initializer: str | ModelInitializerBase = "default",
        **kwargs: Any,
    ) -> ModuleBase:
        """See `caikit.core.load`."""
        error.type_check("<COR98255724E>", bool, load_singleton=load_singleton)
        error.type_check("<COR98255419E>", str, io.BytesIO, bytes, module_path=module_path)
        source = _normalised(module_path)

        def load() -> ModuleBase:
            return self._load(source, self.get_finder(finder), self.get_initializer(initializer), kwargs)

        if not load_singleton:
            return load()
        return self._singletons.get(singleton_key(source, finder, initializer, kwargs), load)

    def _load(
        self,
        source: str | io.BytesIO,
        finder: ModelFinderBase,
        initializer: ModelInitializerBase,
        kwargs: dict[str, Any],
    ) -> ModuleBase:
        if archives.is_archive(source):
            with archives.extracted(source) as directory:
                return self._load(directory, finder, initializer, kwargs)
        try:
            model_config = finder.find_model(str(source), **kwargs)
        except FileNotFoundError as problem:
            if os.path.isfile(os.path.join(str(source), "config.yml")):
                raise
            message = f"Module load path `{source}` does not contain a `config.yml` file."
            error("<COR80419785E>", FileNotFoundError(message), problem)
        if model_config is None:
            _fail(f"Unable to find a ModuleConfig for {source}")
        model = initializer.init(model_config, **kwargs)
        if model is None:
            _fail(f"Unable to load model from {source} with MODULE_ID {model_config.module_id}")
        error.type_check("<COR97240294E>", ModuleBase, model=model)
        return model

    def extract(self, zip_path: str, model_path: str, force_overwrite: bool = False) -> str:
        """See `caikit.core.extract`."""
        return archives.extract(zip_path, model_path, force_overwrite)

    def resolve_and_load(
        self, path_or_name_or_model_reference: str | ModuleBase, **kwargs: Any
    ) -> ModuleBase:
        """See `caikit.core.resolve_and_load`."""
        reference = path_or_name_or_model_reference
        error.type_check("<COR50266694E>", str, ModuleBase, path_or_name_or_model_reference=reference)
        if isinstance(reference, ModuleBase):
            return reference
        if os.path.isdir(reference):
            return self.load(reference, **kwargs)
        return error("<COR50266695E>", ValueError(f"could not find model with name `{reference}`"))

    def get_singleton_model_cache_info(self) -> dict[str, type[ModuleBase]]:
        """Where the loaded singletons come from, and their classes.

        The keys are real paths, or `sha256:...` for archives in memory; other arguments of the load follow in brackets.
        """
        return self._singletons.info()

    def clear_singleton_cache(self) -> None:
        """Forget the loaded singletons; who has one keeps it, the next singleton load makes a new one."""
        self._singletons.clear()

    def train(
        self,
        module: type[ModuleBase] | str,
        *args: Any,
        trainer: str | ModelTrainerBase = "default",
        save_path: str | None = None,
        save_with_id: bool = False,
        model_name: str | None = None,
        wait: bool = False,
        module_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ModelTrainerFutureBase:
        """See `caikit.core.train`."""
        if isinstance(module, str):
            registered = module_registry().get(module)
            if registered is None:
                _fail(f"Unable to train unknown module {module}")
            module = registered
        error.subclass_check("<COR65271289E>", module, ModuleBase)
        component = self.get_trainer(trainer)
        future = component.train(
            module,
            *args,
            save_path=save_path,
            save_with_id=save_with_id,
            model_name=model_name,
            **kwargs,
            **component.pass_on(module_kwargs or {}),
        )
        if wait:
            future.wait()
        return future

    def get_model_future(self, training_id: str) -> ModelTrainerFutureBase:
        """See `caikit.core.get_model_future`."""
        return self._trainers.find_job(
            ModelTrainerBase.get_trainer_name(training_id),
            lambda trainer: trainer.get_model_future(training_id),
        )

    def get_model_futures(self) -> list[ModelTrainerFutureBase]:
        """The trainings that the trainers know, the newest of each first."""
        self._trainers.build_all()
        return [
            job
            for trainer in self._trainers.built()
            for job in trainer.get_futures()
            if isinstance(job, ModelTrainerFutureBase)
        ]

    def start_prediction_job(
        self,
        model: ModuleBase,
        prediction_func_name: str,
        *args: Any,
        predictor: str | JobPredictorBase = "default",
        wait: bool = False,
        module_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> JobPredictorFutureBase:
        """See `caikit.core.start_prediction_job`."""
        error.type_check("<COR98255420E>", ModuleBase, model=model)
        component = self.get_predictor(predictor)
        future = component.predict(
            model, prediction_func_name, *args, **kwargs, **component.pass_on(module_kwargs or {})
        )
        if wait:
            future.wait()
        return future

    def get_prediction_future(self, prediction_id: str) -> JobPredictorFutureBase:
        """See `caikit.core.get_prediction_future`."""
        return self._predictors.find_job(
            JobPredictorBase.get_predictor_name(prediction_id),
            lambda predictor: predictor.get_prediction_future(prediction_id),
        )


def _fail(message: str) -> NoReturn:
    error("<COR91411144E>", ValueError(f"value check failed: {message}"))


def _normalised(module_path: str | io.BytesIO | bytes) -> str | io.BytesIO:
    if isinstance(module_path, bytes):
        return io.BytesIO(module_path)
    if not isinstance(module_path, str):
        return module_path
    load_path = get_config().load_path
    if load_path and not os.path.exists(module_path):
        below_load_path = os.path.join(load_path, module_path)
        if os.path.exists(below_load_path):
            module_path = below_load_path
    return os.path.normpath(module_path)
