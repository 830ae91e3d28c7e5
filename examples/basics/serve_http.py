"""Serve a library over HTTP; train a model through the server, then call it."""

import time
from tempfile import TemporaryDirectory

import caikit
import requests
from caikit.runtime.http_server import RuntimeHTTPServer

with TemporaryDirectory() as models:
    caikit.configure(
        config_dict={
            "runtime": {
                "library": "greeter",
                "local_models_dir": models,
                "lazy_load_local_models": True,
                "training": {"output_dir": models, "save_with_id": False},
                "http": {"port": 0},  # any free port
                "metrics": {"enabled": False},
            }
        }
    )
    with RuntimeHTTPServer() as server:
        url = f"http://localhost:{server.port}"
        body = {"model_name": "polite", "parameters": {"prefix": "Good evening,"}}
        job = requests.post(f"{url}/api/v1/GreetingTaskGreeterTrain", json=body, timeout=10).json()
        while True:
            query = {"training_id": job["training_id"]}
            state = requests.get(f"{url}/management/trainings", query, timeout=10).json()["state"]
            if state in ("COMPLETED", "CANCELED", "ERRORED"):
                break
            time.sleep(0.05)
        print("Training:", state)

        body = {"model_id": "polite", "inputs": "Ada"}
        print(requests.post(f"{url}/api/v1/task/greeting", json=body, timeout=10).json()["greeting"])
