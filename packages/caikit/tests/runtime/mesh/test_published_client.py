"""A client that knows the recorded interface files and nothing else trains, lists and infers."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

from golden_server import GOLDEN, serve_golden

CLIENT = """
import sys, time
import grpc
import caikit_data_model_common_pb2 as common
import caikit_data_model_common_runtime_pb2 as info_data
import caikit_data_model_golden_lib_pb2 as data
import caikit_data_model_runtime_pb2 as jobs
import caikit_runtime_GoldenLib_pb2 as golden
import caikit_runtime_GoldenLib_pb2_grpc as golden_grpc
import caikit_runtime_info_pb2_grpc as info_grpc
import caikit_runtime_training_pb2_grpc as training_grpc

assert "caikit" not in sys.modules
channel = grpc.insecure_channel(sys.argv[1])

training = golden_grpc.GoldenLibTrainingServiceStub(channel)
parameters = golden.GreetTaskGreeterTrainParameters(
    training_data=golden.DataStreamSourceTrainRecord(
        jsondata=golden.DataStreamSourceTrainRecordJsonData(data=[data.TrainRecord(number=1, label="a")])
    ),
    greeting="Trained",
)
job = training.GreetTaskGreeterTrain(
    golden.GreetTaskGreeterTrainRequest(model_name="fresh", parameters=parameters), timeout=10
)
print("started", job.model_name)

management = training_grpc.TrainingManagementStub(channel)
request = jobs.TrainingInfoRequest(training_id=job.training_id)
for _ in range(500):
    state = management.GetTrainingStatus(request, timeout=10)
    if state.state == common.JobStatus.Value("COMPLETED"):
        break
    time.sleep(0.01)
print("training", common.JobStatus.Name(state.state))

inference = golden_grpc.GoldenLibServiceStub(channel)
metadata = [("mm-model-id", "fresh")]
person = data.Person(name="Ada")
greeting = inference.GreetTaskPredict(golden.GreetTaskRequest(person=person), metadata=metadata, timeout=10)
print("unary", greeting.text)
stream = inference.ServerStreamingGreetTaskPredict(
    golden.ServerStreamingGreetTaskRequest(person=person), metadata=metadata, timeout=10
)
print("stream", sum(1 for _ in stream) > 0)
call = inference.BidiStreamingGreetTaskPredict(
    iter([golden.BidiStreamingGreetTaskRequest(people=person)] * 2), metadata=metadata, timeout=10
)
print("acknowledged", dict(call.initial_metadata())["acknowledgement"])
print("bidi", sum(1 for _ in call) > 0)

started = golden_grpc.GoldenLibJobServiceStub(channel).GreetTaskStartPredictionJob(
    golden.GreetTaskRequest(person=person), metadata=metadata, timeout=10
)
print("job", bool(started.prediction_id))

models = info_grpc.InfoServiceStub(channel).GetModelsInfo(info_data.ModelInfoRequest(), timeout=10).models
print("models", sorted(model.name for model in models if model.name in ("fresh", "greeter")))
try:
    inference.GreetTaskPredict(golden.GreetTaskRequest(person=person), metadata=[("mm-model-id", "no")], timeout=10)
except grpc.RpcError as error:
    print("unknown", error.code().name)
"""


def test_train_list_and_infer(tmp_path: Path) -> None:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "client.py").write_text(CLIENT)
    protos = GOLDEN / "dump" / "consolidated"
    command = [
        "-m",
        "grpc_tools.protoc",
        f"-I{protos}",
        f"-I{resources.files('grpc_tools') / '_proto'}",
        f"--python_out={stubs}",
        f"--grpc_python_out={stubs}",
        *sorted(path.name for path in protos.glob("*.proto")),
    ]
    subprocess.run([sys.executable, *command], check=True, timeout=30)
    models = {
        "training": {"output_dir": str(tmp_path / "lib" / "models"), "save_with_id": False},
        "lazy_load_local_models": True,
    }
    with serve_golden(tmp_path, **models) as server:
        done = subprocess.run(
            [sys.executable, "client.py", server.target],
            cwd=stubs,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    assert done.stdout.splitlines() == [
        "started fresh",
        "training COMPLETED",
        "unary Trained(1:a|None) Ada",
        "stream True",
        "acknowledged ok",
        "bidi True",
        "job True",
        "models ['fresh', 'greeter']",
        "unknown NOT_FOUND",
    ], done.stderr
