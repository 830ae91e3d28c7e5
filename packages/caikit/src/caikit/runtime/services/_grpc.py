"""Servicer base class, registration and stub of a service: what protoc would write into a `_pb2_grpc` file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caikit.runtime.engine.operation import Shape

from ._spec import RpcSpec

__all__ = ["registration_function", "servicer_class", "stub_class"]

_STUB_METHODS = {
    Shape.UNARY: "unary_unary",
    Shape.SERVER_STREAM: "unary_stream",
    Shape.CLIENT_STREAM: "stream_unary",
    Shape.BIDI: "stream_stream",
}


def servicer_class(descriptor: Any, specs: Sequence[RpcSpec]) -> type[Any]:
    """A base class with one method per RPC; each answers UNIMPLEMENTED until it is overridden."""

    def write_proto_file(cls: type[Any], root_dir: str = ".") -> None:
        from .render import write_service

        write_service(descriptor, root_dir)

    def to_proto_file(cls: type[Any]) -> str:
        from .render import service_text

        return service_text(descriptor)

    members: dict[str, Any] = {
        "DESCRIPTOR": descriptor,
        "__doc__": f"Base class for implementations of {descriptor.full_name}.",
        "to_proto_file": classmethod(to_proto_file),
        "write_proto_file": classmethod(write_proto_file),
    }
    members.update({spec.name: _unimplemented(spec) for spec in specs})
    return type(f"{descriptor.name}Servicer", (), members)


def registration_function(descriptor: Any, specs: Sequence[RpcSpec]) -> Callable[[Any, Any], None]:
    """`add_<service>_to_server(servicer, server)`."""

    def add_to_server(servicer: Any, server: Any) -> None:
        import grpc

        handlers = {}
        for spec in specs:
            make = getattr(grpc, f"{_STUB_METHODS[spec.shape]}_rpc_method_handler")
            handlers[spec.name] = make(
                getattr(servicer, spec.name),
                request_deserializer=spec.request.get_proto_class().FromString,
                response_serializer=spec.response.get_proto_class().SerializeToString,
            )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(descriptor.full_name, handlers),)
        )

    add_to_server.__name__ = f"add_{descriptor.name}Servicer_to_server"
    return add_to_server


def stub_class(descriptor: Any, specs: Sequence[RpcSpec]) -> type[Any]:
    """A client with one callable per RPC, made on a channel."""

    def __init__(self: Any, channel: Any) -> None:  # noqa: N807 - becomes the constructor of the class below
        for spec in specs:
            make = getattr(channel, _STUB_METHODS[spec.shape])
            rpc = make(
                spec.grpc_path,
                request_serializer=spec.request.get_proto_class().SerializeToString,
                response_deserializer=spec.response.get_proto_class().FromString,
            )
            setattr(self, spec.name, rpc)

    members = {"__init__": __init__, "__doc__": f"Calls {descriptor.full_name}.", "DESCRIPTOR": descriptor}
    return type(f"{descriptor.name}Stub", (), members)


def _unimplemented(spec: RpcSpec) -> Callable[[Any, Any, Any], Any]:
    def method(self: Any, request: Any, context: Any) -> Any:
        import grpc

        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("Method not implemented!")
        raise NotImplementedError("Method not implemented!")

    method.__name__ = spec.name
    return method
