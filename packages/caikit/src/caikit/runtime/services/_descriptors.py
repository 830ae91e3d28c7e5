"""Service descriptors, built at run time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from ._spec import RpcSpec

__all__ = ["service_descriptor"]

_lock = threading.Lock()
_private_pools: dict[bytes, Any] = {}


def service_descriptor(full_name: str, specs: Sequence[RpcSpec]) -> Any:
    """The descriptor of a service; in the default pool, where reflection finds it.

    A pool keeps the first content of a name for ever, so a service that changed since (other settings in the same
    process) gets a pool of its own.
    """
    file = _file(full_name, specs)
    with _lock:
        pool = descriptor_pool.Default()
        known = _find(pool, full_name)
        if known is None:
            return _add(pool, file, full_name)
        if _methods(known) == _methods_of(file):
            return known
        serialized = file.SerializeToString()
        if serialized not in _private_pools:
            _private_pools[serialized] = _private_pool(pool, file)
        return _private_pools[serialized].FindServiceByName(full_name)


def _file(full_name: str, specs: Sequence[RpcSpec]) -> descriptor_pb2.FileDescriptorProto:
    package, _, name = full_name.rpartition(".")
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{full_name.lower()}.proto",
        package=package,
        syntax="proto3",
        dependency=sorted({message.file.name for spec in specs for message in _messages(spec)}),
    )
    service = file.service.add(name=name)
    for spec in specs:
        request, response = _messages(spec)
        service.method.add(
            name=spec.name,
            input_type=f".{request.full_name}",
            output_type=f".{response.full_name}",
            client_streaming=spec.shape.input_streaming,
            server_streaming=spec.shape.output_streaming,
        )
    return file


def _messages(spec: RpcSpec) -> tuple[Any, Any]:
    return spec.request.get_proto_class().DESCRIPTOR, spec.response.get_proto_class().DESCRIPTOR


def _find(pool: Any, full_name: str) -> Any | None:
    try:
        return pool.FindServiceByName(full_name)
    except KeyError:
        return None


def _add(pool: Any, file: descriptor_pb2.FileDescriptorProto, full_name: str) -> Any:
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(full_name)


def _methods(service: Any) -> list[tuple[str, str, str, bool, bool]]:
    return [
        (
            method.name,
            method.input_type.full_name,
            method.output_type.full_name,
            method.client_streaming,
            method.server_streaming,
        )
        for method in service.methods
    ]


def _methods_of(file: descriptor_pb2.FileDescriptorProto) -> list[tuple[str, str, str, bool, bool]]:
    return [
        (
            method.name,
            method.input_type.lstrip("."),
            method.output_type.lstrip("."),
            method.client_streaming,
            method.server_streaming,
        )
        for method in file.service[0].method
    ]


def _private_pool(pool: Any, file: descriptor_pb2.FileDescriptorProto) -> Any:
    private = descriptor_pool.DescriptorPool()
    _copy(pool, private, file.dependency, set())
    private.AddSerializedFile(file.SerializeToString())
    return private


def _copy(source: Any, target: Any, names: Iterable[str], done: set[str]) -> None:
    for name in names:
        if name in done:
            continue
        done.add(name)
        found = source.FindFileByName(name)
        _copy(source, target, [dependency.name for dependency in found.dependencies], done)
        target.AddSerializedFile(found.serialized_pb)
