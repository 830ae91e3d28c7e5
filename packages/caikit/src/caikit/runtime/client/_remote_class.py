"""Classes of remote models, one for each module."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

from caikit.core.modules import ModuleBase, module

from .remote_config import RemoteModuleConfig, RemoteRPCDescriptor
from .remote_module_base import RemoteModuleBase

_VERSION = "0.0.0"

_lock = threading.Lock()
_classes: dict[Hashable, type[ModuleBase]] = {}


def class_key(config: RemoteModuleConfig) -> Hashable:
    """Equal for configurations whose models have the same methods."""
    methods = tuple((task, tuple(map(_method_key, found))) for task, found in config.task_methods)
    train = config.train_method
    return config.module_id, methods, None if train is None else _method_key(train)


def _method_key(method: RemoteRPCDescriptor) -> Hashable:
    """Configurations are copied, and copies of signatures are not equal."""
    signature = method.signature
    return signature.module, signature.method_name, method.request_dm_name, method.rpc_name, method.shape


def remote_class(config: RemoteModuleConfig) -> type[ModuleBase]:
    """The class for the module of a configuration; the same as before where nothing changed."""
    key = class_key(config)
    with _lock:
        if key not in _classes:
            _classes[key] = _make(config)
        return _classes[key]


def _make(config: RemoteModuleConfig) -> type[ModuleBase]:
    members: dict[str, Any] = {"__module__": __name__, "__qualname__": f"Remote[{config.module_id}]"}
    tasks = []
    for task, methods in config.task_methods:
        if methods:
            tasks.append(task)
        for method in methods:
            name = method.signature.method_name
            if name in members:
                # The same method solves another task, too.
                task.taskmethod(method.input_streaming, method.output_streaming)(members[name])
            else:
                members[name] = RemoteModuleBase.generate_inference_function(task, method)
    if config.train_method is not None:
        members["train"] = RemoteModuleBase.generate_train_function(config.train_method)
    members["__doc__"] = f"{config.module_name}, on another server."
    name = "".join(part for part in config.module_name.title() if part.isalnum())
    made = type(name, (RemoteModuleBase,), members)
    decorated: type[ModuleBase] = module(
        id=config.module_id, name=config.module_name, version=_VERSION, tasks=tasks
    )(made)
    return decorated
