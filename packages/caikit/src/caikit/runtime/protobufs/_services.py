"""Stub, servicer and registration of a service with unary methods, as protoc's plugin for gRPC would write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import message_factory


def make_stub(service: Any) -> type[Any]:
    """A client class with one callable per method, made on a channel."""

    def __init__(self: Any, channel: grpc.Channel) -> None:  # noqa: N807 - becomes the constructor of the class below
        for method in service.methods:
            rpc = channel.unary_unary(
                f"/{service.full_name}/{method.name}",
                request_serializer=_message(method.input_type).SerializeToString,
                response_deserializer=_message(method.output_type).FromString,
            )
            setattr(self, method.name, rpc)

    return type(f"{service.name}Stub", (), {"__init__": __init__, "__doc__": f"Calls {service.full_name}."})


def make_servicer(service: Any) -> type[Any]:
    """A base class; its methods answer UNIMPLEMENTED until they are overridden."""
    members: dict[str, Any] = {method.name: _unimplemented(method.name) for method in service.methods}
    members["__doc__"] = f"Base class for implementations of {service.full_name}."
    return type(f"{service.name}Servicer", (), members)


def make_registration(service: Any) -> Callable[[Any, grpc.Server], None]:
    """`add_<service>Servicer_to_server(servicer, server)`."""

    def add_to_server(servicer: Any, server: grpc.Server) -> None:
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(servicer, method.name),
                request_deserializer=_message(method.input_type).FromString,
                response_serializer=_message(method.output_type).SerializeToString,
            )
            for method in service.methods
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))

    add_to_server.__name__ = f"add_{service.name}Servicer_to_server"
    return add_to_server


def _message(descriptor: Any) -> Any:
    return message_factory.GetMessageClass(descriptor)


def _unimplemented(name: str) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    def method(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("Method not implemented!")
        raise NotImplementedError("Method not implemented!")

    method.__name__ = name
    return method
