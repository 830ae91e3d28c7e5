"""Tools that know nothing of models: factories, files, concurrency, names, logging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy_attributes

if TYPE_CHECKING:
    from . import compatibility as compatibility
    from . import concurrency as concurrency
    from . import factory as factory
    from . import fileio as fileio
    from . import logging as logging
    from . import name_tools as name_tools
    from . import quality_evaluation as quality_evaluation
    from . import reversible_hasher as reversible_hasher
    from . import serializers as serializers
    from . import sync_to_async as sync_to_async
    from . import wip_decorator as wip_decorator
    from .fileio import (
        compress,
        load_binary,
        load_csv,
        load_dict_csv,
        load_json,
        load_pickle,
        load_txt,
        load_txt_lines,
        load_yaml,
        save_binary,
        save_csv,
        save_dict_csv,
        save_json,
        save_pickle,
        save_raw,
        save_txt,
        save_yaml,
    )
    from .quality_evaluation import EvalTypes, F1Metrics, F1MetricsContainer, QualityEvaluator
    from .serializers import (
        CSVSerializer,
        JSONSerializer,
        ObjectSerializer,
        PickleSerializer,
        TextSerializer,
        YAMLSerializer,
    )

__all__ = [
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
    "compress",
    "load_binary",
    "load_csv",
    "load_dict_csv",
    "load_json",
    "load_pickle",
    "load_txt",
    "load_txt_lines",
    "load_yaml",
    "save_binary",
    "save_csv",
    "save_dict_csv",
    "save_json",
    "save_pickle",
    "save_raw",
    "save_txt",
    "save_yaml",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "caikit.core.toolkit.fileio": [
            "compress",
            "load_binary",
            "load_csv",
            "load_dict_csv",
            "load_json",
            "load_pickle",
            "load_txt",
            "load_txt_lines",
            "load_yaml",
            "save_binary",
            "save_csv",
            "save_dict_csv",
            "save_json",
            "save_pickle",
            "save_raw",
            "save_txt",
            "save_yaml",
        ],
        "caikit.core.toolkit.quality_evaluation": [
            "EvalTypes",
            "F1Metrics",
            "F1MetricsContainer",
            "QualityEvaluator",
        ],
        "caikit.core.toolkit.serializers": [
            "CSVSerializer",
            "JSONSerializer",
            "ObjectSerializer",
            "PickleSerializer",
            "TextSerializer",
            "YAMLSerializer",
        ],
    },
    submodules=[
        "compatibility",
        "concurrency",
        "factory",
        "fileio",
        "logging",
        "name_tools",
        "quality_evaluation",
        "reversible_hasher",
        "serializers",
        "sync_to_async",
        "wip_decorator",
    ],
)
