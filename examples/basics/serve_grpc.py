"""Serve a library over gRPC; train a model through the server, then call it."""

import time
from tempfile import TemporaryDirectory

import caikit
from caikit.interfaces.runtime.data_model import TrainingInfoRequest, TrainingStatus
from caikit.runtime.grpc_server import RuntimeGRPCServer

with TemporaryDirectory() as models:
    caikit.configure(
        config_dict={
            "runtime": {
                "library": "greeter",
                "local_models_dir": models,
                "lazy_load_local_models": True,
                "training": {"output_dir": models, "save_with_id": False},
                "grpc": {"port": 0},  # any free port
                "metrics": {"enabled": False},
            }
        }
    )
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        training, messages = server.training_service.stub_class(channel), server.training_service.messages
        job = training.GreetingTaskGreeterTrain(
            messages.GreetingTaskGreeterTrainRequest(
                model_name="polite",
                parameters=messages.GreetingTaskGreeterTrainParameters(prefix="Good evening,"),
            )
        )
        management = server.training_management_service.stub_class(channel)
        while True:
            status = management.GetTrainingStatus(TrainingInfoRequest(job.training_id).to_proto())
            if TrainingStatus(status.state).is_terminal:
                break
            time.sleep(0.05)
        print("Training:", TrainingStatus(status.state).name)

        inference, messages = server.inference_service.stub_class(channel), server.inference_service.messages
        request = messages.GreetingTaskRequest(name="Ada")
        print(inference.GreetingTaskPredict(request, metadata=[("mm-model-id", "polite")]).greeting)
