"""A signature that cannot be served costs its RPC, or its parameter, and a line in the log; never the start."""

from __future__ import annotations

import grpc
import pytest
import requests

LIBRARY = """
from enum import Enum
from typing import Dict, List, Union
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

@dataobject("bad_lib")
class Reply(DataObjectBase):
    text: str

@dataobject("bad_lib")
class Other(DataObjectBase):
    text: str

class Mood(Enum):
    FINE = 1

@task(unary_parameters={"text": str}, unary_output_type=Reply)
class GoodTask(TaskBase):
    pass

@task(unary_parameters={"text": str}, unary_output_type=Reply)
class LostTask(TaskBase):
    pass

def number(last):
    return f"7f1b5c4e-0000-4000-8000-0000000000d{last}"

class Loads(ModuleBase):
    @classmethod
    def load(cls, model_path, **kwargs):
        return cls()

@module(number(1), "Good", "1.0.0", task=GoodTask)
class Good(Loads):
    def run(self, text: str, times: int = 1, mood: Mood = Mood.FINE, odd: List[List[str]] = None) -> Reply:
        return Reply(f"{text * times} {mood.name} {odd}")

    @classmethod
    def train(cls) -> "Good":
        return cls()

@module(number(2), "OtherType", "1.0.0", task=GoodTask)
class OtherType(Loads):
    def run(self, text: str, times: str = "1") -> Reply:
        return Reply(text)

    @classmethod
    def train(cls, table: Union[Dict[str, int], str] = None) -> "OtherType":
        return cls()

@module(number(3), "Clash", "1.0.0", task=LostTask)
class Clash(Loads):
    def run(self, text: str, u: Union[int, str] = None, u_int: int = 1) -> Reply:
        return Reply(text)
"""

TOLD = (
    "parameter 'mood' of bad_lib.Good.run is left out of the service, so that all calls use its default",
    "bad_lib.OtherType.run is not served by GoodTaskPredict: expected type <class 'int'> for parameter 'times'",
    "GoodTaskOtherTypeTrain of bad_lib.OtherType.train is not served: no message for its request",
    "LostTaskPredict of bad_lib.Clash.run is not served: no message for its request: ",
)


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_the_others_are_served(start_program, tmp_path, transport):
    (tmp_path / "bad_lib.py").write_text(LIBRARY)
    for last, name in enumerate(("good", "other", "clash"), start=1):
        model = tmp_path / "bad_models" / name
        model.mkdir(parents=True)
        (model / "config.yml").write_text(f"module_id: 7f1b5c4e-0000-4000-8000-0000000000d{last}\n")
    program = start_program(
        "-m",
        "caikit.runtime",
        library="bad_lib",
        local_models_dir=str(tmp_path / "bad_models"),
        transport=transport,
    )
    with grpc.insecure_channel(f"127.0.0.1:{program.port('grpc')}") as channel:
        base = f"http://127.0.0.1:{program.port('http')}/api/v1"
        paths = requests.get(f"{base.removesuffix('/api/v1')}/openapi.json", timeout=10).json()["paths"]
        assert {path for path in paths if path.startswith("/api")} == {
            "/api/v1/task/good",
            "/api/v1/task/good/job",
            "/api/v1/task/good/job/results",
            "/api/v1/GoodTaskGoodTrain",
        }
        body = {"model_id": "good", "inputs": "a", "parameters": {"times": 2}}
        assert requests.post(f"{base}/task/good", json=body, timeout=10).json() == {"text": "aa FINE None"}
        refused = requests.post(f"{base}/task/good", json={**body, "model_id": "other"}, timeout=10)
        assert refused.status_code == 400
        assert "the types of OtherType contradict the messages of this RPC" in refused.json()["details"]

        def call(task, model):
            method = channel.unary_unary(f"/caikit.runtime.BadLib.BadLibService/{task}Predict")
            return method(b"\n\x01a", metadata=[("mm-model-id", model)], timeout=10)

        assert call("GoodTask", "good") == b"\n\x0ba FINE None"
        with pytest.raises(grpc.RpcError) as caught:
            call("LostTask", "clash")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    program.process.terminate()
    assert program.finish() == 0
    output = "".join(program.output)
    for text in TOLD:
        assert output.count(text) == 1, text
    assert [line for line in program.output if "Traceback" in line] == []
