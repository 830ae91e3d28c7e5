"""The configuration of the servers, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caikit.runtime.engine.limits import (
    DEFAULT_BODY_RATE,
    DEFAULT_HELD_BYTES,
    DEFAULT_QUEUE_LIMIT,
    DEFAULT_QUEUE_SECONDS,
    DEFAULT_READ_SECONDS,
    DEFAULT_STALL_SECONDS,
)
from caikit.runtime.trace._settings import TraceSettings
from caikit.runtime.transport.http_messages import DEFAULT_BODY_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteringSettings:
    enabled: bool
    log_dir: str
    log_interval: float

    @classmethod
    def from_config(cls, config: Any) -> MeteringSettings:
        metering = config.runtime.metering or {}
        return cls(
            enabled=bool(metering.get("enabled")),
            log_dir=str(metering.get("log_dir") or "metering_logs"),
            log_interval=_seconds("runtime.metering.log_interval", metering.get("log_interval") or 3600),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """What all servers of a process share."""

    threads: int
    """Workers of each server that has no number of its own."""
    max_queued: int | None
    max_queue_seconds: float | None
    max_held_bytes: int | None
    read_seconds: float | None
    stall_seconds: float | None
    abortable: bool
    metrics_enabled: bool
    metrics_host: str
    metrics_port: int
    metering: MeteringSettings
    trace: TraceSettings

    @classmethod
    def from_config(cls, config: Any) -> CoreSettings:
        runtime = config.runtime
        metrics = runtime.metrics or {}
        return cls(
            threads=int(runtime.server_thread_pool_size),
            max_queued=_optional_int(runtime.get("max_queued_requests", DEFAULT_QUEUE_LIMIT)),
            max_queue_seconds=_optional_number(runtime.get("max_queue_seconds", DEFAULT_QUEUE_SECONDS)),
            max_held_bytes=_optional_int(runtime.get("max_held_request_bytes", DEFAULT_HELD_BYTES)),
            read_seconds=_optional_number(runtime.get("request_read_seconds", DEFAULT_READ_SECONDS)),
            stall_seconds=_optional_number(runtime.get("stream_stall_seconds", DEFAULT_STALL_SECONDS)),
            abortable=bool(runtime.use_abortable_threads),
            metrics_enabled=bool(metrics.get("enabled")),
            metrics_host=str(metrics.get("host") or "0.0.0.0"),  # noqa: S104 - scraped from elsewhere
            metrics_port=int(metrics.get("port") or 0),
            metering=MeteringSettings.from_config(config),
            trace=TraceSettings.from_config(config),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSettings:
    host: str
    port: int
    find_available_port: bool
    unix_socket_path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    maximum_concurrent_rpcs: int | None = None
    grace_seconds: float

    @classmethod
    def from_config(cls, config: Any) -> GrpcSettings:
        grpc = config.runtime.grpc
        legacy_port = config.runtime.get("port")
        return cls(
            host=str(grpc.get("host") or "[::]"),
            port=int(grpc.port if legacy_port is None else legacy_port),
            find_available_port=bool(config.runtime.get("find_available_port")),
            unix_socket_path=str(grpc.unix_socket_path or ""),
            options=dict(grpc.options or {}),
            maximum_concurrent_rpcs=_optional_int(grpc.maximum_concurrent_rpcs),
            grace_seconds=float(grpc.server_shutdown_grace_period_seconds or 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    host: str
    port: int
    find_available_port: bool
    max_body_size: int
    min_body_rate: float | None
    grace_seconds: float
    server_config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: Any) -> HttpSettings:
        http = config.runtime.http
        return cls(
            host=str(http.get("host") or "0.0.0.0"),  # noqa: S104 - a server is there to be reached
            port=int(http.port),
            find_available_port=bool(config.runtime.get("find_available_port")),
            max_body_size=int(http.get("max_body_size") or DEFAULT_BODY_LIMIT),
            min_body_rate=_optional_number(http.get("min_body_rate", DEFAULT_BODY_RATE)),
            grace_seconds=float(http.server_shutdown_grace_period_seconds or 0),
            server_config=dict(http.server_config or {}),
        )


def _seconds(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected a number of seconds as {key}, got {value!r}") from None


def _optional_int(value: Any) -> int | None:
    return None if value is None or value == "" else int(value)


def _optional_number(value: Any) -> float | None:
    """None, nothing and zero are no limit."""
    return float(value) if value else None
