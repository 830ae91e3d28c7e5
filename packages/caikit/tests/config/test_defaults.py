"""The packaged defaults that others rely on."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest
import yaml

from caikit.config.config import BASE_CONFIG_PATH

DEFAULTS = {
    "config_files": "",
    "merge_strategy": "merge",
    "enable_error_checks": True,
    "max_exception_log_messages": 4,
    "model_management.trainers.default.type": "LOCAL",
    "model_management.trainers.default.import_class": None,
    "model_management.trainers.default.config.retention_duration": "1d",
    "model_management.trainers.default.config.use_subprocess": False,
    "model_management.trainers.default.config.subprocess_start_method": "spawn",
    "model_management.job_predictors.default.type": "LOCAL",
    "model_management.job_predictors.default.config.retention_duration": "1d",
    "model_management.finders.default.type": "LOCAL",
    "model_management.finders.default.config.load_path": None,
    "model_management.initializers.default.type": "LOCAL",
    "model_management.initializers.default.config.backend_priority": [{"type": "LOCAL"}],
    "model_management.loaders.default": {"type": "CORE", "config": {}},
    "model_management.sizers.default": {"type": "MODEL_MESH", "config": {}},
    "log.level": "info",
    "log.filters": "botocore:off,urllib3:off,matplotlib:off,boto3:off,jnius.reflect:off",
    "log.channel_width": 12,
    "log.thread_id": True,
    "log.formatter": "json",
    "data_streams.file_source_base": None,
    "data_streams.source_plugins.inline.type": "JsonData",
    "data_streams.source_plugins.file.type": "FileData",
    "data_streams.source_plugins.file_list.type": "ListOfFiles",
    "data_streams.source_plugins.directory.type": "Directory",
    "data_streams.source_plugins.s3.type": "S3Files",
    "runtime.local_models_dir": "models",
    "runtime.wait_for_initial_model_loads": True,
    "runtime.load_new_local_models": True,
    "runtime.lazy_load_local_models": False,
    "runtime.lazy_load_poll_period_seconds": 10,
    "runtime.lazy_load_retries": 2,
    "runtime.lazy_load_write_detection_period_seconds": 0.05,
    "runtime.load_threads": None,
    "runtime.server_thread_pool_size": 100,
    "runtime.tls.server": {"key": "", "cert": ""},
    "runtime.tls.client": {"cert": ""},
    "runtime.grpc.enabled": True,
    "runtime.grpc.port": 8085,
    "runtime.grpc.server_shutdown_grace_period_seconds": 45,
    "runtime.grpc.unix_socket_path": "/tmp/mmesh/grpc.sock",
    "runtime.grpc.options": {},
    "runtime.grpc.maximum_concurrent_rpcs": None,
    "runtime.grpc.server_thread_pool_size": None,
    "runtime.grpc.probe_timeout": None,
    "runtime.http.enabled": True,
    "runtime.http.port": 8080,
    "runtime.http.route_prefix": "api/v1",
    "runtime.http.server_shutdown_grace_period_seconds": 5,
    "runtime.http.probe_timeout": 0.01,
    "runtime.http.server_config.limit_concurrency": 0,
    "runtime.metrics.enabled": True,
    "runtime.metrics.port": 8086,
    "runtime.trace.enabled": False,
    "runtime.trace.endpoint": "localhost:4317",
    "runtime.trace.protocol": "grpc",
    "runtime.trace.service_name": "caikit.runtime",
    "runtime.trace.flush_on_exit": True,
    "runtime.trace.tls": {"ca": "", "client_key": "", "client_cert": ""},
    "runtime.use_abortable_threads": True,
    "runtime.service_generation.enable_inference": True,
    "runtime.service_generation.enable_training": True,
    "runtime.service_generation.enable_inference_jobs": True,
    "runtime.service_generation.module_guids": {"included": [], "excluded": []},
    "runtime.service_generation.task_types": {"included": [], "excluded": []},
    "runtime.service_generation.backwards_compatibility.enabled": False,
    "runtime.service_generation.backwards_compatibility.current_modules_path": "modules.json",
    "runtime.service_generation.backwards_compatibility.prev_modules_path": "prev_modules.json",
    "runtime.batching.default.size": 0,
    "runtime.batching.default.collect_delay_s": 0.0,
    "runtime.metering.enabled": False,
    "runtime.metering.log_dir": "metering_logs",
    "runtime.metering.log_interval": 3600,
    "runtime.training.output_dir": "training_output",
    "runtime.training.save_with_id": True,
    "runtime.version_info.python_packages.all": False,
    "runtime.version_info.runtime_image": "",
    "inference_plugin.model_mesh.runtime_version": "real",
    "inference_plugin.model_mesh.numeric_runtime_version": 0,
    "inference_plugin.model_mesh.capacity": 10737418240,
    "inference_plugin.model_mesh.max_loading_concurrency": 2,
    "inference_plugin.model_mesh.model_loading_timeout_ms": 121000,
    "inference_plugin.model_mesh.latency_based_autoscaling_enabled": True,
    "inference_plugin.model_mesh.max_model_concurrency": 2,
    "inference_plugin.model_mesh.default_model_size": 18874368,
    "inference_plugin.model_mesh.default_model_size_multiplier": 10,
}


def packaged():
    with open(BASE_CONFIG_PATH, encoding="utf-8") as file:
        return yaml.safe_load(file)


def test_values_that_others_rely_on():
    tree = packaged()
    found = {key: functools.reduce(lambda node, part: node[part], key.split("."), tree) for key in DEFAULTS}
    assert found == DEFAULTS
    assert "load_path" not in tree


def test_no_library_is_served_by_default():
    assert packaged()["runtime"]["library"] == ""


NAMES_OF_USERS = ("max_model_concurrency_per_type", "model_size_multipliers")


def keys_without_comment(node, lines, path=()):
    for name, value in node.value:
        key = (*path, name.value)
        if isinstance(value, yaml.MappingNode) and value.value:
            if name.value not in NAMES_OF_USERS:
                yield from keys_without_comment(value, lines, key)
        elif not lines[name.start_mark.line - 1].strip().startswith("#"):
            yield ".".join(key)


def test_every_key_has_a_comment():
    with open(BASE_CONFIG_PATH, encoding="utf-8") as file:
        text = file.read()
    assert list(keys_without_comment(yaml.compose(text), text.splitlines())) == []


@pytest.mark.parametrize("module", ["caikit", "caikit.core", "caikit.config"])
def test_the_configuration_is_complete_after_an_import(module):
    program = f"import {module}, caikit; assert caikit.get_config().runtime.grpc.port == 8085"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNTIME")}
    subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True, timeout=30)
