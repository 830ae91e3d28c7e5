"""The services that every gRPC server of ours has: health and reflection."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

_NOTICE_SECONDS = 0.5

# v1 has the messages of v1alpha under another service name.
_REFLECTION_SERVICES = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")


class Health:
    """Tells whether the server serves: as a whole, and for each service by name."""

    def __init__(self, services: Iterable[str]) -> None:
        self._servicer = health.HealthServicer()
        for service in services:
            self._servicer.set(service, health_pb2.HealthCheckResponse.SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        # Watchers are told one after another; one that does not read must not hold up the shutdown.
        notice = threading.Thread(target=self._servicer.enter_graceful_shutdown, daemon=True)
        notice.start()
        notice.join(_NOTICE_SECONDS)

    def handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        codec: dict[str, Any] = {
            "request_deserializer": health_pb2.HealthCheckRequest.FromString,
            "response_serializer": health_pb2.HealthCheckResponse.SerializeToString,
        }
        return {
            "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(
                self._servicer.Check, **codec
            ),
            "/grpc.health.v1.Health/Watch": grpc.unary_stream_rpc_method_handler(
                self._servicer.Watch, **codec
            ),
        }


def reflection_handlers(services: Iterable[str]) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Reflection over the descriptors of the default pool, in both published versions."""
    servicer = reflection.ReflectionServicer([*services, reflection.SERVICE_NAME])
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return {f"/{service}/ServerReflectionInfo": handler for service in _REFLECTION_SERVICES}
