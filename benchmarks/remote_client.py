"""What the remote client costs: one call at a time, beside a bare stub and a bare session with the same data objects.

The times are the client's CPU per call, which the server and a busy machine hardly touch, and the time until the answer.
All callers take turns in the same run; the fastest round counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import report
import requests
import yaml

PEERS = Path(__file__).parent / "peers"
sys.path.insert(0, str(PEERS))

TEXT = "Today is a nice sunny day"
METHOD = "/caikit.runtime.BenchModels.BenchModelsService/TinyTaskPredict"
ROUTE = "/api/v1/task/tiny"


@dataclass(frozen=True)
class Cost:
    """Microseconds per call."""

    cpu_us: float
    elapsed_us: float


@dataclass(frozen=True)
class Result:
    """One caller over all rounds; each column by itself."""

    fastest: Cost
    median: Cost

    @classmethod
    def of(cls, rounds: list[Cost]) -> Result:
        cpu, elapsed = [each.cpu_us for each in rounds], [each.elapsed_us for each in rounds]
        return cls(Cost(min(cpu), min(elapsed)), Cost(statistics.median(cpu), statistics.median(elapsed)))


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="caikit-bench-") as folder, server(Path(folder)) as ports:
        callers = make_callers(ports)
        rounds: dict[str, list[Cost]] = {name: [] for name in callers}
        for call in callers.values():
            measure(call, options.calls // 10)
        for _ in range(options.rounds):
            for name, call in callers.items():
                rounds[name].append(measure(call, options.calls))
    results = {name: Result.of(costs) for name, costs in rounds.items()}
    print(table(results))
    figures = {
        "versions": report.versions("caikit", "grpcio", "requests", "urllib3", "protobuf"),
        "calls": options.calls,
        "rounds": options.rounds,
        "callers": {name: asdict(result) for name, result in results.items()},
    }
    report.write(options.output, figures)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer calls, fewer rounds")
    parser.add_argument("--calls", type=int, help="calls of a round (500; quick: 100)")
    parser.add_argument("--rounds", type=int, help="rounds (10; quick: 3)")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "remote_client.json")
    options = parser.parse_args()
    options.calls = options.calls or (100 if options.quick else 500)
    options.rounds = options.rounds or (3 if options.quick else 10)
    return options


def make_callers(ports: dict[str, int]) -> dict[str, Callable[[], Any]]:
    import caikit
    from caikit.core import ModelManager

    connections = {protocol: {"hostname": "localhost", "port": port} for protocol, port in ports.items()}
    caikit.configure(
        config_dict={
            "log": {"level": "off"},
            "runtime": {"library": "bench_models"},
            "model_management": {
                "finders": {
                    protocol: {"type": "REMOTE", "config": {"connection": connection, "protocol": protocol}}
                    for protocol, connection in connections.items()
                },
                "initializers": {"remote": {"type": "REMOTE"}},
            },
        }
    )
    import bench_models

    from caikit.runtime import get_inference_request

    request = get_inference_request(bench_models.TinyTask)
    manager = ModelManager()
    remote = {protocol: manager.load("tiny", finder=protocol, initializer="remote") for protocol in ports}
    stub = grpc.insecure_channel(f"localhost:{ports['grpc']}").unary_unary(
        METHOD,
        request_serializer=lambda message: message.to_binary_buffer(),
        response_deserializer=bench_models.Scores.from_binary_buffer,
    )
    session = requests.Session()
    url = f"http://localhost:{ports['http']}{ROUTE}"

    def bare_http() -> Any:
        body = json.dumps({"model_id": "tiny", "inputs": TEXT}).encode()
        answer = session.post(url, data=body, headers={"content-type": "application/json"}, timeout=60)
        return bench_models.Scores.from_json(answer.text)

    callers = {
        "gRPC, bare": lambda: stub(request(text=TEXT), metadata=[("mm-model-id", "tiny")], timeout=60),
        "gRPC, remote model": lambda: remote["grpc"].run(TEXT),
        "HTTP, bare": bare_http,
        "HTTP, remote model": lambda: remote["http"].run(TEXT),
    }
    answers = {name: [score.label for score in call().results] for name, call in callers.items()}
    assert set(map(tuple, answers.values())) == {("POSITIVE", "LENGTH")}, answers
    return callers


def measure(call: Callable[[], Any], count: int) -> Cost:
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(count):
        call()
    elapsed = time.perf_counter() - start
    return Cost((time.process_time() - cpu) / count * 1e6, elapsed / count * 1e6)


def table(results: dict[str, Result]) -> str:
    rows = []
    for name, result in results.items():
        bare = results[f"{name.partition(',')[0]}, bare"]
        fastest, ratios = (
            result.fastest,
            (
                result.fastest.cpu_us / bare.fastest.cpu_us,
                result.fastest.elapsed_us / bare.fastest.elapsed_us,
                result.median.cpu_us / bare.median.cpu_us,
            ),
        )
        cpu_ratio, time_ratio, median_ratio = (f"{ratio:.2f}" for ratio in ratios)
        rows.append(
            [name, f"{fastest.cpu_us:.0f}", cpu_ratio, median_ratio, f"{fastest.elapsed_us:.0f}", time_ratio]
        )
    header = ["", "client CPU us", "x bare", "of medians", "time us", "x bare"]
    return report.table(header, rows)


@contextmanager
def server(folder: Path) -> Iterator[dict[str, int]]:
    """The ports of a server of the tiny model."""
    model = folder / "models" / "tiny"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e01\n")
    settings = {
        "library": "bench_models",
        "local_models_dir": str(model.parent),
        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
        "http": {"port": 0, "host": "127.0.0.1"},
        "metrics": {"enabled": False},
    }
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({"runtime": settings}))
    log_file = folder / "log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "caikit.runtime"],
            env={**os.environ, "CONFIG_FILES": str(config), "PYTHONPATH": str(PEERS)},
            stdout=log,
            stderr=log,
        )
    try:
        yield read_ports(process, log_file)
    finally:
        process.terminate()
        process.wait()


def read_ports(process: subprocess.Popen[bytes], log_file: Path) -> dict[str, int]:
    ports: dict[str, int] = {}
    while len(ports) < 2:
        assert process.poll() is None, log_file.read_text()
        time.sleep(0.05)
        for line in log_file.read_text().splitlines():
            for protocol in ("grpc", "http"):
                _, mark, after = line.partition(f"serving {protocol} on port: ")
                if mark:
                    ports[protocol] = int(after.split()[0])
    return ports


if __name__ == "__main__":
    main()
