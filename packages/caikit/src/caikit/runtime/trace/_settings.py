"""The configuration of tracing, read and checked once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

_PROTOCOLS = ("grpc", "http")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    enabled: bool
    endpoint: str
    protocol: str
    service_name: str
    flush_on_exit: bool
    ca: str
    client_key: str
    client_cert: str

    @classmethod
    def from_config(cls, config: Any) -> TraceSettings:
        """Raises ValueError for settings that contradict each other; not when tracing is off."""
        # A variable named like the section may have put a plain value in its place.
        trace = config.runtime.trace if isinstance(config.runtime.trace, dict) else {}
        tls = trace.get("tls") or {}
        settings = cls(
            enabled=bool(trace.get("enabled")),
            endpoint=str(trace.get("endpoint") or ""),
            protocol=str(trace.get("protocol") or ""),
            service_name=str(trace.get("service_name") or "caikit.runtime"),
            flush_on_exit=bool(trace.get("flush_on_exit")),
            ca=str(tls.get("ca") or ""),
            client_key=str(tls.get("client_key") or ""),
            client_cert=str(tls.get("client_cert") or ""),
        )
        if settings.enabled:
            settings._check()
        return settings

    def _check(self) -> None:
        if self.protocol not in _PROTOCOLS:
            raise ValueError(
                f"<RUN85736759E> expected grpc or http as runtime.trace.protocol, got {self.protocol!r}"
            )
        if not self.endpoint:
            raise ValueError("expected an address as runtime.trace.endpoint, got nothing")
        pair = bool(self.client_key), bool(self.client_cert)
        if any(pair) and not all(pair):
            raise ValueError(
                "runtime.trace.tls.client_key and runtime.trace.tls.client_cert go together: one of them is missing"
            )
        if all(pair) and not self.ca:
            raise ValueError("runtime.trace.tls.client_key needs runtime.trace.tls.ca, which is missing")
        if self.protocol == "http":
            self._check_http()

    def _check_http(self) -> None:
        if self.client_key:
            raise ValueError(
                "runtime.trace.tls.client_key cannot be used with runtime.trace.protocol http, only with grpc"
            )
        if self.ca and not os.path.isfile(self.ca):
            raise ValueError(
                "expected the path of a file as runtime.trace.tls.ca for http, found no such file"
            )
