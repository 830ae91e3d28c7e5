"""The messages of bench_models as plain protobuf classes, for the bare gRPC server and for the client that checks answers."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_SERVICE = "/caikit.runtime.BenchModels.BenchModelsService/"
METHODS = {
    "tiny": f"{_SERVICE}TinyTaskPredict",
    "busy": f"{_SERVICE}BusyTaskPredict",
    "vector": f"{_SERVICE}VectorTaskPredict",
    "tokens": f"{_SERVICE}ServerStreamingTokensTaskPredict",
    "device": f"{_SERVICE}DeviceTaskPredict",
}


def _message_classes() -> dict[str, Any]:
    field = descriptor_pb2.FieldDescriptorProto
    text = ("text", field.TYPE_STRING, field.LABEL_OPTIONAL, None)
    shapes = {
        "Request": [text],
        "Score": [
            ("label", field.TYPE_STRING, field.LABEL_OPTIONAL, None),
            ("score", field.TYPE_DOUBLE, field.LABEL_OPTIONAL, None),
        ],
        "Scores": [("results", field.TYPE_MESSAGE, field.LABEL_REPEATED, ".bare.Score")],
        "Vector": [("values", field.TYPE_DOUBLE, field.LABEL_REPEATED, None)],
        "Token": [text],
        "Shout": [text],
    }
    file = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    for message_name, fields in shapes.items():
        message = file.message_type.add(name=message_name)
        for number, (name, kind, label, type_name) in enumerate(fields, start=1):
            message.field.add(name=name, number=number, type=kind, label=label, type_name=type_name)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bare.{name}")) for name in shapes
    }


_classes = _message_classes()
Request, Score, Scores = _classes["Request"], _classes["Score"], _classes["Scores"]
Vector, Token, Shout = _classes["Vector"], _classes["Token"], _classes["Shout"]
