"""The messages of tiny.py as plain protobuf classes, for the client and for the bare gRPC server."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

METHOD = "/caikit.runtime.Tiny.TinyService/TinyTaskPredict"


def _message_classes() -> list[type]:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="bare_tiny.proto", package="bare_tiny", syntax="proto3")
    shapes = {
        "Request": [("text", field.TYPE_STRING, field.LABEL_OPTIONAL, None)],
        "Score": [
            ("label", field.TYPE_STRING, field.LABEL_OPTIONAL, None),
            ("score", field.TYPE_DOUBLE, field.LABEL_OPTIONAL, None),
        ],
        "Scores": [("results", field.TYPE_MESSAGE, field.LABEL_REPEATED, ".bare_tiny.Score")],
    }
    for message_name, fields in shapes.items():
        message = file.message_type.add(name=message_name)
        for number, (name, kind, label, type_name) in enumerate(fields, start=1):
            message.field.add(name=name, number=number, type=kind, label=label, type_name=type_name)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bare_tiny.{name}")) for name in shapes
    ]


Request, Score, Scores = _message_classes()
