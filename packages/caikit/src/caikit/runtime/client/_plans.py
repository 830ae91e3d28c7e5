"""How a method of a remote model is called, worked out once per class of remote models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import IOBase
from typing import Any

from caikit.core.data_model import DataObjectBase, DataStream
from caikit.core.data_model._schema import MessageType, schema_of
from caikit.core.data_model.base import DataBase
from caikit.core.modules import ModuleBase
from caikit.interfaces.runtime.data_model import ModelPointer
from caikit.runtime.names import ServiceType, get_grpc_route_name, get_http_route_name
from caikit.runtime.service_factory import ServicePackageFactory
from caikit.runtime.services.stream_sources import DataStreamSourceBase

from ._errors import unreadable
from .remote_config import RemoteRPCDescriptor

_PARAMETERS = "parameters"
_NOT_POSITIONAL = (inspect.Parameter.KEYWORD_ONLY,)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

Given = dict[str, Any]


class CallPlan:
    """Messages, paths and parameters of one method."""

    def __init__(self, method: RemoteRPCDescriptor, service_type: ServiceType) -> None:
        self.method = method
        self.shape = method.shape
        self.grpc_path = get_grpc_route_name(service_type, method.rpc_name)
        self.http_path = get_http_route_name(method.rpc_name)
        self.request = _message(method.request_dm_name, service_type)
        self.response = _message(method.response_dm_name, service_type)
        self.is_training = service_type is ServiceType.TRAINING
        self.message = _parameters_of(self.request) if self.is_training else self.request
        self._fields = {field.name: field.type for field in schema_of(self.message).fields}
        self._nothing = dict.fromkeys(self._fields)
        self._converters = {
            name: convert for name, node in self._fields.items() if (convert := _converter(node)) is not None
        }
        # An interface may gain fields; classes with a reader of their own do not know the word.
        tolerant = "ignore_unknown_fields" in inspect.signature(self.response.from_json).parameters
        self._json_options = {"ignore_unknown_fields": True} if tolerant else {}
        self._read_signature()

    def _read_signature(self) -> None:
        signature = self.method.signature
        known = signature.parameters or {}
        written = signature.method_signature
        parameters = [
            parameter
            for parameter in (written.parameters.values() if written is not None else ())
            if parameter.name in known and parameter.kind not in _VARIABLE
        ]
        self._positional = [each.name for each in parameters if each.kind not in _NOT_POSITIONAL]
        self._accepted = {each.name for each in parameters if each.name in self._fields}
        self._known = {each.name for each in parameters}
        self._required = {
            each.name for each in parameters if each.default is each.empty and each.name in self._accepted
        }

    def request_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> DataObjectBase:
        """The message of a request that is no stream."""
        if not self.is_training:
            return self.build(self.bind(args, kwargs))
        name, path = kwargs.pop("_model_name", None), kwargs.pop("_output_path", None)
        parameters = self.build(self.bind(args, kwargs))
        return self.request(model_name=name, output_path=path, parameters=parameters)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Given:
        """The arguments by name, exactly those that the caller gave."""
        given = dict(kwargs)
        if args:
            if len(args) > len(self._positional):
                raise self._refused(
                    f"takes {len(self._positional)} positional arguments but {len(args)} were given"
                )
            for name, value in zip(self._positional, args, strict=False):
                if name in given:
                    raise self._refused(f"got multiple values for argument '{name}'")
                given[name] = value
        if not given.keys() <= self._accepted:
            raise self._refused(self._explain_unexpected(given))
        if not self._required <= given.keys():
            missing = ", ".join(
                f"'{name}'" for name in self._positional if name in self._required - given.keys()
            )
            raise self._refused(f"missing required arguments: {missing}")
        for name, convert in self._converters.items():
            if given.get(name) is not None:
                given[name] = convert(name, given[name])
        return given

    def build(self, given: Given) -> DataObjectBase:
        """The message with the arguments and nothing else: no defaults of this or of another module."""
        return self.message(**{**self._nothing, **given})

    def build_stream(
        self, given: Given, streaming: Iterable[str], *, repeat: bool = True
    ) -> Iterator[DataObjectBase]:
        """A message for each element, or set of elements.

        Arguments that are no streams are in all messages, or in the first one only.
        """
        streamed = set(streaming).intersection(given)
        others = {**self._nothing, **{name: value for name, value in given.items() if name not in streamed}}
        names = sorted(streamed)
        for values in zip(*(given[name] for name in names), strict=False):
            yield self.message(**{**others, **dict(zip(names, values, strict=True))})
            if not repeat:
                others = self._nothing

    def encode(self, message: DataObjectBase) -> bytes:
        """The bytes of a message that `request_of` or `build_stream` made."""
        try:
            return message.to_binary_buffer()
        except AttributeError as problem:
            raise self._misfit(message) or problem from None

    def _misfit(self, message: Any) -> TypeError | None:
        """What stands where a data object is expected; the message would fail at its missing methods."""
        values = message.parameters if self.is_training else message
        for name, node in self._fields.items():
            value = getattr(values, name, None)
            if isinstance(node, MessageType) and value is not None and not isinstance(value, DataObjectBase):
                return self._refused(f"expected {node.cls.__name__} for '{name}', got {type(value).__name__}")
        return None

    def streams(self, given: Given) -> list[str]:
        """Names of the arguments that are streams, as the task says."""
        names = [name for name in self.method.task_parameters if name in given]
        for name in names:
            value = given[name]
            if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
                raise self._refused(f"expected a stream for '{name}', got {type(value).__name__}")
        return names

    def decode(self, answer: bytes) -> Any:
        return self._read(lambda: self.response.from_binary_buffer(answer))

    def decode_json(self, answer: bytes) -> Any:
        return self._read(lambda: self.response.from_json(answer.decode(), **self._json_options))

    def decode_file(self, answer: IOBase) -> Any:
        return self._read(lambda: self.response.from_file(answer))

    def _read(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Exception as problem:
            raise unreadable(self.method.rpc_name, self.response, problem) from problem

    def _explain_unexpected(self, given: Given) -> str:
        name = next(each for each in given if each not in self._accepted)
        text = f"got an unexpected keyword argument '{name}'"
        return f"{text}: its type cannot be sent to a server" if name in self._known else text

    def _refused(self, text: str) -> TypeError:
        signature = self.method.signature
        return TypeError(f"{signature.module.__name__}.{signature.method_name}() {text}")


def _message(full_name: str, service_type: ServiceType) -> type[DataObjectBase]:
    try:
        found: Any = DataBase.get_class_for_name(full_name)
    except ValueError:
        ServicePackageFactory.get_service_package(service_type)
        try:
            found = DataBase.get_class_for_name(full_name)
        except ValueError as problem:
            raise ValueError(
                f"The services of this process have no message {full_name}: "
                "does runtime.library name the library of the module?"
            ) from problem
    message: type[DataObjectBase] = found
    return message


def _parameters_of(request: type[DataObjectBase]) -> type[DataObjectBase]:
    for field in schema_of(request).fields:
        if field.name == _PARAMETERS and isinstance(field.type, MessageType):
            return field.type.cls
    raise TypeError(f"{request.__name__} has no message field '{_PARAMETERS}'")


def _converter(node: Any) -> Callable[[str, Any], Any] | None:
    if not isinstance(node, MessageType):
        return None
    if issubclass(node.cls, ModelPointer):
        return _as_pointer
    if issubclass(node.cls, DataStreamSourceBase):
        return lambda name, value: _as_source(node.cls, name, value)
    return None


def _as_pointer(name: str, value: Any) -> ModelPointer:
    """A model of the same server, by its name there."""
    if isinstance(value, ModelPointer):
        return value
    known = getattr(value, "_model_name", None) if isinstance(value, ModuleBase) else value
    if not isinstance(known, str):
        raise TypeError(f"expected a remote model or its name for '{name}', got {type(value).__name__}")
    return ModelPointer(model_id=known)


def _as_source(source: Any, name: str, value: Any) -> Any:
    """Data that is here travels with the request; other sources are read by the server."""
    if isinstance(value, DataStreamSourceBase):
        return value
    if not isinstance(value, DataStream | list | tuple | Iterator):
        raise TypeError(
            f"expected a stream, a list or a {source.__name__} for '{name}', got {type(value).__name__}"
        )
    return source(data_stream=source.JsonData(data=list(value)))
