"""Requests per second and CPU per request of a server with several worker processes, beside one with a single process.

Twice: with all cores for everybody, where the load generator takes its share of them, and with all processes of a server on
the first core and the load generator on another. A busy core makes requests cheaper, and so does company in the event loop;
on one core both servers have the same of that, so what a request costs there says what workers gain on cores of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import report
from serving import HTTP_PATH, METHOD, SERVERS, TEXT, Request, cpu_seconds, free_ports, grpc_frame

MODULES = {
    "tiny": "7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e02",
    "busy": "7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e03",
}
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    workers: int
    pid: int
    ports: dict[str, int]

    @property
    def processes(self) -> list[int]:
        return [self.pid, *children(self.pid)]


@dataclass(frozen=True)
class Run:
    requests_per_second: float
    server_microseconds: float
    load_microseconds: float


def main() -> None:
    options = arguments()
    if shutil.which("h2load") is None:
        sys.exit("h2load is missing; on Debian: apt-get install nghttp2-client")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caikit-bench-")))
        servers = [stack.enter_context(started(folder, count)) for count in (1, options.workers)]
        memory = {str(server.workers): memory_of(server) for server in servers}
        results = {
            f"{model} {protocol}": compare(servers, folder, model, protocol, options)
            for model in MODULES
            for protocol in ("grpc", "http")
        }
    print(table(results, options.workers))
    print(*(f"{count} workers: {figures}" for count, figures in memory.items()), sep="\n")
    report.write(
        options.output,
        {"workers": options.workers, "connections": options.connections, "memory": memory, **results},
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server; the median counts")
    parser.add_argument("--seconds", type=int, default=2, help="length of one run")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "workers.json")
    return parser.parse_args()


@contextmanager
def started(folder: Path, workers: int) -> Iterator[Server]:
    for name, module_id in MODULES.items():
        model = folder / "models" / name
        model.mkdir(parents=True, exist_ok=True)
        (model / "config.yml").write_text(f"module_id: {module_id}\n")
    grpc_port, http_port = free_ports(2)
    settings = {
        "RUNTIME_LIBRARY": "tiny busy",
        "RUNTIME_WORKERS": str(workers),
        "RUNTIME_LOCAL_MODELS_DIR": str(folder / "models"),
        "RUNTIME_GRPC_PORT": str(grpc_port),
        "RUNTIME_HTTP_PORT": str(http_port),
        "RUNTIME_METRICS_PORT": "0",
        "RUNTIME_GRPC_UNIX_SOCKET_PATH": "",
    }
    log = folder / f"workers{workers}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "caikit.runtime"],
            cwd=SERVERS,
            env=os.environ | settings,
            stdout=output,
            stderr=output,
        )
        try:
            wait_for(log, "serving http on port")
            yield Server(workers, process.pid, {"grpc": grpc_port, "http": http_port})
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while text not in log.read_text():
        if time.monotonic() > deadline:
            sys.exit(f"The server did not start:\n{log.read_text()}")
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory_of(server: Server) -> dict[str, int]:
    """Megabytes; what processes share is divided among them."""
    proportional, private = 0, 0
    for pid in server.processes:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
        proportional += sizes["Pss"]
        private += sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {
        "processes": len(server.processes),
        "proportional_mb": proportional // 1024,
        "private_mb": private // 1024,
    }


def compare(
    servers: list[Server], folder: Path, model: str, protocol: str, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    runs: dict[int, list[Run]] = {server.workers: [] for server in servers}
    for server in servers:
        measure(server, folder, model, protocol, options.connections, 1)  # warm up
    pinned: dict[int, list[Run]] = {server.workers: [] for server in servers}
    for _ in range(options.rounds):
        for server in servers:
            runs[server.workers].append(
                measure(server, folder, model, protocol, options.connections, options.seconds)
            )
        for server in servers:
            with on_first_core(server):
                pinned[server.workers].append(
                    measure(
                        server, folder, model, protocol, options.connections, options.seconds, load_core=1
                    )
                )
    medians = {
        str(workers): {
            "requests_per_second": statistics.median(run.requests_per_second for run in runs[workers]),
            "server_microseconds": statistics.median(run.server_microseconds for run in pinned[workers]),
            "load_microseconds": statistics.median(run.load_microseconds for run in pinned[workers]),
        }
        for workers in runs
    }
    one, many = medians["1"], medians[str(options.workers)]
    many["throughput_ratio"] = many["requests_per_second"] / one["requests_per_second"]
    many["cpu_ratio"] = many["server_microseconds"] / one["server_microseconds"]
    many["gain"] = options.workers / many["cpu_ratio"]
    return medians


@contextmanager
def on_first_core(server: Server) -> Iterator[None]:
    everywhere = ",".join(map(str, os.sched_getaffinity(0)))
    move(server, "0")
    try:
        yield
    finally:
        move(server, everywhere)


def move(server: Server, cores: str) -> None:
    for pid in server.processes:
        subprocess.run(["taskset", "-acp", cores, str(pid)], stdout=subprocess.DEVNULL, check=True)


def measure(
    server: Server,
    folder: Path,
    model: str,
    protocol: str,
    connections: int,
    seconds: int,
    load_core: int | None = None,
) -> Run:
    data = folder / f"{model}.{protocol}"
    if protocol == "grpc":
        data.write_bytes(grpc_frame(Request(text=TEXT)))
        flags = ["-H", "content-type: application/grpc", "-H", "te: trailers", "-H", f"mm-model-id: {model}"]
        path = METHOD
    else:
        data.write_text(json.dumps({"model_id": model, "inputs": TEXT}))
        flags, path = ["--h1", "-H", "content-type: application/json"], HTTP_PATH
    url = f"http://127.0.0.1:{server.ports[protocol]}{path}"
    load = ["h2load", "-D", str(seconds), "-c", str(connections), "-t", "1", "-d", str(data), *flags, url]
    if load_core is not None and load_core < (os.cpu_count() or 1):
        load = ["taskset", "-c", str(load_core), *load]
    server_before, load_before = (
        sum(map(cpu_seconds, server.processes)),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    printed = subprocess.run(load, capture_output=True, text=True, timeout=120, check=True).stdout
    load_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = sum(map(cpu_seconds, server.processes)) - server_before
    load_spent = sum(
        getattr(load_after, name) - getattr(load_before, name) for name in ("ru_utime", "ru_stime")
    )
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", printed)
    assert counts, printed
    succeeded, failed, errored = map(int, counts.groups())
    if failed or errored or not succeeded:
        sys.exit(f"{server.workers} workers, {model} {protocol}: not all requests succeeded\n{printed}")
    return Run(succeeded / seconds, spent / succeeded * 1e6, load_spent / succeeded * 1e6)


def table(results: dict[str, dict[str, dict[str, float]]], workers: int) -> str:
    header = ["model, protocol", "workers", "requests/s", "x one", "CPU us on one core", "x one", "gain"]
    rows = []
    for name, medians in results.items():
        for count, row in medians.items():
            ratios = [
                f"{row[key]:.2f}" if key in row else "" for key in ("throughput_ratio", "cpu_ratio", "gain")
            ]
            rows.append(
                [
                    name,
                    count,
                    f"{row['requests_per_second']:,.0f}",
                    ratios[0],
                    f"{row['server_microseconds']:.1f}",
                    *ratios[1:],
                ]
            )
    return report.table(header, rows)


if __name__ == "__main__":
    main()
