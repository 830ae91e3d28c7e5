"""The recorded calls of ModelRuntime and Process get the recorded answers."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format

from caikit.core.data_model import JobStatus
from caikit.interfaces.runtime.data_model import TrainingInfoRequest, TrainingStatusResponse
from caikit.runtime.protobufs import model_runtime_pb2, process_pb2

EXCHANGES = Path(__file__).parents[2] / "golden" / "exchanges"
RECORDS = [json.loads(line) for line in (EXCHANGES / "model_runtime.jsonl").read_text().splitlines()]
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for file in (model_runtime_pb2.DESCRIPTOR, process_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}


@pytest.fixture(scope="module")
def outcome(golden, channel):
    """The answers by the name of the record: code, details and message; all calls are made in recording order."""
    return {record["name"]: ask(channel, record, golden.base) for record in RECORDS if known(record)}


def known(record):
    return record["method"] in METHODS


def ask(channel, record, base):
    method = METHODS[record["method"]]
    text = json.dumps(record["request"]).replace("<base>", str(base))
    request = json_format.Parse(text, method.input_type._concrete_class())
    call = channel.unary_unary(
        record["method"],
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=method.output_type._concrete_class.FromString,
    )
    try:
        return "OK", "", json_format.MessageToDict(call(request, timeout=20))
    except grpc.RpcError as error:
        return error.code().name, error.details(), None


@pytest.mark.parametrize(
    "record", [each for each in RECORDS if known(each)], ids=lambda record: record["name"]
)
def test_answer(outcome, record):
    code, details, response = outcome[record["name"]]
    if "wart" in record:
        assert code == record["better"]
        assert "Error(" not in details
        return
    assert (code, details) == (record["code"], record.get("details", ""))
    assert response == record.get("response")


def test_state_of_a_training_that_somebody_waited_for(outcome, channel):
    """What `Run` has trained is a training like others, under the id that the caller chose."""
    call = channel.unary_unary(
        "/caikit.runtime.training.TrainingManagement/GetTrainingStatus",
        request_serializer=lambda request: request.to_binary_buffer(),
        response_deserializer=TrainingStatusResponse.from_binary_buffer,
    )
    answer = call(TrainingInfoRequest(training_id="cust-2"), timeout=5)
    assert (answer.training_id, answer.state) == ("cust-2", JobStatus.COMPLETED.value)
    assert outcome["process-custom"][0] == "OK"


def test_trained_models_are_below_the_folder_of_the_operator(outcome, golden):
    assert (golden.base / "training_output" / "tid-1" / "pm" / "config.yml").exists()
    assert not (golden.base / "pout").exists()
