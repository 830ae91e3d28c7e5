"""Requests per second of a model that takes the same time for one text and for many, with and without batching.

One server process per setting, on a core of its own; the load generator has another. Each of the 32 clients sends its next
request when it has an answer. The runs of all settings are interleaved, and the median counts. The best ratio would be the
number of clients, one call of the model for all of them, if the server did its own part of 32 requests in no time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import grpc
import report
from serving import SERVERS, cpu_seconds, free_ports, wait_until_open

METHOD = "/caikit.runtime.Batched.BatchedService/ShoutTaskPredict"
TEXT = "hello"
SETTINGS = {
    "unbatched": {"size": 0},
    "batched, no wait": {"size": 32},
    "batched, 5 ms": {"size": 32, "collect_delay_s": 0.005},
}
LONGEST_RUN = 10.0


@dataclass(frozen=True)
class Server:
    name: str
    pid: int
    http_port: int
    grpc_port: int


@dataclass(frozen=True)
class Run:
    requests_per_second: float
    cpu_microseconds: float


def main() -> None:
    options = arguments()
    if shutil.which("h2load") is None:
        sys.exit("h2load is missing; on Debian: apt-get install nghttp2-client")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caikit-bench-")))
        servers = [stack.enter_context(start_server(folder, name)) for name in SETTINGS]
        runs: dict[str, dict[str, list[Run]]] = {}
        for protocol, prepare in {"HTTP": http_load, "gRPC": grpc_load}.items():
            loads = {server.name: prepare(server, folder) for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    run = measure(server, loads[server.name], options.clients, options.seconds)
                    runs.setdefault(protocol, {}).setdefault(server.name, []).append(run)
    results = {protocol: summary(by_server) for protocol, by_server in runs.items()}
    for protocol, rows in results.items():
        print(table(f"{protocol}, {options.clients} clients", rows))
    report.write(options.output, {"clients": options.clients, "protocols": results})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server; the median counts")
    parser.add_argument("--seconds", type=int, default=2, help="length of one run")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "batching.json")
    return parser.parse_args()


@contextmanager
def start_server(folder: Path, name: str) -> Iterator[Server]:
    """A server process on the first core."""
    place = folder / str(list(SETTINGS).index(name))
    (place / "models" / "shouter").mkdir(parents=True)
    (place / "models" / "shouter" / "config.yml").write_text(
        "module_id: 2f4f4f0a-7a53-4a4b-8c8d-3f1b6f0a9c11\n"
    )
    http_port, grpc_port = free_ports(2)
    config = {
        "runtime": {
            "library": "batched",
            "local_models_dir": str(place / "models"),
            "batching": {"default": SETTINGS[name]},
            "grpc": {"port": grpc_port, "host": "127.0.0.1", "unix_socket_path": ""},
            "http": {"port": http_port, "host": "127.0.0.1"},
            "metrics": {"enabled": False},
        }
    }
    (place / "config.yml").write_text(json.dumps(config))
    with (place / "server.log").open("w") as output:
        process = subprocess.Popen(
            ["taskset", "-c", "0", sys.executable, "-m", "caikit.runtime"],
            cwd=SERVERS,
            env=os.environ | {"CONFIG_FILES": str(place / "config.yml")},
            stdout=output,
            stderr=output,
        )
    try:
        for port in (http_port, grpc_port):
            wait_until_open(port)
        yield Server(name, process.pid, http_port, grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Load:
    url: str
    body: Path
    flags: tuple[str, ...]
    least_size: int


def measure(server: Server, load: Load, clients: int, seconds: int) -> Run:
    core = str(min(1, (os.cpu_count() or 1) - 1))
    command = ["taskset", "-c", core, "h2load", "-D", str(seconds), "-c", str(clients), "-t", "1"]
    command += ["-d", str(load.body), *load.flags, load.url]
    before = cpu_seconds(server.pid)
    printed = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + LONGEST_RUN, check=True
    ).stdout
    spent = cpu_seconds(server.pid) - before
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", printed)
    received = re.search(r"\((\d+)\) data", printed)
    assert found, printed
    assert received, printed
    succeeded, failed, errored = map(int, found.groups())
    # An error over gRPC succeeds for the load generator, but has no message.
    if failed or errored or int(received[1]) < succeeded * load.least_size:
        sys.exit(f"{server.name}: expected answers of {load.least_size} bytes or more\n{printed}")
    return Run(succeeded / seconds, spent / succeeded * 1e6)


def http_load(server: Server, folder: Path) -> Load:
    body = json.dumps({"model_id": "shouter", "inputs": TEXT}).encode()
    url = f"http://127.0.0.1:{server.http_port}/api/v1/task/shout"
    with urlopen(Request(url, body, {"content-type": "application/json"}), timeout=LONGEST_RUN) as response:
        answer = response.read()
    assert json.loads(answer)["text"] == TEXT.upper(), answer
    (folder / "http").write_bytes(body)
    return Load(url, folder / "http", ("--h1", "-H", "content-type: application/json"), len(answer))


def grpc_load(server: Server, folder: Path) -> Load:
    # One string field on both sides, number 1, with fewer than 128 bytes.
    request = b"\x0a" + bytes([len(TEXT)]) + TEXT.encode()
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answer = channel.unary_unary(METHOD)(
            request, metadata=(("mm-model-id", "shouter"),), timeout=LONGEST_RUN
        )
    assert answer[2 : 2 + answer[1]].decode() == TEXT.upper(), answer
    (folder / "grpc").write_bytes(b"\0" + len(request).to_bytes(4, "big") + request)
    flags = ("-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "mm-model-id: shouter")
    return Load(f"http://127.0.0.1:{server.grpc_port}{METHOD}", folder / "grpc", flags, len(answer))


def summary(runs: dict[str, list[Run]]) -> dict[str, dict[str, float]]:
    medians = {
        name: {key: statistics.median(getattr(run, key) for run in of_server) for key in Run.__annotations__}
        for name, of_server in runs.items()
    }
    base = medians["unbatched"]["requests_per_second"]
    return {
        name: {**median, "times_unbatched": median["requests_per_second"] / base}
        for name, median in medians.items()
    }


def table(title: str, rows: dict[str, dict[str, float]]) -> str:
    lines = [f"{title:<20}{'requests/s':>12}{'x unbatched':>13}{'CPU us':>9}"]
    lines += [
        f"{name:<20}{row['requests_per_second']:>12,.0f}{row['times_unbatched']:>13.1f}"
        f"{row['cpu_microseconds']:>9.1f}"
        for name, row in rows.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
