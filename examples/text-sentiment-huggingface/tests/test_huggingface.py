"""The example, and the tutorial page that it is modelled on, with a model from a private hub cache."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("transformers", reason="run by `make test-huggingface`, in an environment with torch")

HERE = Path(__file__).parents[1]
SEEDS = HERE.parents[2] / "shared" / "seeds"
LAYOUT = re.compile(
    r"Text: I am not feeling well today!\n"
    r'RESPONSE: classes \{\n  class_name: "NEGATIVE"\n  confidence: 0\.\d+\n\}\n\n'
    r"Text: Today is a nice sunny day\n"
    r'RESPONSE: classes \{\n  class_name: "POSITIVE"\n  confidence: 0\.\d+\n\}\n\n'
)

PAGE = "000_c610472d9d012f0b.txt"
PAGE_FILES = {
    "python": [
        "text_sentiment/data_model/classification.py",
        "text_sentiment/data_model/__init__.py",
        "text_sentiment/runtime_model/hf_module.py",
        "text_sentiment/runtime_model/__init__.py",
        "text_sentiment/__init__.py",
        "start_runtime.py",
        "client.py",
    ],
    "yaml": ["models/text_sentiment/config.yml", "text_sentiment/config.yml"],
    "text": ["requirements.txt"],
}


@contextmanager
def serving(folder: Path, hub_cache: Path, grpc_port: int, http_port: int, log: Path) -> Iterator[None]:
    environment = os.environ | {
        "HF_HOME": str(hub_cache),
        "RUNTIME_GRPC_PORT": str(grpc_port),
        "RUNTIME_HTTP_PORT": str(http_port),
        "RUNTIME_METRICS_ENABLED": "false",
    }
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "start_runtime.py"], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("localhost", grpc_port)) == 0:
                    break
            time.sleep(0.2)
        yield
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        server.kill()
        server.wait()


def run(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def free_port() -> int:
    with socket.create_server(("", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.timeout(300)
def test_example(hub_cache: Path, tmp_path: Path) -> None:
    grpc_port, http_port = free_port(), free_port()
    with serving(HERE, hub_cache, grpc_port, http_port, tmp_path / "log"):
        assert LAYOUT.fullmatch(run(HERE, "client.py", f"localhost:{grpc_port}"))
        url = f"http://localhost:{http_port}/api/v1/task/hugging-face-sentiment"
        body = {"model_id": "text_sentiment", "inputs": {"text": "Today is a nice sunny day"}}
        request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as response:
            (best,) = json.load(response)["classes"]
        assert best["class_name"] == "POSITIVE"
        assert 0.5 < best["confidence"] < 1


@pytest.mark.timeout(300)
def test_a_saved_model_can_be_loaded_from_anywhere(hub_cache: Path, tmp_path: Path) -> None:
    code = f"""
import os, sys
os.environ["HF_HOME"] = {str(hub_cache)!r}
sys.path.insert(0, {str(HERE)!r})
import caikit
from text_sentiment.data_model import TextInput
original = caikit.load({str(HERE / "models" / "text_sentiment")!r})
original.save("saved")
os.environ["HF_HOME"] = "nowhere"
loaded = caikit.load("saved")
text = TextInput("Today is a nice sunny day")
assert loaded.run(text).to_json() == original.run(text).to_json()
"""
    run(tmp_path, "-c", code)
    assert "hf_artifact_path: ./hf_model\n" in (tmp_path / "saved" / "config.yml").read_text()


@pytest.mark.timeout(300)
@pytest.mark.skipif(not SEEDS.is_dir(), reason="the folder ../shared/seeds is not beside this repository")
def test_the_page_byte_for_byte(hub_cache: Path, tmp_path: Path) -> None:
    """The page's client knows one port only, so this test needs port 8085."""
    page = (SEEDS / PAGE).read_text()
    for language, files in PAGE_FILES.items():
        pattern = rf"^( *)```{language}\n(.*?)^\1```"
        found = re.findall(pattern, page, re.DOTALL | re.MULTILINE)
        for file, (indent, code) in zip(files, found, strict=True):
            target = tmp_path / "text-sentiment" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("".join(line.removeprefix(indent) for line in code.splitlines(keepends=True)))
    folder = tmp_path / "text-sentiment"
    with serving(folder, hub_cache, 8085, free_port(), tmp_path / "log"):
        assert LAYOUT.fullmatch(run(folder, "client.py"))
