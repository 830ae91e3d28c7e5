"""What a library would offer if it was served."""

from __future__ import annotations

from caikit.runtime.services._spec import RpcSpec
from caikit.runtime.services.package import enabled_services, service_rpcs

from ._messages import message_type
from ._rpc import Rpc


def library_rpcs() -> list[Rpc]:
    """The RPCs of the configured library."""
    return [_rpc(spec) for service_type in enabled_services() for spec in service_rpcs(service_type)]


def _rpc(spec: RpcSpec) -> Rpc:
    return Rpc(
        name=spec.name,
        service=spec.service,
        inputs=tuple(message_type(spec.request.get_proto_class().DESCRIPTOR).fields.values()),
        output=message_type(spec.response.get_proto_class().DESCRIPTOR),
        input_streaming=spec.shape.input_streaming,
        output_streaming=spec.shape.output_streaming,
    )
