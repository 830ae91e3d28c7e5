"""Clients that send what they are told to send."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Sequence
from typing import Any

import grpc

STATUSES = {
    200: "OK",
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
SERVICE = "/caikit.runtime.SecuredLib.SecuredLib"

Authorization = str | Sequence[str] | None


def _values(authorization: Authorization) -> list[str]:
    if authorization is None:
        return []
    return [authorization] if isinstance(authorization, str) else list(authorization)


class HttpDoor:
    """Calls each kind of operation over HTTP; tells the name of the status, and keeps the last answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.headers: dict[str, str] = {}
        self.text = ""

    def request(
        self, method: str, path: str, authorization: Authorization = None, content: Any = None
    ) -> str:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.putrequest(method, path)
            body = b"" if content is None else json.dumps(content).encode()
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", str(len(body)))
            for value in _values(authorization):
                connection.putheader("authorization", value.encode("utf-8"))
            connection.endheaders(body)
            response = connection.getresponse()
            self.text = response.read().decode()
            self.headers = {name.lower(): value for name, value in response.getheaders()}
            return STATUSES.get(response.status, str(response.status))

    def infer(self, authorization: Authorization = None) -> str:
        content = {"model_id": "echo", "inputs": "a"}
        return self.request("POST", "/api/v1/task/echoing", authorization, content)

    def stream(self, authorization: Authorization = None) -> str:
        content = {"model_id": "echo", "inputs": "a"}
        return self.request("POST", "/api/v1/task/server-streaming-echoing", authorization, content)

    def train(self, authorization: Authorization = None) -> str:
        content = {"model_name": "new", "parameters": {"text": "a"}}
        return self.request("POST", "/api/v1/EchoingTaskEchoerTrain", authorization, content)

    def ask_training(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/management/trainings?training_id=none", authorization)

    def list_trainings(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/management/trainings/list", authorization)

    def training_log(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/management/trainings/log?training_id=none", authorization)

    def manage(self, authorization: Authorization = None) -> str:
        return self.request("DELETE", "/management/models?model_id=none", authorization)

    def read(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/info/version", authorization)

    def interfaces(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/openapi.json", authorization)

    def health(self, authorization: Authorization = None) -> str:
        return self.request("GET", "/health", authorization)


class GrpcDoor:
    """The same over gRPC."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        if credentials is None:
            self.channel = grpc.insecure_channel(target, options=options)
        else:
            self.channel = grpc.secure_channel(target, credentials, options=options)
        self.text = ""

    def call(
        self,
        method: str,
        body: bytes = b"",
        authorization: Authorization = None,
        *,
        kind: str = "unary_unary",
    ) -> str:
        metadata = [("mm-model-id", "echo"), *(("authorization", value) for value in _values(authorization))]
        call = getattr(self.channel, kind)(method)
        request = iter([body]) if kind.startswith("stream") else body
        try:
            result = call(request, metadata=metadata, timeout=10)
            if kind.endswith("stream"):
                list(result)
        except grpc.RpcError as error:
            self.text = error.details()
            return error.code().name
        self.text = ""
        return "OK"

    def infer(self, authorization: Authorization = None) -> str:
        return self.call(f"{SERVICE}Service/EchoingTaskPredict", b"\x0a\x01a", authorization)

    def stream(self, authorization: Authorization = None) -> str:
        method = f"{SERVICE}Service/ServerStreamingEchoingTaskPredict"
        return self.call(method, b"\x0a\x01a", authorization, kind="unary_stream")

    def bidi(self, authorization: Authorization = None) -> str:
        method = f"{SERVICE}Service/BidiStreamingEchoingTaskPredict"
        return self.call(method, b"\x0a\x01a", authorization, kind="stream_stream")

    def train(self, authorization: Authorization = None) -> str:
        body = b"\x0a\x03new\x1a\x03\x0a\x01a"
        return self.call(f"{SERVICE}TrainingService/EchoingTaskEchoerTrain", body, authorization)

    def ask_training(self, authorization: Authorization = None) -> str:
        method = "/caikit.runtime.training.TrainingManagement/GetTrainingStatus"
        return self.call(method, b"\x0a\x04none", authorization)

    def list_trainings(self, authorization: Authorization = None) -> str:
        return self.call("/caikit.runtime.training.TrainingJobs/ListTrainings", b"", authorization)

    def training_log(self, authorization: Authorization = None) -> str:
        method = "/caikit.runtime.training.TrainingJobs/GetTrainingLog"
        return self.call(method, b"\x0a\x04none", authorization)

    def manage(self, authorization: Authorization = None) -> str:
        return self.call(
            "/caikit.runtime.models.ModelManagement/UndeployModel", b"\x0a\x04none", authorization
        )

    def mesh(self, authorization: Authorization = None) -> str:
        return self.call("/mmesh.ModelRuntime/runtimeStatus", b"", authorization)

    def process(self, authorization: Authorization = None) -> str:
        return self.call("/processproto.Process/Run", b"", authorization)

    def read(self, authorization: Authorization = None) -> str:
        return self.call("/caikit.runtime.info.InfoService/GetRuntimeInfo", b"", authorization)

    def interfaces(self, authorization: Authorization = None) -> str:
        method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        return self.call(method, b"\x3a\x00", authorization, kind="stream_stream")

    def health(self, authorization: Authorization = None) -> str:
        return self.call("/grpc.health.v1.Health/Check", b"", authorization)
