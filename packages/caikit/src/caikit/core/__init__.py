"""Data objects, tasks, modules and the management of models."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._lazy import lazy_attributes

if TYPE_CHECKING:
    from . import augmentors as augmentors
    from . import data_model as data_model
    from . import exceptions as exceptions
    from . import model_management as model_management
    from . import model_manager as model_manager
    from . import module_backends as module_backends
    from . import modules as modules
    from . import registries as registries
    from . import signature_parsing as signature_parsing
    from . import toolkit as toolkit
    from ._default_manager import (
        MODEL_MANAGER,
        extract,
        get_model_future,
        get_prediction_future,
        load,
        resolve_and_load,
        start_prediction_job,
        train,
    )
    from .data_model import DataObjectBase, dataobject
    from .exceptions import DataValidationError, error_handler
    from .model_manager import ModelManager, get_valid_module_ids
    from .module_backends import BackendBase, LocalBackend, backend_types
    from .modules import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, module
    from .task import TaskBase, task
    from .toolkit import (
        CSVSerializer,
        EvalTypes,
        F1Metrics,
        F1MetricsContainer,
        JSONSerializer,
        ObjectSerializer,
        PickleSerializer,
        QualityEvaluator,
        TextSerializer,
        YAMLSerializer,
        compatibility,
        compress,
        fileio,
        load_binary,
        load_csv,
        load_dict_csv,
        load_json,
        load_pickle,
        load_txt,
        load_txt_lines,
        load_yaml,
        logging,
        quality_evaluation,
        save_binary,
        save_csv,
        save_dict_csv,
        save_json,
        save_pickle,
        save_raw,
        save_txt,
        save_yaml,
        serializers,
    )

__all__ = [
    "MODEL_MANAGER",
    "BackendBase",
    "CSVSerializer",
    "DataObjectBase",
    "DataValidationError",
    "EvalTypes",
    "F1Metrics",
    "F1MetricsContainer",
    "JSONSerializer",
    "LocalBackend",
    "ModelManager",
    "ModuleBase",
    "ModuleConfig",
    "ModuleLoader",
    "ModuleSaver",
    "ObjectSerializer",
    "PickleSerializer",
    "QualityEvaluator",
    "TaskBase",
    "TextSerializer",
    "YAMLSerializer",
    "backend_types",
    "compatibility",
    "compress",
    "dataobject",
    "error_handler",
    "extract",
    "fileio",
    "get_model_future",
    "get_prediction_future",
    "get_valid_module_ids",
    "load",
    "load_binary",
    "load_csv",
    "load_dict_csv",
    "load_json",
    "load_pickle",
    "load_txt",
    "load_txt_lines",
    "load_yaml",
    "logging",
    "module",
    "quality_evaluation",
    "resolve_and_load",
    "save_binary",
    "save_csv",
    "save_dict_csv",
    "save_json",
    "save_pickle",
    "save_raw",
    "save_txt",
    "save_yaml",
    "serializers",
    "start_prediction_job",
    "task",
    "train",
]

_SOURCES = {
    "caikit.core._default_manager": [
        "MODEL_MANAGER",
        "extract",
        "get_model_future",
        "get_prediction_future",
        "load",
        "resolve_and_load",
        "start_prediction_job",
        "train",
    ],
    "caikit.core.data_model": ["DataObjectBase", "dataobject"],
    "caikit.core.exceptions": ["DataValidationError", "error_handler"],
    "caikit.core.model_manager": ["ModelManager", "get_valid_module_ids"],
    "caikit.core.module_backends": ["BackendBase", "LocalBackend", "backend_types"],
    "caikit.core.modules": ["ModuleBase", "ModuleConfig", "ModuleLoader", "ModuleSaver", "module"],
    "caikit.core.task": ["TaskBase", "task"],
    "caikit.core.toolkit": [
        "CSVSerializer",
        "EvalTypes",
        "F1Metrics",
        "F1MetricsContainer",
        "JSONSerializer",
        "ObjectSerializer",
        "PickleSerializer",
        "QualityEvaluator",
        "TextSerializer",
        "YAMLSerializer",
        "compatibility",
        "compress",
        "fileio",
        "load_binary",
        "load_csv",
        "load_dict_csv",
        "load_json",
        "load_pickle",
        "load_txt",
        "load_txt_lines",
        "load_yaml",
        "logging",
        "quality_evaluation",
        "save_binary",
        "save_csv",
        "save_dict_csv",
        "save_json",
        "save_pickle",
        "save_raw",
        "save_txt",
        "save_yaml",
        "serializers",
    ],
}

__getattr__, __dir__ = lazy_attributes(
    __name__,
    _SOURCES,
    submodules=[
        "augmentors",
        "data_model",
        "exceptions",
        "model_management",
        "model_manager",
        "module_backends",
        "modules",
        "registries",
        "signature_parsing",
        "toolkit",
    ],
)


class _CorePackage(ModuleType):
    """Keeps `caikit.core.task` the decorator when the import system binds the module of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "task" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _CorePackage
