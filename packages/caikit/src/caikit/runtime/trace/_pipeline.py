"""From spans to a collector. Imports OpenTelemetry, so it is imported only when tracing is on."""

from __future__ import annotations

import os
import threading
from typing import Any

import alog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Tracer

from ._settings import TraceSettings

log = alog.use_channel("TRACE")

FLUSH_SECONDS = 2.0
"""How long the end of a program may wait for the collector."""


class Pipeline:
    """Spans wait in a bounded line and are sent by a thread; when it is full, spans are dropped."""

    def __init__(self, settings: TraceSettings) -> None:
        self.settings = settings
        # What the SDK does at the exit of the process has no limit in time.
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": settings.service_name}), shutdown_on_exit=False
        )
        exporter = _grpc_exporter(settings) if settings.protocol == "grpc" else _http_exporter(settings)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def tracer(self, name: str) -> Tracer:
        return self._provider.get_tracer(name)

    def close(self) -> None:
        """Send what waits, for a moment; a collector that does not take it is left behind."""
        # The provider waits for its exporter, and that for the collector.
        thread = threading.Thread(target=self._provider.shutdown, name="caikit_trace_flush", daemon=True)
        thread.start()
        if not self.settings.flush_on_exit:
            return
        thread.join(FLUSH_SECONDS)
        if thread.is_alive():
            log.warning(
                "<RUN41027816W>",
                "The collector %s has not taken all spans in %g seconds; the others are lost",
                self.settings.endpoint,
                FLUSH_SECONDS,
            )


def _grpc_exporter(settings: TraceSettings) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    if not settings.ca:
        return OTLPSpanExporter(endpoint=settings.endpoint, insecure=True)
    from grpc import ssl_channel_credentials

    credentials = ssl_channel_credentials(
        root_certificates=_read_pem(settings.ca),
        private_key=_read_pem(settings.client_key) if settings.client_key else None,
        certificate_chain=_read_pem(settings.client_cert) if settings.client_cert else None,
    )
    return OTLPSpanExporter(endpoint=settings.endpoint, insecure=False, credentials=credentials)


def _http_exporter(settings: TraceSettings) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options: dict[str, Any] = {"certificate_file": settings.ca} if settings.ca else {}
    return OTLPSpanExporter(endpoint=_url(settings), **options)


def _url(settings: TraceSettings) -> str:
    """The endpoint; one without a scheme or a path gets the usual ones."""
    endpoint = settings.endpoint
    if "://" not in endpoint:
        endpoint = f"{'https' if settings.ca else 'http'}://{endpoint}"
    has_path = "/" in endpoint.partition("://")[2].rstrip("/")
    return endpoint if has_path else f"{endpoint.rstrip('/')}/v1/traces"


def _read_pem(value: str) -> bytes:
    if os.path.isfile(value):
        with open(value, "rb") as file:
            return file.read()
    if "-----BEGIN" not in value:
        raise ValueError("expected PEM text or the path of a file in runtime.trace.tls, found neither")
    return value.encode()
