"""The names, attributes and signatures that programs and subclasses rely on."""

from __future__ import annotations

import inspect
import typing

import pytest

from caikit.core.model_management import ModelFinderBase, ModelInitializerBase
from caikit.core.modules import ModuleBase, ModuleConfig
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.runtime import client
from caikit.runtime.client import remote_config, remote_model_finder, utils

PARAMETERS = {
    (client.RemoteModuleConfig, "load_from_module"): ["module_reference", "connection_info", "protocol", "model_key", "model_path"],
    (client.RemoteModelFinder, "__init__"): ["self", "config", "instance_name"],
    (client.RemoteModelFinder, "find_model"): ["self", "model_path", "__"],
    (client.RemoteModelFinder, "_discover"): ["self", "model_name"],
    (client.RemoteModelFinder, "_safe_discover"): ["self", "model_name"],
    (client.RemoteModelFinder, "_discover_grpc_models"): ["self", "model_name"],
    (client.RemoteModelFinder, "_discover_http_models"): ["self", "model_name"],
    (client.RemoteModelFinder, "_render_conn_template"): ["self", "model_name"],
    (client.RemoteModelFinder, "_get_conn_candidates"): ["self", "model_name"],
    (client.RemoteModelInitializer, "__init__"): ["self", "config", "instance_name"],
    (client.RemoteModelInitializer, "init"): ["self", "model_config", "kwargs"],
    (client.RemoteModelInitializer, "construct_module_class"): ["self", "model_config"],
    (client.RemoteModuleBase, "__init__"): ["self", "connection_info", "protocol", "model_key", "model_name"],
    (client.RemoteModuleBase, "generate_train_function"): ["method"],
    (client.RemoteModuleBase, "generate_inference_function"): ["task", "method"],
    (client.RemoteModuleBase, "remote_method_request"): ["self", "method", "service_type", "args", "kwargs"],
    (client.RemoteModuleBase, "_request_via_http"): ["self", "method", "service_type", "args", "kwargs"],
    (client.RemoteModuleBase, "_request_via_grpc"): ["self", "method", "service_type", "args", "kwargs"],
    (client.RemoteModuleBase, "_get_remote_object"): ["self", "construction_fn"],
    (client.RemoteModuleBase, "_get_remote_target"): ["self"],
    (client.RemoteModuleBase, "_get_streaming_arguments"): ["kwargs"],
    (client.RemoteModuleBase, "_rename_union_sequence_types"): ["obj", "dm_type"],
    (utils, "construct_grpc_channel"): ["target", "options", "tls", "retries", "retry_options"],
    (utils, "construct_requests_session"): ["options", "tls", "timeout", "retries", "retry_options"],
    (remote_config, "RemoteRPCDescriptor"): ["signature", "request_dm_name", "response_dm_name", "rpc_name", "input_streaming", "output_streaming"],
    (remote_model_finder, "ModuleConnectionInfo"): ["conn", "module_id"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "name"), PARAMETERS, ids=lambda part: part if isinstance(part, str) else part.__name__
)
def test_parameters(owner: typing.Any, name: str) -> None:
    """What comes after the documented ones can be given by keyword only, or has a default."""
    found = list(inspect.signature(getattr(owner, name)).parameters.values())
    expected = PARAMETERS[owner, name]
    assert [each.name for each in found[: len(expected)]] == expected
    assert all(each.default is not each.empty for each in found[len(expected) :])


def test_classes() -> None:
    assert client.__all__ == [
        "RemoteModelFinder",
        "RemoteModelInitializer",
        "RemoteModuleBase",
        "RemoteModuleConfig",
    ]
    assert issubclass(client.RemoteModelFinder, ModelFinderBase)
    assert issubclass(client.RemoteModelInitializer, ModelInitializerBase)
    assert issubclass(client.RemoteModuleBase, ModuleBase)
    assert issubclass(client.RemoteModuleConfig, ModuleConfig)
    assert client.RemoteModelFinder.name == client.RemoteModelInitializer.name == "REMOTE"
    assert client.RemoteModuleConfig.reserved_keys == []
    assert set(client.RemoteModuleConfig.__annotations__) >= {
        "connection",
        "protocol",
        "model_key",
        "task_methods",
        "train_method",
        "model_path",
        "module_id",
        "module_name",
    }
    for name in ("_grpc_channel", "_http_session"):
        assert isinstance(inspect.getattr_static(client.RemoteModuleBase, name), property)


def test_attributes_of_finders_and_initializers() -> None:
    import aconfig

    config = aconfig.Config({"connection": {"hostname": "{}.models.svc", "port": 1}, "model_key": "key"})
    finder = client.RemoteModelFinder(config, "there")
    assert (finder._instance_name, finder._model_key, finder._protocol) == ("there", "key", "grpc")
    assert (finder._discover_models, finder._min_poll_time) == (True, 30)
    assert (finder._connections, finder._supported_models) == ({}, {})
    assert isinstance(finder._connection_template, ConnectionInfo)
    assert finder._get_conn_candidates("a")[0].hostname == "a.models.svc"
    initializer = client.RemoteModelInitializer(aconfig.Config({}), "here")
    assert (initializer._instance_name, initializer._module_class_map) == ("here", {})
