"""Messages of `processproto.Process`, which trains while the caller waits."""

from __future__ import annotations

from typing import Any

from ._files import build_file, load_file, message_classes

__all__ = ["DESCRIPTOR", "ProcessRequest", "ProcessResponse"]

_FILE = build_file(
    "caikit/runtime/protobufs/process.proto",
    "processproto",
    messages={
        "ProcessRequest": (
            "string trainingID = 1",
            "map<string, string> request_dict = 2",
            "string training_input_dir = 3",
            "string training_output_dir = 4",
            "repeated string data_input_dir = 5",
            "string customTrainingID = 6",
            "map<string, string> data_inputs = 7",
        ),
        "ProcessResponse": (
            "string trainingID = 1",
            "map<string, string> response_dict = 2",
            "string customTrainingID = 3",
        ),
    },
    service="Process",
    rpcs={"Run": ("ProcessRequest", "ProcessResponse")},
)

DESCRIPTOR: Any = load_file(_FILE)
_classes = message_classes(DESCRIPTOR)

ProcessRequest: Any = _classes["ProcessRequest"]
ProcessResponse: Any = _classes["ProcessResponse"]
