"""Stub and servicer of `fmaas.GenerationService`, as protoc's plugin for gRPC would write them."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import message_factory

from .generation_pb2 import DESCRIPTOR

__all__ = [
    "GenerationServiceServicer",
    "GenerationServiceStub",
    "add_GenerationServiceServicer_to_server",
]

_service = DESCRIPTOR.services_by_name["GenerationService"]


class GenerationServiceStub:
    """Calls a text generation server; each method of the service is an attribute."""

    def __init__(self, channel: grpc.Channel) -> None:
        for method in _service.methods:
            kind = channel.unary_stream if method.server_streaming else channel.unary_unary
            rpc = kind(
                f"/{_service.full_name}/{method.name}",
                request_serializer=_message(method.input_type).SerializeToString,
                response_deserializer=_message(method.output_type).FromString,
            )
            setattr(self, method.name, rpc)


class GenerationServiceServicer:
    """Base class for servers; methods answer UNIMPLEMENTED until they are overridden."""

    def Generate(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - a method of the service
        """One text for each request of a batch."""
        _unimplemented(context)

    def GenerateStream(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - as above
        """One text in pieces."""
        _unimplemented(context)

    def Tokenize(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - as above
        """The tokens of texts."""
        _unimplemented(context)

    def ModelInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - as above
        """What the server says about a model."""
        _unimplemented(context)


def add_GenerationServiceServicer_to_server(  # noqa: N802 - the name that protoc would give
    servicer: GenerationServiceServicer, server: grpc.Server
) -> None:
    """Serve what the methods of `servicer` answer."""
    handlers = {}
    for method in _service.methods:
        make = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        handlers[method.name] = make(
            getattr(servicer, method.name),
            request_deserializer=_message(method.input_type).FromString,
            response_serializer=_message(method.output_type).SerializeToString,
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_service.full_name, handlers),))


def _message(descriptor: Any) -> Any:
    return message_factory.GetMessageClass(descriptor)


def _unimplemented(context: grpc.ServicerContext) -> None:
    context.set_code(grpc.StatusCode.UNIMPLEMENTED)
    context.set_details("Method not implemented!")
    raise NotImplementedError("Method not implemented!")
