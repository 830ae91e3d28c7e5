"""Models of text generation servers, served by the runtime over gRPC and HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
import yaml
from nlp_generation_server import GenerationServer, start

import caikit
from caikit.core import MODEL_MANAGER
from caikit_nlp.data_model import TuningConfig
from caikit_nlp.model_management import TGISAutoFinder
from caikit_nlp.modules.text_generation import PeftPromptTuning, TextGeneration, TextGenerationTGIS

CLOSED = "The underlying TCP connection is closed"


class Served:
    """A runtime in a process of its own, calls of both its servers, and the text generation server that it calls."""

    def __init__(self, texts: GenerationServer, grpc_port: int, http_port: int, root: Path) -> None:
        from caikit.runtime.service_factory import ServicePackageFactory

        self.texts = texts
        self.folder = root / "models"
        self.prompts = root / "prompts"
        self.channel = grpc.insecure_channel(f"127.0.0.1:{grpc_port}")
        self.url = f"http://127.0.0.1:{http_port}"
        kinds = ServicePackageFactory.ServiceType
        self.package = ServicePackageFactory.get_service_package(kinds.INFERENCE)
        self.stub = self.package.stub_class(self.channel)

    def post(
        self, model_id: str, text: str, *, route: str = "text-generation", headers: Any = None, **more: Any
    ) -> Any:
        body = {"model_id": model_id, "inputs": text, "parameters": more}
        return requests.post(
            f"{self.url}/api/v1/task/{route}",
            json=body,
            headers=headers,
            timeout=30,
            stream="server" in route,
        )

    def call(
        self,
        model_id: str,
        text: str,
        *,
        rpc: str = "TextGenerationTask",
        route: str | None = None,
        timeout: float = 30,
        **more: Any,
    ) -> Any:
        request = getattr(self.package.messages, f"{rpc}Request")(text=text, **more)
        metadata = [("mm-model-id", model_id), *([("x-route-info", route)] if route else [])]
        return getattr(self.stub, f"{rpc}Predict")(request, metadata=metadata, timeout=timeout)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until the runtime answers."""
        end = time.monotonic() + 50
        while time.monotonic() < end and process.poll() is None:
            try:
                if requests.get(f"{self.url}/health", timeout=5).ok:
                    grpc.channel_ready_future(self.channel).result(timeout=10)
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError("the runtime does not start")


def backends(hostname: str, prompts: Path) -> list[dict[str, Any]]:
    return [
        {
            "type": "TGIS",
            "config": {
                "connection": {"hostname": hostname, "prompt_dir": str(prompts)},
                "remote_models": {"nowhere": {"hostname": "localhost:1"}},
                "test_connections": True,
                "connect_timeout": 5,
            },
        },
        {"type": "LOCAL"},
    ]


def settings(root: Path, hostname: str, grpc_port: int, http_port: int) -> dict[str, Any]:
    """A folder with models; all other ids are found by TGIS-AUTO."""
    return {
        "unload_tgis_prompt_artifacts": True,
        "model_management": {
            "finders": {
                "default": {"type": "MULTI", "config": {"finder_priority": ["local", "auto"]}},
                "local": {"type": "LOCAL"},
                "auto": {"type": "TGIS-AUTO"},
            },
            "initializers": {
                "default": {
                    "type": "LOCAL",
                    "config": {"backend_priority": backends(hostname, root / "prompts")},
                }
            },
        },
        "runtime": {
            "library": "caikit_nlp",
            "local_models_dir": str(root / "models"),
            "lazy_load_local_models": True,
            "grpc": {
                "port": grpc_port,
                "host": "127.0.0.1",
                "unix_socket_path": "",
                "server_thread_pool_size": 2,
            },
            "http": {"port": http_port, "host": "127.0.0.1"},
            "metrics": {"enabled": False},
        },
    }


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    (root / "prompts").mkdir()
    TextGenerationTGIS.bootstrap("llama").save(str(root / "models" / "folder"))
    servicer = GenerationServer()
    server, port = start(servicer)
    ports = free_ports(2)
    config = root / "config.yml"
    config.write_text(yaml.safe_dump(settings(root, f"localhost:{port}", *ports)))
    process = subprocess.Popen(
        [sys.executable, "-m", "caikit.runtime"], env={**os.environ, "CONFIG_FILES": str(config)}
    )
    served = Served(servicer, *ports, root)
    try:
        served.wait(process)
        yield served
    finally:
        served.channel.close()
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        server.stop(None).wait(5)


@pytest.fixture
def served(running: Served) -> Served:
    running.texts.requests.clear()
    running.texts.cancelled.clear()
    return running


@pytest.mark.parametrize("model_id", ["folder", "any-model-of-the-server"])
def test_texts_and_tokens(served: Served, model_id: str) -> None:
    answer = served.post(model_id, "The cow ate", max_new_tokens=2, generated_tokens=True)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "generated_text": " gold grass",
        "generated_tokens": 2,
        "finish_reason": "MAX_TOKENS",
        "producer_id": {"name": "Text Generation", "version": "0.1.0"},
        "input_token_count": 3,
        "seed": None,
        "tokens": [{"text": word, "logprob": 0.0, "rank": 0} for word in ("gold", "grass")],
        "input_tokens": [],
    }
    found = served.call(model_id, "The cow ate", max_new_tokens=2, preserve_input_text=True)
    assert found.generated_text == "The cow ate gold grass"
    name = {"folder": "llama"}.get(model_id, model_id)
    assert {request.model_id for request in served.texts.requests} == {name}
    assert served.post(model_id, "a b c", route="tokenization").json()["token_count"] == 3
    assert served.call(model_id, "a b", rpc="TokenizationTask").token_count == 2


def test_streams(served: Served) -> None:
    pieces = list(served.call("folder", "a b", rpc="ServerStreamingTextGenerationTask", max_new_tokens=2))
    assert [piece.generated_text for piece in pieces] == ["", " gold", " grass"]
    assert {(piece.details.seed, piece.details.input_token_count) for piece in pieces} == {(42, 2)}
    answer = served.post("folder", "a b", route="server-streaming-text-generation", max_new_tokens=2)
    lines = [line for line in answer.iter_lines() if line.startswith(b"data: ")]
    events = [json.loads(line.removeprefix(b"data: ")) for line in lines]
    assert [event["generated_text"] for event in events] == ["", " gold", " grass"]


@pytest.mark.parametrize(
    ("code", "status", "http"),
    [
        ("NOT_FOUND", "NOT_FOUND", 404),
        ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", 400),
        ("PERMISSION_DENIED", "PERMISSION_DENIED", 403),
        ("UNAUTHENTICATED", "UNAUTHENTICATED", 401),
        ("UNAVAILABLE", "UNAVAILABLE", 503),
    ],
)
def test_errors_of_the_server(served: Served, code: str, status: str, http: int) -> None:
    message = CLOSED if code == "UNAVAILABLE" else "that is why"

    def whole() -> None:
        served.call("folder", f"!fail {code} that is why")

    def streamed() -> None:
        list(served.call("folder", f"!fail {code} that is why", rpc="ServerStreamingTextGenerationTask"))

    for call in (whole, streamed):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert (caught.value.code().name, caught.value.details()) == (status, message)
    answer = served.post("folder", f"!fail {code} that is why")
    assert (answer.status_code, answer.json()["details"]) == (http, message)


def test_refused_before_the_server_is_asked(served: Served) -> None:
    answer = served.post("folder", "a", temperature=0.5)
    assert answer.status_code == 400
    assert "aren't applicable in greedy decoding mode" in answer.json()["details"]
    with pytest.raises(grpc.RpcError) as caught:
        served.call("folder", "a", max_new_tokens=1, min_new_tokens=2)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    # The server was asked at most whether it has the model.
    assert {type(request).__name__ for request in served.texts.requests} <= {"ModelInfoRequest"}


def test_models_that_no_server_has(served: Served) -> None:
    for model_id in ("nowhere", "refused"):
        answer = served.post(model_id, "a")
        assert answer.status_code == 404, answer.text
        with pytest.raises(grpc.RpcError) as caught:
            served.call(model_id, "a")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_leaves_ends_the_call(served: Served) -> None:
    def gone() -> bool:
        ended: bool = served.texts.cancelled.wait(10)
        served.texts.cancelled.clear()
        return ended

    # There are only two threads.
    for _ in range(3):
        stream = served.call("folder", "!hang", rpc="ServerStreamingTextGenerationTask", max_new_tokens=9)
        assert [next(stream).generated_text for _ in range(2)] == ["", " gold"]
        stream.cancel()
        assert gone()
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as caught:
            served.call("folder", "!wait", timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert gone()
    with served.post("folder", "!hang", route="server-streaming-text-generation", max_new_tokens=9) as answer:
        assert next(answer.iter_lines())
    assert gone()
    assert served.call("folder", "a").generated_text


def test_a_request_says_where_its_model_is(served: Served, serve_texts: Callable[..., Any]) -> None:
    first, second = serve_texts("first"), serve_texts("second")
    assert served.call("one", "a", route=first.hostname, max_new_tokens=1).generated_text == "first gold"
    answer = served.post("two", "a", headers={"X-Route-Info": second.hostname}, max_new_tokens=1)
    assert answer.json()["generated_text"] == "second gold"
    # Later ones, and those that say nothing, go where the first one has said.
    assert served.post("one", "a", max_new_tokens=1).json()["generated_text"] == "first gold"
    assert served.call("two", "a", route=first.hostname, max_new_tokens=1).generated_text == "second gold"
    for refused in ("unix:/tmp/x", "http://a:1", "nothing"):
        with pytest.raises(grpc.RpcError) as caught:
            served.call("three", "a", route=refused)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        answer = served.post("three", "a", headers={"x-route-info": refused})
        assert answer.status_code == 400, answer.text


def test_a_tuned_prompt(served: Served) -> None:
    """A folder of the local class: the prompt is copied to the server, which puts it in front of texts."""
    folder = served.folder / "tuned"
    folder.mkdir()
    (folder / "decoder.pt").write_bytes(b"vectors")
    (folder / "config.yml").write_text(
        yaml.safe_dump(
            {
                "module_id": PeftPromptTuning.MODULE_ID,
                "module_class": "caikit_nlp.modules.text_generation.peft_prompt_tuning.PeftPromptTuning",
                "base_model_name": "llama",
                "eos_token": "</s>",
                "verbalizer": "Text: {{input}} Is:",
                "has_base_model": False,
                "ENCODER": "",
                "DECODER": "decoder.pt",
                "tuning_type": "PROMPT_TUNING",
            }
        )
    )
    found = served.call("tuned", "a cow", max_new_tokens=1, preserve_input_text=True)
    assert found.generated_text == "Text: a cow Is:<tuned> gold"
    assert found.producer_id.name == "Peft generation"
    assert (served.prompts / "tuned" / "decoder.pt").read_bytes() == b"vectors"
    assert served.texts.requests[-1].prefix_id == "tuned"
    pieces = served.call("tuned", "a", rpc="ServerStreamingTextGenerationTask", max_new_tokens=1)
    assert [piece.generated_text for piece in pieces] == ["<tuned>", " gold"]
    assert served.post("tuned", "a b", route="tokenization").json()["token_count"] == 2
    gone = requests.delete(f"{served.url}/management/models", params={"model_id": "tuned"}, timeout=10)
    assert gone.status_code == 200, gone.text
    assert not (served.prompts / "tuned").exists()


def test_the_finder(texts: Any, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    import aconfig

    # The components of the process belong to other tests, too: these have names of their own.
    name, plain = f"servers-{tmp_path.name}", f"plain-{tmp_path.name}"
    wanted = {"backend_priority": backends(texts.hostname, tmp_path)}
    initializers = {name: {"type": "LOCAL", "config": wanted}, plain: {"type": "LOCAL"}}
    temp_config({"model_management": {"initializers": initializers}})

    def finder(**config: Any) -> TGISAutoFinder:
        given = {"local_initializer_name": name, **config}
        return TGISAutoFinder(aconfig.Config(given, override_env_vars=False), "here")

    config: Any = finder(tgis_backend_priority=0).find_model("m")
    assert (config.module_id, config.model_name) == (TextGeneration.MODULE_ID, "m")
    assert (config.name, config.version) == ("Text Generation", "0.1.0")
    assert config.module_class == (
        "caikit_nlp.modules.text_generation.text_generation_tgis.TextGenerationTGIS"
    )
    assert config.tgis_backend in MODEL_MANAGER.get_initializer(name).backends
    assert finder().find_model("refused") is None
    for wrong in ({"local_initializer_name": 1}, {"tgis_backend_priority": "1"}):
        with pytest.raises(TypeError):
            finder(**wrong)
    with pytest.raises(ValueError, match=r"expected tgis_backend_priority below \d, got 7"):
        finder(tgis_backend_priority=7)
    with pytest.raises(ValueError, match="expected a TGIS backend at tgis_backend_priority 1, got LOCAL"):
        finder(tgis_backend_priority=1)
    with pytest.raises(ValueError, match="No TGIS backend found!"):
        finder(local_initializer_name=plain)
    model: Any = caikit.load("m", finder=finder(), initializer=name)
    assert model.run("a", max_new_tokens=1).generated_text == " gold"


def test_no_field_is_new(served: Served) -> None:
    """What these modules take from the context is none of the wire's business."""
    for name in ("TextGenerationTask", "ServerStreamingTextGenerationTask", "TokenizationTask"):
        fields = getattr(served.package.messages, f"{name}Request").DESCRIPTOR.fields_by_name
        assert "context" not in fields
    assert TuningConfig.get_proto_class().DESCRIPTOR.full_name == "caikit_data_model.caikit_nlp.TuningConfig"
