"""The configuration of the servers, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caikit.runtime._numbers import number, whole
from caikit.runtime.engine.limits import (
    BODY_RATE_KEY,
    DEFAULT_BODY_RATE,
    DEFAULT_HELD_BYTES,
    DEFAULT_QUEUE_LIMIT,
    DEFAULT_QUEUE_SECONDS,
    DEFAULT_READ_SECONDS,
    DEFAULT_STALL_SECONDS,
    HELD_BYTES_KEY,
    QUEUE_LIMIT_KEY,
    QUEUE_SECONDS_KEY,
    READ_SECONDS_KEY,
    STALL_SECONDS_KEY,
)
from caikit.runtime.trace._settings import TraceSettings
from caikit.runtime.transport.http_messages import DEFAULT_BODY_LIMIT

from .ports import grpc_host, grpc_port, http_host, http_port, uses_one_port


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
            log_interval=number("runtime.metering.log_interval", metering.get("log_interval") or 3600),
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
            threads=whole("runtime.server_thread_pool_size", runtime.server_thread_pool_size),
            max_queued=_optional_whole(
                QUEUE_LIMIT_KEY, runtime.get("max_queued_requests", DEFAULT_QUEUE_LIMIT)
            ),
            max_queue_seconds=_limit(
                QUEUE_SECONDS_KEY, runtime.get("max_queue_seconds", DEFAULT_QUEUE_SECONDS)
            ),
            max_held_bytes=_optional_whole(
                HELD_BYTES_KEY, runtime.get("max_held_request_bytes", DEFAULT_HELD_BYTES)
            ),
            read_seconds=_limit(READ_SECONDS_KEY, runtime.get("request_read_seconds", DEFAULT_READ_SECONDS)),
            stall_seconds=_limit(
                STALL_SECONDS_KEY, runtime.get("stream_stall_seconds", DEFAULT_STALL_SECONDS)
            ),
            abortable=bool(runtime.use_abortable_threads),
            metrics_enabled=bool(metrics.get("enabled")),
            metrics_host=str(metrics.get("host") or "0.0.0.0"),  # noqa: S104 - scraped from elsewhere
            metrics_port=whole("runtime.metrics.port", metrics.get("port") or 0),
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
    one_port: bool = False
    """HTTP is served on the same port."""
    web_origins: Sequence[str] = ()

    @classmethod
    def from_config(cls, config: Any) -> GrpcSettings:
        grpc = config.runtime.grpc
        return cls(
            host=grpc_host(config),
            port=grpc_port(config.runtime),
            find_available_port=bool(config.runtime.get("find_available_port")),
            unix_socket_path=str(grpc.unix_socket_path or ""),
            options=_mapping("runtime.grpc.options", grpc.options),
            maximum_concurrent_rpcs=_optional_whole(
                "runtime.grpc.maximum_concurrent_rpcs", grpc.maximum_concurrent_rpcs
            ),
            grace_seconds=_grace("runtime.grpc", grpc),
            one_port=uses_one_port(config),
            web_origins=_names(grpc.get("web_origins")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    host: str
    port: int
    find_available_port: bool
    max_body_size: int
    min_body_rate: float | None
    stream_error_status: bool
    grace_seconds: float
    one_port: bool = False
    """gRPC is served on the same port."""
    server_config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: Any) -> HttpSettings:
        http = config.runtime.http
        _check_prefix(http.route_prefix)
        return cls(
            host=http_host(config),
            port=http_port(config.runtime),
            find_available_port=bool(config.runtime.get("find_available_port")),
            max_body_size=whole(
                "runtime.http.max_body_size", http.get("max_body_size") or DEFAULT_BODY_LIMIT
            ),
            min_body_rate=_limit(BODY_RATE_KEY, http.get("min_body_rate", DEFAULT_BODY_RATE)),
            stream_error_status=bool(http.get("stream_error_status")),
            grace_seconds=_grace("runtime.http", http),
            one_port=uses_one_port(config),
            server_config=_mapping("runtime.http.server_config", http.server_config),
        )


def _names(given: Any) -> tuple[str, ...]:
    """A list, or a text with blanks or commas."""
    names = given.replace(",", " ").split() if isinstance(given, str) else given or ()
    return tuple(map(str, names))


def _check_prefix(prefix: Any) -> None:
    """Clients drop dots as names of folders, and end the path at a question mark or a hash."""
    text = str(prefix or "")
    if re.search(r"[?#\s]", text) or {".", ".."}.intersection(text.split("/")):
        raise ValueError(f"expected a path such as api/v1 as runtime.http.route_prefix, got {prefix!r}")


def _mapping(key: str, given: Any) -> dict[str, Any]:
    if given and not isinstance(given, Mapping):
        raise ValueError(f"expected a mapping as {key}, got {given!r}")
    return dict(given or {})


def _grace(section: str, settings: Any) -> float:
    key = "server_shutdown_grace_period_seconds"
    return number(f"{section}.{key}", settings.get(key) or 0)


def _optional_whole(key: str, value: Any) -> int | None:
    return None if value is None or value == "" else whole(key, value)


def _limit(key: str, value: Any) -> float | None:
    """None, nothing and zero are no limit."""
    return number(key, value) if value else None
