"""The tasks that a backend serves, as it describes them by reflection."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

_PREDICT = re.compile(r"(ServerStreaming|ClientStreaming|BidiStreaming|)(\w+)Predict")
_TRAIN = re.compile(r"(\w+)Train")


@dataclass(frozen=True)
class Method:
    """One way to call a task; two are equal if they are called in the same way."""

    name: str
    path: str
    input_streaming: bool
    output_streaming: bool
    schema: bytes
    request: Descriptor = field(compare=False, repr=False)
    answer: Descriptor = field(compare=False, repr=False)

    @property
    def request_class(self) -> Any:
        return GetMessageClass(self.request)

    @property
    def answer_class(self) -> Any:
        return GetMessageClass(self.answer)


@dataclass(frozen=True)
class Task:
    name: str
    methods: tuple[Method, ...]

    def method(self, name: str) -> Method | None:
        return next((method for method in self.methods if method.name == name), None)


@dataclass(frozen=True)
class Services:
    tasks: tuple[Task, ...] = ()
    trainings: tuple[str, ...] = ()
    """Trainings of tasks for which there is nothing else."""

    def method(self, name: str) -> Method | None:
        return next(filter(None, (task.method(name) for task in self.tasks)), None)


def discover(channel: grpc.Channel) -> Services:
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    methods: dict[str, list[Method]] = {}
    trainings = []
    for service in database.get_services():
        for described in _methods_of(pool, service):
            if task := _task_of(described):
                methods.setdefault(task, []).append(_method(described))
            elif training := _TRAIN.fullmatch(described.name):
                trainings.append(training[1])
    tasks = tuple(Task(name, tuple(methods[name])) for name in sorted(methods))
    return Services(tasks, tuple(name for name in trainings if not name.startswith(tuple(methods))))


def _methods_of(pool: DescriptorPool, service: str) -> Sequence[MethodDescriptor]:
    try:
        return pool.FindServiceByName(service).methods
    except KeyError:  # servers may list what they do not describe
        return ()


def _task_of(described: MethodDescriptor) -> str:
    found = _PREDICT.fullmatch(described.name)
    if found is None or described.input_type.name != f"{found[1]}{found[2]}Request":
        return ""
    return found[2]


def _method(described: MethodDescriptor) -> Method:
    files = {file.name: file.serialized_pb for file in _files(described.input_type.file)}
    files |= {file.name: file.serialized_pb for file in _files(described.output_type.file)}
    return Method(
        described.name,
        f"/{described.containing_service.full_name}/{described.name}",
        described.client_streaming,
        described.server_streaming,
        hashlib.sha256(b"".join(content for _, content in sorted(files.items()))).digest(),
        described.input_type,
        described.output_type,
    )


def _files(file: FileDescriptor) -> Iterator[FileDescriptor]:
    yield file
    for needed in file.dependencies:
        yield from _files(needed)
