"""BentoML: a supervisor, and a worker that serves the API."""

import json
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import answers
import bentoml
from command_line import PATHS, options

SETTINGS = {
    "workers": int(os.environ.get("BENCH_WORKERS", "1")),
    "logging": {"access": {"enabled": False}},
    "traffic": {"timeout": 60, "max_concurrency": 5000},
}


def as_results(scores):
    return {"results": [{"label": label, "score": score} for label, score in scores]}


@bentoml.service(**SETTINGS)
class Tiny:
    @bentoml.api(route=PATHS["tiny"])
    def tiny(self, model_id: str, inputs: str) -> dict:
        return as_results(answers.scores(inputs))


@bentoml.service(**SETTINGS)
class Busy:
    @bentoml.api(route=PATHS["busy"])
    def busy(self, model_id: str, inputs: str) -> dict:
        return as_results(answers.busy_scores(inputs))


@bentoml.service(**SETTINGS)
class Vector:
    @bentoml.api(route=PATHS["vector"])
    def vector(self, model_id: str, inputs: str) -> dict:
        return {"values": answers.numbers(inputs)}


@bentoml.service(**SETTINGS)
class Tokens:
    @bentoml.api(route=PATHS["tokens"])
    async def tokens(self, model_id: str, inputs: str) -> AsyncGenerator[str, None]:
        for token in answers.tokens(inputs):
            yield f"data: {json.dumps({'text': token})}\n\n"


@bentoml.service(**SETTINGS)
class Device:
    def __init__(self) -> None:
        self.device = answers.Device()

    @bentoml.api(route=PATHS["device"], batchable=True, max_batch_size=32, max_latency_ms=1000)
    def device_call(self, inputs: list[str]) -> list[str]:
        return self.device.shout(inputs)


if __name__ == "__main__":
    chosen = options(__doc__)
    os.environ["BENCH_WORKERS"] = str(chosen.workers)
    os.environ["BENTOML_HOME"] = str(chosen.folder)
    os.environ["BENTOML_DO_NOT_TRACK"] = "true"
    command = ["serve", f"bentoml_app:{chosen.task.capitalize()}", "--host", "127.0.0.1"]
    command += ["--port", str(chosen.port), "--working-dir", str(Path(__file__).parent)]
    bentoml_program = str(Path(sys.executable).parent / "bentoml")
    os.execv(bentoml_program, [bentoml_program, *command])
