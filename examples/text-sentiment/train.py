"""Train the model "sentiment" on a running server, then test it on held-out texts: python train.py [HOST:PORT]"""

import json
import sys
import time
from pathlib import Path

import grpc
from caikit.interfaces.runtime.data_model import TrainingInfoRequest, TrainingStatus
from caikit.runtime.service_factory import ServicePackageFactory

from text_sentiment import TextInput

DATA = Path(__file__).parent / "data"
SERVICES = ServicePackageFactory.ServiceType


def train(channel: grpc.Channel, model_name: str) -> None:
    """Start the training; the server reads the data file itself, from the path given here. Wait for its end."""
    training = ServicePackageFactory.get_service_package(SERVICES.TRAINING)
    management = ServicePackageFactory.get_service_package(SERVICES.TRAINING_MANAGEMENT)
    messages = training.messages
    source = messages.DataStreamSourceLabeledText(file={"filename": str(DATA / "train.jsonl")})
    job = training.stub_class(channel).TextSentimentTaskSentimentClassifierTrain(
        messages.TextSentimentTaskSentimentClassifierTrainRequest(
            model_name=model_name,
            parameters=messages.TextSentimentTaskSentimentClassifierTrainParameters(training_data=source),
        ),
        timeout=30,
    )
    status_of = management.stub_class(channel).GetTrainingStatus
    while True:
        response = status_of(TrainingInfoRequest(job.training_id).to_proto(), timeout=30)
        status = TrainingStatus(response.state)
        if status.is_terminal:
            break
        time.sleep(0.2)
    print(f"Training of model {model_name!r}: {status.name}")
    if status is not TrainingStatus.COMPLETED:
        sys.exit("\n".join(response.reasons))


def held_out_accuracy(channel: grpc.Channel, model_name: str) -> tuple[int, int]:
    inference = ServicePackageFactory.get_service_package(SERVICES.INFERENCE)
    predict = inference.stub_class(channel).TextSentimentTaskPredict
    right = total = 0
    for line in (DATA / "held_out.jsonl").read_text().splitlines():
        record = json.loads(line)
        request = inference.messages.TextSentimentTaskRequest(text_input=TextInput(record["text"]).to_proto())
        answer = predict(request, metadata=[("mm-model-id", model_name)], timeout=30)
        right += answer.classes[0].class_name == record["label"]
        total += 1
    return right, total


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) > 1 else "localhost:8085"
    with grpc.insecure_channel(target) as channel:
        train(channel, "sentiment")
        right, total = held_out_accuracy(channel, "sentiment")
        print(f"Held-out accuracy: {right / total:.1%} ({right} of {total} texts it has not seen)")
