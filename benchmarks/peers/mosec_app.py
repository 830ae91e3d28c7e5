"""mosec: a worker process for the model behind its own HTTP server."""

import json
import sys

import answers
from command_line import LONGEST_BODY, PATHS, options
from mosec import Runtime, Server, SSEWorker, Worker


def as_results(scores):
    return {"results": [{"label": label, "score": score} for label, score in scores]}


class Tiny(Worker):
    def forward(self, data):
        return as_results(answers.scores(data["inputs"]))


class Busy(Worker):
    def forward(self, data):
        return as_results(answers.busy_scores(data["inputs"]))


class Vector(Worker):
    def forward(self, data):
        return {"values": answers.numbers(data["inputs"])}


class Tokens(SSEWorker):
    def forward(self, data):
        for token in answers.tokens(data["inputs"]):
            self.send_stream_event(json.dumps({"text": token}))


class Shouter(Worker):
    def __init__(self):
        self.device = answers.Device()

    def forward(self, data):
        together = self.max_batch_size > 1
        texts = [each["inputs"] for each in (data if together else [data])]
        shouts = [{"text": shout} for shout in self.device.shout(texts)]
        return shouts if together else shouts[0]


WORKERS = {"tiny": Tiny, "busy": Busy, "vector": Vector, "tokens": Tokens, "device": Shouter}

if __name__ == "__main__":
    chosen = options(__doc__)
    # The server reads the command line, too, and knows only its own options.
    sys.argv[1:] = [
        "--address",
        "127.0.0.1",
        "--port",
        str(chosen.port),
        "--path",
        str(chosen.folder / "mosec"),
    ]
    sys.argv += ["--timeout", "30000", "--max-body-size", str(LONGEST_BODY), "--log-level", "error"]
    server = Server()
    runtime = Runtime(
        WORKERS[chosen.task], num=chosen.workers, max_batch_size=max(1, chosen.batch), max_wait_time=5
    )
    server.register_runtime({PATHS[chosen.task]: [runtime]})
    server.run()
