"""A server that is not of caikit's making, but speaks as one, with everything that messages may have in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from caikit.interfaces.runtime.data_model import ModelInfo, ModelInfoResponse
from caikit.runtime.service_factory import ServicePackageFactory
from google.protobuf import any_pb2, descriptor_pool, text_format, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from gradio_client import Client, handle_file
from grpc_reflection.v1alpha import reflection

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]  # those of gradio_client

SERVICE = "elsewhere.Things"
FILE = """
name: "elsewhere.proto" package: "elsewhere" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/any.proto"
enum_type { name: "Mood" value { name: "CALM" number: 0 } value { name: "LOUD" number: 1 } }
message_type {
  name: "Node"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "inner" number: 2 type: TYPE_MESSAGE type_name: ".elsewhere.Node" label: LABEL_OPTIONAL }
  field { name: "nodes" number: 3 type: TYPE_MESSAGE type_name: ".elsewhere.Node" label: LABEL_REPEATED }
}
message_type {
  name: "ThingTaskRequest"
  field { name: "mood" number: 1 type: TYPE_ENUM type_name: ".elsewhere.Mood" label: LABEL_OPTIONAL }
  field {
    name: "other" number: 2 type: TYPE_ENUM type_name: ".elsewhere.Mood" label: LABEL_OPTIONAL
    proto3_optional: true oneof_index: 1
  }
  field { name: "moods" number: 3 type: TYPE_ENUM type_name: ".elsewhere.Mood" label: LABEL_REPEATED }
  field { name: "small" number: 4 type: TYPE_FIXED32 label: LABEL_OPTIONAL }
  field { name: "files" number: 5 type: TYPE_BYTES label: LABEL_REPEATED }
  field { name: "file" number: 6 type: TYPE_BYTES label: LABEL_OPTIONAL proto3_optional: true oneof_index: 2 }
  field {
    name: "when" number: 7 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL
  }
  field { name: "tree" number: 8 type: TYPE_MESSAGE type_name: ".elsewhere.Node" label: LABEL_OPTIONAL }
  field { name: "from" number: 9 type: TYPE_BOOL label: LABEL_REPEATED }
  field { name: "model_id" number: 10 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "trees" number: 11 type: TYPE_MESSAGE type_name: ".elsewhere.Node" label: LABEL_REPEATED }
  field { name: "node" number: 12 type: TYPE_MESSAGE type_name: ".elsewhere.Node" label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "number" number: 13 type: TYPE_FLOAT label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "any" number: 14 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_REPEATED }
  oneof_decl { name: "choice" } oneof_decl { name: "_other" } oneof_decl { name: "_file" }
}
message_type {
  name: "SentimentTaskRequest"
  field { name: "text" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type { name: "OpenTaskRequest" }
service {
  name: "Things"
  method { name: "ThingTaskPredict" input_type: ".elsewhere.ThingTaskRequest" output_type: ".elsewhere.ThingTaskRequest" }
  method { name: "SentimentTaskPredict" input_type: ".elsewhere.SentimentTaskRequest" output_type: ".elsewhere.Node" }
  method { name: "OpenTaskPredict" input_type: ".elsewhere.OpenTaskRequest" output_type: ".google.protobuf.Any" }
  method { name: "ThingTaskPredictAgain" input_type: ".elsewhere.ThingTaskRequest" output_type: ".elsewhere.Node" }
  method { name: "ThingTaskThingTrain" input_type: ".elsewhere.ThingTaskRequest" output_type: ".elsewhere.Node" }
  method { name: "SkillTaskSkillTrain" input_type: ".elsewhere.ThingTaskRequest" output_type: ".elsewhere.Node" }
}
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Its answer is what it was asked."""
    pool = descriptor_pool.DescriptorPool()
    for file in (timestamp_pb2, any_pb2):
        pool.AddSerializedFile(file.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(text_format.Parse(FILE, FileDescriptorProto()).SerializeToString())
    info = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFO)
    models = ModelInfoResponse([ModelInfo(name="thing", loaded=True, module_id="of-somebody")])
    echo = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    something = any_pb2.Any(type_url="somewhere/of.Kind", value=b"hello").SerializeToString()
    surprise = grpc.unary_unary_rpc_method_handler(lambda request, context: something)
    answer = grpc.unary_unary_rpc_method_handler(lambda request, context: models.to_binary_buffer())
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                SERVICE, {"ThingTaskPredict": echo, "OpenTaskPredict": surprise}
            ),
            grpc.method_handlers_generic_handler(info.descriptor.full_name, {"GetModelsInfo": answer}),
        ]
    )
    reflection.enable_server_reflection([SERVICE, "elsewhere.Undescribed"], server, pool=pool)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait(10)


@pytest.fixture(scope="module")
def page(run_demo: Any, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with run_demo(tmp_path_factory.mktemp("page"), "--frontend", RUNTIME_PORT=str(port)) as demo:
        demo.url()
        yield demo


@pytest.fixture(scope="module")
def client(page: Any) -> Iterator[Client]:
    client = Client(page.url(), verbose=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def ask(client: Client) -> Callable[..., Any]:
    usual = {
        "mood": "CALM",
        "small": 0,
        "when": '"2024-01-31T12:00:00Z"',
        "tree": '{"name": "x"}',
        "model_id_": "",
    }
    return lambda **fields: client.predict(**usual | fields, api_name="/ThingTask")


EMPTY = {
    "mood": "CALM",
    "moods": [],
    "small": 0,
    "files": [],
    "from": [],
    "model_id": "",
    "trees": [],
    "any": [],
    "when": "2024-01-31T12:00:00Z",
    "tree": {"name": "x", "nodes": []},
}


def test_what_is_printed(page: Any) -> None:
    """A known name stands for a known task only if the messages are those of the demo."""
    lines = [line for line in page.lines if line.startswith(("✅️", "⚠️"))]
    assert [line for line in lines if "Failed to find" not in line] == [
        "✅️  OpenTask tab is enabled!",
        "✅️  SentimentTask tab is enabled!",
        "✅️  ThingTask tab is enabled!",
        "⚠️  Disabling SkillTaskSkill tab due to:  it is for training only",
    ]
    assert not [line for line in lines if " Sentiment " in line]


def test_enums_and_files(ask: Callable[..., Any], tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b")]
    for file in files:
        file.write_bytes(b"hello")
    assert ask() == EMPTY
    assert ask(
        mood="LOUD",
        other="CALM",
        moods="LOUD\n\nCALM",
        small=2**32 - 1,
        files=[handle_file(file) for file in files],
        file=handle_file(files[0]),
        from_="true\nFALSE",
        model_id_="x",
    ) == EMPTY | {
        "mood": "LOUD",
        "other": "CALM",
        "moods": ["LOUD", "CALM"],
        "small": 2**32 - 1,
        "files": ["aGVsbG8=", "aGVsbG8="],
        "file": "aGVsbG8=",
        "from": [True, False],
        "model_id": "x",
    }


def test_messages(ask: Callable[..., Any]) -> None:
    assert ask(choice='{"number": 0.1}') == EMPTY | {"number": 0.1}
    node = {"name": "y", "nodes": []}
    assert ask(choice='{"node": {"name": "y"}}', trees='[{"name": "y"}]') == EMPTY | {
        "node": node,
        "trees": [node],
    }
    typed = {"@type": "type.googleapis.com/elsewhere.Node", "name": "y"}
    assert ask(any=f"[{typed}]".replace("'", '"'))["any"] == [typed | {"nodes": []}]


def test_an_answer_of_unknown_type(client: Client) -> None:
    answer = client.predict(api_name="/OpenTask")
    assert answer == {"text": 'type_url: "somewhere/of.Kind"\nvalue: "hello"\n'}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mood": "SAD"}, "SAD is not in the list of choices"),
        ({"moods": "CALM\nSAD"}, "moods, line 2: expected one of CALM, LOUD, got 'SAD'"),
        ({"small": -1}, "small: expected a whole number from 0 to 4294967295, got '-1'"),
        ({"from_": "maybe"}, "from, line 1: expected true or false, got 'maybe'"),
        ({"when": "noon"}, "when: expected JSON, got something else at line 1, column 1"),
        ({"when": '"noon"'}, "when: Failed to parse timestamp"),
        ({"choice": '{"number": 1, "node": {}}'}, "choice: expected one of node, number, got number, node"),
        ({"any": '[{"@type": "nothing/of.Kind"}]'}, "any: .*of.Kind"),
    ],
)
def test_bad_input(fields: dict[str, Any], message: str, ask: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match=message):
        ask(**fields)
