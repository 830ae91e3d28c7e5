"""The model manager of this process and its methods as functions; importing this module makes it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .model_manager import ModelManager

if TYPE_CHECKING:
    from .model_management import (
        JobPredictorBase,
        JobPredictorFutureBase,
        ModelFinderBase,
        ModelInitializerBase,
        ModelTrainerBase,
        ModelTrainerFutureBase,
    )
    from .modules import ModuleBase

__all__ = [
    "MODEL_MANAGER",
    "extract",
    "get_model_future",
    "get_prediction_future",
    "load",
    "resolve_and_load",
    "start_prediction_job",
    "train",
]

MODEL_MANAGER = ModelManager()


def load(
    module_path: str | io.BytesIO | bytes,
    *,
    load_singleton: bool = False,
    finder: str | ModelFinderBase = "default",
    initializer: str | ModelInitializerBase = "default",
    **kwargs: Any,
) -> ModuleBase:
    """Load a model from a directory, a zip archive or whatever else the finder knows.

    Args:
        module_path: path or name of the model, or a zip archive in memory; a path that does not exist is tried below
            the configured `load_path`
        load_singleton: return the model that the last singleton load with the same arguments returned
        finder: name (in `model_management.finders`) or instance of the component that finds the model
        initializer: name (in `model_management.initializers`) or instance of the component that makes it runnable
        **kwargs: go to finder and initializer, from there to the module's `load`

    Raises:
        FileNotFoundError: there is no `config.yml` at the path or in the archive
        ValueError: finder or initializer does not know what to do with it, or the bytes are no archive
        TypeError: an argument is of the wrong type, or the module's `load` returned something else than a model

    What an archive contains is on disk only until this returns: the module must have read it by then.
    """
    return MODEL_MANAGER.load(
        module_path, load_singleton=load_singleton, finder=finder, initializer=initializer, **kwargs
    )


def extract(zip_path: str, model_path: str, force_overwrite: bool = False) -> str:
    """Extract an archive into a directory, unless that exists; returns the absolute path of the directory.

    With `force_overwrite` the files of the archive are laid over those of the directory. Raises
    `zipfile.BadZipFile` for something else than an archive, `FileNotFoundError` for nothing.
    """
    return MODEL_MANAGER.extract(zip_path, model_path, force_overwrite)


def resolve_and_load(path_or_name_or_model_reference: str | ModuleBase, **kwargs: Any) -> ModuleBase:
    """A model as it is, or the one in the given directory, loaded with these keywords.

    Raises `ValueError` for a string that is no directory, `TypeError` for anything else.
    """
    return MODEL_MANAGER.resolve_and_load(path_or_name_or_model_reference, **kwargs)


def train(
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
    """Start a training and return its handle: `get_info`, `wait`, `cancel`, `load`.

    Args:
        module: module class or id
        *args: go to the module's `train`
        trainer: name (in `model_management.trainers`) or instance of the component that trains
        save_path: directory for the trained model; without it the model stays in memory
        save_with_id: save into a directory below, named like the training's id
        model_name: save into a directory below (the one of the id), with this name
        wait: return when the training is finished; its errors are not raised
        module_kwargs: go to the module's `train`, even if their names are those of arguments of the trainer
        **kwargs: go to the trainer (`external_training_id`: an id of your own), from there to the module's `train`

    Raises:
        ValueError: unknown module or trainer, a `model_name` that is a path, an id whose training still runs
        TypeError: something else than a module
        JobQueueFullError: too many trainings wait already
        JobStoreError: the training cannot be recorded
    """
    return MODEL_MANAGER.train(
        module,
        *args,
        trainer=trainer,
        save_path=save_path,
        save_with_id=save_with_id,
        model_name=model_name,
        wait=wait,
        module_kwargs=module_kwargs,
        **kwargs,
    )


def get_model_future(training_id: str) -> ModelTrainerFutureBase:
    """The handle of a training that any trainer runs.

    `CaikitCoreException` with status NOT_FOUND if the id is unknown, or its training finished longer ago than the
    configured `retention_duration`.
    """
    return MODEL_MANAGER.get_model_future(training_id)


def start_prediction_job(
    model: ModuleBase,
    prediction_func_name: str,
    *args: Any,
    predictor: str | JobPredictorBase = "default",
    wait: bool = False,
    module_kwargs: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> JobPredictorFutureBase:
    """Call a method of a model as a job and return its handle: `get_info`, `wait`, `cancel`, `result`.

    Args:
        model: the model
        prediction_func_name: name of its method, which must return a data object
        *args: go to the method
        predictor: name (in `model_management.job_predictors`) or instance of the component that runs the job
        wait: return when the job is finished; its errors are not raised
        module_kwargs: go to the method, even if their names are those of arguments of the predictor
        **kwargs: go to the predictor (`external_prediction_id`: an id of your own), from there to the method

    Raises:
        TypeError: something else than a model
        ValueError: unknown predictor, an id whose job still runs
        JobQueueFullError: too many jobs wait already
        JobStoreError: the job cannot be recorded
    """
    return MODEL_MANAGER.start_prediction_job(
        model,
        prediction_func_name,
        *args,
        predictor=predictor,
        wait=wait,
        module_kwargs=module_kwargs,
        **kwargs,
    )


def get_prediction_future(prediction_id: str) -> JobPredictorFutureBase:
    """The handle of a prediction job that any predictor runs.

    `CaikitCoreException` with status NOT_FOUND if the id is unknown, or its job finished longer ago than the
    configured `retention_duration`.
    """
    return MODEL_MANAGER.get_prediction_future(prediction_id)
