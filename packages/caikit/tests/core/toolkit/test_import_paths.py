"""Where the names of the tools, the exceptions and the configuration can be imported from."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

FILES = [
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
SERIALIZERS = [
    "CSVSerializer",
    "JSONSerializer",
    "ObjectSerializer",
    "PickleSerializer",
    "TextSerializer",
    "YAMLSerializer",
]
EVALUATION = ["EvalTypes", "F1Metrics", "F1MetricsContainer", "QualityEvaluator"]

# The homes of some names; all homes have the same objects.
HOMES = [
    (["configure", "get_config"], ["caikit", "caikit.config", "caikit.config.config"]),
    (["BASE_CONFIG_PATH", "merge_configs"], ["caikit.config.config"]),
    (["error_handler"], ["caikit.core.exceptions", "caikit.core"]),
    (
        ["DataValidationError"],
        ["caikit.core.exceptions.validation_error", "caikit.core.exceptions", "caikit.core"],
    ),
    (["CaikitCoreException", "CaikitCoreStatusCode"], ["caikit.core.exceptions.caikit_core_exception"]),
    (["ErrorHandler", "get"], ["caikit.core.exceptions.error_handler"]),
    (["Factory", "FactoryConstructible", "ImportableFactory"], ["caikit.core.toolkit.factory"]),
    (["ImportableFactory"], ["caikit.core.toolkit.factory", "caikit.core.model_management.factories"]),
    (["Destroyable"], ["caikit.core.toolkit.concurrency.destroyable"]),
    (
        ["DestroyableProcess", "FORKSERVER_CTX", "FORK_CTX", "OOM_EXIT_CODES", "SPAWN_CTX"],
        ["caikit.core.toolkit.concurrency.destroyable_process"],
    ),
    (
        ["DestroyableThread", "ThreadDestroyedException"],
        ["caikit.core.toolkit.concurrency.destroyable_thread"],
    ),
    (
        ["ExceptionPickler", "PickleFailureFallbackException"],
        ["caikit.core.toolkit.concurrency.pickling_exception"],
    ),
    (["logging"], ["caikit.core.toolkit", "caikit.core"]),
    (["configure"], ["caikit.core.toolkit.logging"]),
    (FILES, ["caikit.core.toolkit.fileio", "caikit.core.toolkit", "caikit.core"]),
    (SERIALIZERS, ["caikit.core.toolkit.serializers", "caikit.core.toolkit", "caikit.core"]),
    (EVALUATION, ["caikit.core.toolkit.quality_evaluation", "caikit.core.toolkit", "caikit.core"]),
    (["camel_to_snake_case", "snake_to_upper_camel"], ["caikit.core.toolkit.name_tools"]),
    (["BACKWARD_MAP", "FORWARD_MAP", "ReversibleHasher"], ["caikit.core.toolkit.reversible_hasher"]),
    (
        [
            "Action",
            "TempDisableWIP",
            "WipCategory",
            "_ENABLE_DECORATOR",
            "disable_wip",
            "enable_wip",
            "message_format",
            "work_in_progress",
        ],
        ["caikit.core.toolkit.wip_decorator"],
    ),
    (["async_wrap_iter"], ["caikit.core.toolkit.sync_to_async"]),
    (["is_importable_on_platform", "unsupported_platforms"], ["caikit.core.toolkit.compatibility"]),
    (["compatibility"], ["caikit.core.toolkit", "caikit.core"]),
]


@pytest.mark.parametrize(("names", "homes"), HOMES, ids=lambda value: value[0] if len(value) == 1 else "")
def test_homes(names, homes):
    first, *others = [importlib.import_module(home) for home in homes]
    for name in names:
        found = getattr(first, name)
        assert found is not None
        assert all(getattr(other, name) is found for other in others)


def test_tools_are_attributes():
    program = """
import caikit.core
for name in ("compatibility", "concurrency", "factory", "fileio", "logging", "name_tools", "quality_evaluation",
             "reversible_hasher", "serializers", "wip_decorator"):
    assert getattr(caikit.core.toolkit, name).__name__ == f"caikit.core.toolkit.{name}", name
assert caikit.core.toolkit.wip_decorator._ENABLE_DECORATOR is True
assert caikit.core.exceptions.error_handler is caikit.core.error_handler
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=30)


TOP_LEVEL = {
    "caikit": [
        "__version__",
        "__version_tuple__",
        "config",
        "configure",
        "core",
        "extract",
        "get_config",
        "get_model_future",
        "get_prediction_future",
        "interfaces",
        "load",
        "module",
        "resolve_and_load",
        "train",
        "version",
    ],
    "caikit.core": [
        *FILES,
        *SERIALIZERS,
        *EVALUATION,
        "BackendBase",
        "DataObjectBase",
        "DataValidationError",
        "LocalBackend",
        "MODEL_MANAGER",
        "ModelManager",
        "ModuleBase",
        "ModuleConfig",
        "ModuleLoader",
        "ModuleSaver",
        "TaskBase",
        "augmentors",
        "backend_types",
        "data_model",
        "dataobject",
        "error_handler",
        "exceptions",
        "extract",
        "get_model_future",
        "get_prediction_future",
        "get_valid_module_ids",
        "load",
        "model_management",
        "model_manager",
        "module",
        "module_backends",
        "modules",
        "registries",
        "resolve_and_load",
        "signature_parsing",
        "start_prediction_job",
        "task",
        "toolkit",
        "train",
    ],
}


@pytest.mark.parametrize("package", sorted(TOP_LEVEL))
def test_top_level_names(package):
    program = f"""
import importlib, sys
package = importlib.import_module({package!r})
for name in {TOP_LEVEL[package]!r}:
    assert getattr(package, name) is not None, name
assert "caikit.runtime" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_the_runtime_is_found_once_it_is_installed():
    program = "import caikit.runtime; caikit.runtime.names"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
