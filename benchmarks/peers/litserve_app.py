"""LitServe: a process for HTTP, a process for the model, queues between them."""

import json

import answers
import litserve
from command_line import LONGEST_BODY, PATHS, SILENT_SECONDS, options


class Tiny(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["inputs"]

    def predict(self, text):
        return answers.scores(text)

    def encode_response(self, scores):
        return {"results": [{"label": label, "score": score} for label, score in scores]}


class Busy(Tiny):
    def predict(self, text):
        return answers.busy_scores(text)


class Vector(Tiny):
    def predict(self, text):
        return answers.numbers(text)

    def encode_response(self, numbers):
        return {"values": numbers}


class Tokens(Tiny):
    def predict(self, text):
        yield from answers.tokens(text)

    def encode_response(self, tokens):
        for token in tokens:
            yield f"data: {json.dumps({'text': token})}\n\n"


class Shouter(Tiny):
    def setup(self, device):
        self.device_of_model = answers.Device()

    def batch(self, texts):
        return texts

    def unbatch(self, shouts):
        return shouts

    def predict(self, texts):
        return self.device_of_model.shout(texts)

    def encode_response(self, shout):
        return {"text": shout}


APIS = {"tiny": Tiny, "busy": Busy, "vector": Vector, "tokens": Tokens, "device": Shouter}

if __name__ == "__main__":
    chosen = options(__doc__)
    api = APIS[chosen.task](
        api_path=PATHS[chosen.task],
        max_batch_size=max(1, chosen.batch),
        batch_timeout=0.005 if chosen.batch else 0,
        stream=chosen.task == "tokens",
    )
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=chosen.workers, max_payload_size=LONGEST_BODY
    )
    server.run(
        host="127.0.0.1",
        port=chosen.port,
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        timeout_keep_alive=SILENT_SECONDS,
    )
