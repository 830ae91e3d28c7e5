"""The gRPC interface of a running server, as it describes itself: methods and their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


@dataclass(frozen=True)
class Method:
    service: str
    name: str
    input: Any
    output: Any
    streams_in: bool
    streams_out: bool

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    def message(self, **content: Any) -> bytes:
        """The bytes of a request, from JSON values."""
        data: bytes = json_format.ParseDict(content, self.input()).SerializeToString()
        return data

    def read(self, data: bytes) -> Any:
        return self.output.FromString(data)

    def open(self, channel: Any) -> Any:
        """What is called with bytes and answers with bytes."""
        if self.streams_in:
            return channel.stream_stream(self.path) if self.streams_out else channel.stream_unary(self.path)
        return channel.unary_stream(self.path) if self.streams_out else channel.unary_unary(self.path)


class Interface:
    """All methods of a server, by name."""

    def __init__(self, channel: grpc.Channel) -> None:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        self.methods: list[Method] = []
        for service_name in sorted(database.get_services()):
            service = pool.FindServiceByName(service_name)
            for method in service.methods:
                self.methods.append(
                    Method(
                        service_name,
                        method.name,
                        GetMessageClass(method.input_type),
                        GetMessageClass(method.output_type),
                        method.client_streaming,
                        method.server_streaming,
                    )
                )
        self._by_name = {method.name: method for method in self.methods}

    def __getitem__(self, name: str) -> Method:
        return self._by_name[name]


def model(model_id: str) -> tuple[tuple[str, str], ...]:
    """The metadata that says which model is meant."""
    return (("mm-model-id", model_id),)
