"""A text generation server that speaks `fmaas.GenerationService`: its texts are predictable, its tokens are words.

As a program it is the launcher that a TGIS backend starts: it answers /health and serves until it is ended.
"""

from __future__ import annotations

import argparse
import http.server
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from caikit_tgis_backend.protobufs import generation_pb2, generation_pb2_grpc

WORDS = ["gold", "grass", "dragon", "cow", "day"]
DEFAULT_SEED = 42


class GenerationServer(generation_pb2_grpc.GenerationServiceServicer):
    """Texts that begin with `!` are commands: `!fail NOT_FOUND why`, `!answers 2`, `!wait`."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.requests: list[Any] = []
        self.peers: list[str] = []
        self.cancelled = threading.Event()

    def Generate(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - a method of the service
        self._note(request, context)
        answers = []
        for each in request.requests:
            self._obey(each.text, context)
            if each.text.startswith("!answers"):
                return generation_pb2.BatchedGenerationResponse(
                    responses=[generation_pb2.GenerationResponse()] * int(each.text.split()[1])
                )
            pieces = list(self._texts(each.text, request))
            answer = generation_pb2.GenerationResponse(
                text="".join(piece.text for piece in pieces),
                generated_token_count=pieces[-1].generated_token_count,
                stop_reason=pieces[-1].stop_reason,
                input_token_count=pieces[0].input_token_count,
                seed=pieces[0].seed,
                input_tokens=pieces[0].input_tokens,
                tokens=[token for piece in pieces for token in piece.tokens],
            )
            answers.append(answer)
        return generation_pb2.BatchedGenerationResponse(responses=answers)

    def GenerateStream(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802 - a method of the service
        self._note(request, context)
        text = request.request.text
        if "!hang" in text:
            context.add_callback(self.cancelled.set)
        self._obey(text, context)
        for number, piece in enumerate(self._texts(text, request)):
            if "!break" in text and number == 2:
                context.abort(grpc.StatusCode.INTERNAL, "broken in the middle")
            yield piece
            if "!hang" in text and number == 1:
                self._wait(context)

    def Tokenize(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - a method of the service
        self._note(request, context)
        for each in request.requests:
            self._obey(each.text, context)
        return generation_pb2.BatchedTokenizeResponse(
            responses=[
                generation_pb2.TokenizeResponse(token_count=len(each.text.split()))
                for each in request.requests
            ]
        )

    def ModelInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - a method of the service
        self._note(request, context)
        if request.model_id == "refused":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        return generation_pb2.ModelInfoResponse(max_sequence_length=100, max_new_tokens=50)

    def _note(self, request: Any, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        self.peers.append(context.peer())

    def _obey(self, text: str, context: grpc.ServicerContext) -> None:
        command, *rest = text.split() or [""]
        if command == "!fail":
            context.abort(grpc.StatusCode[rest[0]], " ".join(rest[1:]))
        if command == "!wait":
            context.add_callback(self.cancelled.set)
            self._wait(context)
        if command == "!die":
            os.kill(os.getpid(), signal.SIGKILL)

    def _wait(self, context: grpc.ServicerContext) -> None:
        end = time.monotonic() + 30
        while context.is_active() and time.monotonic() < end:
            time.sleep(0.01)

    def _texts(self, text: str, request: Any) -> Iterator[Any]:
        params = request.params
        given = [word for word in text.split() if not word.startswith("!")]
        if params.truncate_input_tokens:
            given = given[-params.truncate_input_tokens :]
        first = generation_pb2.GenerationResponse(
            input_token_count=len(given),
            seed=params.sampling.seed if params.sampling.HasField("seed") else DEFAULT_SEED,
            text=f"{self.name}{text}" if params.response.input_text else self.name,
        )
        if params.response.input_tokens:
            first.input_tokens.extend(generation_pb2.TokenInfo(text=word) for word in given)
        if request.HasField("prefix_id"):
            first.text += f"<{request.prefix_id}>"
        yield first
        for number in range(1, params.stopping.max_new_tokens + 1):
            word = WORDS[(number - 1) % len(WORDS)]
            stopped = word in params.stopping.stop_sequences
            reason = generation_pb2.NOT_FINISHED
            if stopped:
                reason = generation_pb2.STOP_SEQUENCE
            elif number == params.stopping.max_new_tokens:
                reason = generation_pb2.MAX_TOKENS
            piece = generation_pb2.GenerationResponse(
                text=f" {word}", generated_token_count=number, stop_reason=reason
            )
            if params.response.generated_tokens:
                token = piece.tokens.add(text=word)
                if params.response.token_logprobs:
                    token.logprob = -number / 2
                if params.response.token_ranks:
                    token.rank = number
            yield piece
            if stopped:
                return


def start(
    servicer: GenerationServer, address: str = "127.0.0.1:0", credentials: Any = None
) -> tuple[grpc.Server, int]:
    """A running server and its port."""
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    generation_pb2_grpc.add_GenerationServiceServicer_to_server(servicer, server)
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    server.start()
    return server, port


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nothing is written."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-shard", type=int)
    parser.add_argument("--model-name")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    if "broken" in arguments.model_name:
        return 3
    if "endless" in arguments.model_name:
        time.sleep(60)
    server, _ = start(GenerationServer(f"{arguments.num_shard}:"), f"127.0.0.1:{os.environ['GRPC_PORT']}")
    health = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), _Health)
    threading.Thread(target=health.serve_forever, daemon=True).start()
    server.wait_for_termination(120)
    return 0


if __name__ == "__main__":
    sys.exit(main())
