"""A gRPC server's description of itself."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from typing import Annotated, Any

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject
from caikit.runtime.client._connections import Connection
from caikit.runtime.client._credentials import Pairs
from caikit.runtime.client._grpc_calls import stream_answers
from caikit.runtime.engine import Shape
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._errors import CommandError

_PATHS = (
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
_PACKAGE = "caikit_command.reflection"
_MOST_FILES = 20_000


@dataobject(_PACKAGE)
class ReflectionRequest(DataObjectBase):
    file_by_filename: Annotated[str | None, FieldNumber(3)]
    file_containing_symbol: Annotated[str | None, FieldNumber(4)]
    list_services: Annotated[str | None, FieldNumber(7)]


@dataobject(_PACKAGE)
class FileDescriptors(DataObjectBase):
    file_descriptor_proto: Annotated[list[bytes], FieldNumber(1)]


@dataobject(_PACKAGE)
class ServiceName(DataObjectBase):
    name: Annotated[str, FieldNumber(1)]


@dataobject(_PACKAGE)
class ServiceNames(DataObjectBase):
    service: Annotated[list[ServiceName], FieldNumber(1)]


@dataobject(_PACKAGE)
class ReflectionError(DataObjectBase):
    error_code: Annotated[int, FieldNumber(1)]
    error_message: Annotated[str, FieldNumber(2)]


@dataobject(_PACKAGE)
class ReflectionResponse(DataObjectBase):
    file_descriptor_response: Annotated[FileDescriptors | None, FieldNumber(4)]
    list_services_response: Annotated[ServiceNames | None, FieldNumber(6)]
    error_response: Annotated[ReflectionError | None, FieldNumber(7)]


class _UnknownError(CommandError):
    """The server says that it does not know what it was asked for."""


class Reflection:
    """Asks a server for its services; their messages live in a pool of their own."""

    def __init__(self, connection: Connection, target: str, metadata: Pairs, timeout: float | None) -> None:
        self._connection = connection
        self._target = target
        self._metadata = metadata
        self._timeout = timeout
        self._files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
        self._added: set[str] = set()
        self._pool = descriptor_pool.DescriptorPool()

    def services(self, *names: str) -> list[Any]:
        """The descriptors of the named services that the server has, or of all that are not gRPC's own."""
        for path in _PATHS:
            conversation = _Conversation(self._connection, path, self._metadata, self._timeout)
            try:
                return self._ask(conversation, names)
            except CaikitRuntimeException as problem:
                unknown = getattr(problem.status_code, "name", "") == "UNIMPLEMENTED"
                if not unknown or "speaks HTTP" in str(problem):
                    raise
            finally:
                conversation.close()
        raise CommandError(
            f"{self._target} does not describe its services (gRPC reflection); --http may help"
        )

    def _ask(self, conversation: _Conversation, names: tuple[str, ...]) -> list[Any]:
        answer = conversation.ask(ReflectionRequest(list_services="*")).list_services_response
        offered = [service.name for service in (answer.service if answer else None) or ()]
        wanted = [name for name in offered if (name in names if names else not name.startswith("grpc."))]
        found = [self._describe(conversation, name, optional=not names) for name in wanted]
        return [each for each in found if each is not None]

    def _describe(self, conversation: _Conversation, name: str, *, optional: bool) -> Any:
        """The descriptor of a service; None for an optional one that the server does not know after all."""
        try:
            for file in self._fetch(conversation, ReflectionRequest(file_containing_symbol=name)):
                self._add(conversation, file)
            return self._pool.FindServiceByName(name)
        except _UnknownError:
            if optional:
                return None
            raise
        except KeyError:
            raise CommandError(f"{self._target} does not describe its service {name}") from None

    def _add(self, conversation: _Conversation, name: str) -> None:
        """Put a file into the pool, after those that it imports."""
        waiting = [name]
        while waiting:
            current = waiting[-1]
            file = self._files[current]
            missing = next((each for each in file.dependency if each not in self._added), None)
            if missing is None:
                self._put(file)
                waiting.pop()
                continue
            if missing in waiting:
                raise CommandError(f"{self._target} describes files that import each other: {missing}")
            if missing not in self._files:
                self._fetch(conversation, ReflectionRequest(file_by_filename=missing))
            if missing not in self._files:
                raise CommandError(f"{self._target} does not describe {missing}")
            waiting.append(missing)

    def _put(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        if file.name not in self._added:
            self._added.add(file.name)
            try:
                self._pool.Add(file)
            except TypeError as problem:
                raise CommandError(
                    f"{self._target} describes {file.name} in a wrong way: {problem}"
                ) from None

    def _fetch(self, conversation: _Conversation, request: ReflectionRequest) -> list[str]:
        response = conversation.ask(request)
        if response.error_response is not None:
            what = request.file_containing_symbol or request.file_by_filename
            raise _UnknownError(
                f"{self._target} cannot describe {what}: {response.error_response.error_message}"
            )
        contents = response.file_descriptor_response
        names = []
        for content in (contents.file_descriptor_proto if contents else None) or ():
            try:
                file = descriptor_pb2.FileDescriptorProto.FromString(content)
            except DecodeError:
                raise CommandError(f"{self._target} describes itself with broken files") from None
            self._files.setdefault(file.name, file)
            names.append(file.name)
        if len(self._files) > _MOST_FILES:
            raise CommandError(f"{self._target} describes itself with more than {_MOST_FILES} files")
        return names


class _Conversation:
    """One stream of questions and answers."""

    def __init__(self, connection: Connection, path: str, metadata: Pairs, timeout: float | None) -> None:
        self._questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: Iterator[bytes] = stream_answers(
            connection, path, Shape.BIDI, self._outgoing, metadata, timeout
        )

    def _outgoing(self) -> Iterator[bytes]:
        return iter(self._questions.get, None)

    def ask(self, request: ReflectionRequest) -> ReflectionResponse:
        self._questions.put(request.to_binary_buffer())
        answer = next(self._answers, None)
        if answer is None:
            raise CommandError("The server stopped to describe itself")
        try:
            response: ReflectionResponse = ReflectionResponse.from_binary_buffer(answer)
        except (DecodeError, ValueError):
            raise CommandError(
                "The server describes itself with something else than gRPC reflection"
            ) from None
        return response

    def close(self) -> None:
        """Let the server end the stream: a call that is cancelled would be a failed one in its figures."""
        self._questions.put(None)
        with contextlib.suppress(CaikitRuntimeException):
            next(self._answers, None)
        self._answers.close()  # type: ignore[attr-defined]  # a generator
