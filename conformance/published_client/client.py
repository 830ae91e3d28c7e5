"""A client made from the interface files alone: trains a model, waits for it, and calls it in every way.

usage: client.py TARGET FOLDER_OF_PROTO_FILES     (prints what it has seen, as JSON)

It runs where nothing but gRPC and protobuf is installed, and knows nothing of the toolkit behind the server.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
from grpc_tools import protoc

MODEL_KEY = "mm-model-id"
PATIENCE = 30.0
PAUSE = 0.1
TRAINED = "trained-by-a-published-client"


def main(target: str, protos: str) -> None:
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(PATIENCE)
        api = compile_interface(Path(protos), Path(folder))
        seen = {
            "packages": sorted(name_of(each) for each in importlib.metadata.distributions()),
            "versions": read_versions(api, channel),
            "before": list_models(api, channel),
            "greeter": call(api, channel, "greeter"),
            "training": train(api, channel),
            "errors": fail(api, channel),
        }
        wait_until(lambda: TRAINED in list_models(api, channel), f"{TRAINED} is not listed")
        seen["trained"] = call(api, channel, TRAINED)
        seen["after"] = list_models(api, channel)
    sys.stdout.write(f"{json.dumps(seen)}\n")


def compile_interface(protos: Path, folder: Path) -> SimpleNamespace:
    """The modules that grpcio-tools makes of the files."""
    files = sorted(map(str, protos.glob("*.proto")))
    include = str(Path(protoc.__file__).parent / "_proto")
    arguments = [
        "protoc",
        f"-I{protos}",
        f"-I{include}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
    ]
    if protoc.main([*arguments, *files]) != 0:
        raise SystemExit(f"The files in {protos} do not compile")
    sys.path.insert(0, str(folder))

    def load(name: str) -> Any:
        return importlib.import_module(name)

    return SimpleNamespace(
        library=load("caikit_runtime_GoldenLib_pb2"),
        services=load("caikit_runtime_GoldenLib_pb2_grpc"),
        data=load("caikit_data_model_golden_lib_pb2"),
        common=load("caikit_data_model_common_pb2"),
        runtime=load("caikit_data_model_runtime_pb2"),
        info=load("caikit_data_model_common_runtime_pb2"),
        info_service=load("caikit_runtime_info_pb2_grpc"),
        management=load("caikit_runtime_training_pb2_grpc"),
    )


def name_of(package: importlib.metadata.Distribution) -> str:
    return package.metadata["Name"].lower().replace("_", "-")


def read_versions(api: SimpleNamespace, channel: grpc.Channel) -> list[str]:
    stub = api.info_service.InfoServiceStub(channel)
    answer = stub.GetRuntimeInfo(api.info.RuntimeInfoRequest(), timeout=PATIENCE)
    return sorted(answer.python_packages)


def list_models(api: SimpleNamespace, channel: grpc.Channel) -> dict[str, str]:
    stub = api.info_service.InfoServiceStub(channel)
    answer = stub.GetModelsInfo(api.info.ModelInfoRequest(), timeout=PATIENCE)
    return {model.name: model.module_id for model in answer.models if model.loaded}


def call(api: SimpleNamespace, channel: grpc.Channel, model: str) -> dict[str, Any]:
    """All four shapes of one task."""
    stub = api.services.GoldenLibServiceStub(channel)
    options: dict[str, Any] = {"metadata": [(MODEL_KEY, model)], "timeout": PATIENCE}
    library, people = api.library, [api.data.Person(name=name) for name in ("Ann", "Bob")]
    unary = library.GreetTaskRequest(person=people[0], times=2)
    server = library.ServerStreamingGreetTaskRequest(person=people[0], count=2)
    client = [library.ClientStreamingGreetTaskRequest(people=each) for each in people]
    bidi = [library.BidiStreamingGreetTaskRequest(people=each) for each in people]
    return {
        "unary": stub.GreetTaskPredict(unary, **options).text,
        "server": texts(stub.ServerStreamingGreetTaskPredict(server, **options)),
        "client": stub.ClientStreamingGreetTaskPredict(iter(client), **options).text,
        "bidi": texts(stub.BidiStreamingGreetTaskPredict(iter(bidi), **options)),
    }


def texts(answers: Iterator[Any]) -> list[str]:
    return [answer.text for answer in answers]


def train(api: SimpleNamespace, channel: grpc.Channel) -> dict[str, Any]:
    """Start a training, and ask for its state until it has ended."""
    library = api.library
    data = library.DataStreamSourceTrainRecordJsonData(
        data=[api.data.TrainRecord(number=number, label="a") for number in (1, 2)]
    )
    parameters = library.GreetTaskGreeterTrainParameters(
        training_data=library.DataStreamSourceTrainRecord(jsondata=data),
        greeting="Trained",
        union_list_str_sequence=api.common.StrSequence(values=["x"]),
    )
    request = library.GreetTaskGreeterTrainRequest(model_name=TRAINED, parameters=parameters)
    job = api.services.GoldenLibTrainingServiceStub(channel).GreetTaskGreeterTrain(request, timeout=PATIENCE)
    stub = api.management.TrainingManagementStub(channel)
    question = api.runtime.TrainingInfoRequest(training_id=job.training_id)
    ended = {"COMPLETED", "CANCELED", "ERRORED"}
    states: list[str] = []

    def has_ended() -> bool:
        states.append(api.common.JobStatus.Name(stub.GetTrainingStatus(question, timeout=PATIENCE).state))
        return states[-1] in ended

    wait_until(has_ended, "The training has not ended")
    last = stub.GetTrainingStatus(question, timeout=PATIENCE)
    return {
        "model_name": job.model_name,
        "state": states[-1],
        "reasons": list(last.reasons),
        "seconds": last.completion_timestamp.ToNanoseconds() - last.submission_timestamp.ToNanoseconds() > 0,
    }


def fail(api: SimpleNamespace, channel: grpc.Channel) -> dict[str, list[str]]:
    """What clients see when something is wrong."""
    stub = api.services.GoldenLibServiceStub(channel)
    person = api.data.Person(name="Ann")
    calls = {
        "no such model": (api.library.GreetTaskRequest(person=person), "nope"),
        "of the module": (api.library.GreetTaskRequest(person=person, fail="value"), "greeter"),
    }
    found = {}
    for name, (request, model) in calls.items():
        try:
            stub.GreetTaskPredict(request, metadata=[(MODEL_KEY, model)], timeout=PATIENCE)
        except grpc.RpcError as problem:
            found[name] = [problem.code().name, problem.details()]
    return found


def wait_until(condition: Any, complaint: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(complaint)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
