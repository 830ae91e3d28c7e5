"""Receivers of OTLP, as real as a collector's."""

from __future__ import annotations

import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from typing_extensions import Self

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}


class Spans:
    """What has arrived."""

    def __init__(self) -> None:
        self.services: set[str] = set()
        self.spans: list[Any] = []
        self.scopes: dict[bytes, str] = {}

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            self.services |= {
                pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.spans += scope.spans
                self.scopes |= {span.span_id: scope.scope.name for span in scope.spans}

    def names(self) -> list[str]:
        return [span.name.rpartition(".")[2] for span in self.spans]

    def one(self, name: str) -> Any:
        found = [span for span in self.spans if span.name.endswith(name)]
        assert len(found) == 1, (name, self.names())
        return found[0]


def attributes(span: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


class GrpcCollector(TraceServiceServicer):
    def __init__(
        self, credentials: grpc.ServerCredentials | None = None, hang: threading.Event | None = None
    ) -> None:
        self.received = Spans()
        self._hang = hang
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        add_TraceServiceServicer_to_server(self, self.server)
        port = (
            self.server.add_insecure_port("127.0.0.1:0")
            if credentials is None
            else self.server.add_secure_port("localhost:0", credentials)
        )
        self.endpoint = f"{'127.0.0.1' if credentials is None else 'localhost'}:{port}"

    def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if self._hang is not None:
            self._hang.wait(20)
        self.received.take(request)
        return ExportTraceServiceResponse()

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._hang is not None:
            self._hang.set()
        self.server.stop(0).wait()


class HttpCollector:
    def __init__(self) -> None:
        self.received = received = Spans()
        self.paths: list[str] = []
        paths = self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                paths.append(self.path)
                body = self.rfile.read(int(self.headers["content-length"]))
                received.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Not worth a line."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.server.shutdown()
        self.server.server_close()
