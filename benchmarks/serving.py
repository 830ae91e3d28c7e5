"""Requests per second and server CPU per request, beside the bare servers below our heads.

Each server runs alone on one core, the load generator on another. Runs are short, bounded and interleaved, and the median
counts. The machine's noise hits all servers alike, so the ratios are the figures to quote.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import grpc
import report

SERVERS = Path(__file__).parent / "servers"
sys.path.insert(0, str(SERVERS))

from messages import METHOD, Request, Scores  # noqa: E402 - found through the line above

TEXT = "Today is a nice sunny day"
HTTP_PATH = "/api/v1/task/tiny"
HTTP_BODY = json.dumps({"model_id": "tiny", "inputs": TEXT}).encode()
EXPECTED = [("POSITIVE", 0.75), ("NEGATIVE", 0.25)]
MAX_REQUESTS = 300_000


@dataclass(frozen=True)
class Case:
    name: str
    protocol: str
    baseline: str
    pid: int
    port: int


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
        cases = start_servers(stack, folder)
        for case in cases:
            measure(case, folder, connections=8, count=1000)  # warm up
        results = {
            str(connections): compare(cases, folder, connections, options)
            for connections in options.connections
        }
    for connections, result in results.items():
        print(table(f"{connections} connections", result))
    report.write(options.output, {"connections": results})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server; the median counts")
    parser.add_argument("--seconds", type=float, default=2, help="length of one run")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "serving.json")
    return parser.parse_args()


def start_servers(stack: ExitStack, folder: Path) -> list[Case]:
    model = folder / "models" / "tiny"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e02\n")
    ours_grpc, ours_http, native_grpc, native_http, bare_grpc, bare_http = free_ports(6)

    def start(*command: str, environment: dict[str, str] | None = None) -> int:
        log = folder / f"{len(list(folder.iterdir()))}.log"
        return stack.enter_context(server(log, *command, environment=environment or {}))

    def start_ours(transport: str, grpc_port: int, http_port: int) -> int:
        settings = {
            "RUNTIME_LIBRARY": "tiny",
            "RUNTIME_LOCAL_MODELS_DIR": str(folder / "models"),
            "RUNTIME_TRANSPORT": transport,
            "RUNTIME_GRPC_PORT": str(grpc_port),
            "RUNTIME_HTTP_PORT": str(http_port),
            "RUNTIME_METRICS_PORT": "0",
        }
        return start("-m", "caikit.runtime", environment=settings)

    ours = start_ours("standard", ours_grpc, ours_http)
    native = start_ours("native", native_grpc, native_http)
    cases = [
        Case("native gRPC", "grpc", "bare grpcio", native, native_grpc),
        Case("native HTTP", "http", "bare uvicorn", native, native_http),
        Case("caikit gRPC", "grpc", "bare grpcio", ours, ours_grpc),
        Case("bare grpcio", "grpc", "bare grpcio", start("bare_grpcio.py", str(bare_grpc)), bare_grpc),
        Case("caikit HTTP", "http", "bare uvicorn", ours, ours_http),
        Case("bare uvicorn", "http", "bare uvicorn", start("bare_uvicorn.py", str(bare_http)), bare_http),
    ]
    for case in cases:
        wait_until_open(case.port)
    return cases


@contextmanager
def server(log: Path, *command: str, environment: dict[str, str]) -> Iterator[int]:
    """A server on the first core; ended when the context ends."""
    with log.open("w") as output:
        process = subprocess.Popen(
            ["taskset", "-c", "0", sys.executable, *command],
            cwd=SERVERS,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def compare(
    cases: list[Case], folder: Path, connections: int, options: argparse.Namespace
) -> dict[str, dict]:
    runs: dict[str, list[Run]] = {case.name: [] for case in cases}
    counts = {}
    for case in cases:
        rate = measure(case, folder, connections, count=2000).requests_per_second
        counts[case.name] = min(int(rate * options.seconds), MAX_REQUESTS)
    for _ in range(options.rounds):
        for case in cases:
            runs[case.name].append(measure(case, folder, connections, counts[case.name]))
    medians = {
        name: {
            "requests_per_second": statistics.median(run.requests_per_second for run in of_case),
            "cpu_microseconds": statistics.median(run.cpu_microseconds for run in of_case),
        }
        for name, of_case in runs.items()
    }
    for case in cases:
        ours, baseline = medians[case.name], medians[case.baseline]
        ours["throughput_ratio"] = ours["requests_per_second"] / baseline["requests_per_second"]
        ours["cpu_ratio"] = ours["cpu_microseconds"] / baseline["cpu_microseconds"]
    return medians


def measure(case: Case, folder: Path, connections: int, count: int) -> Run:
    """One run of `count` requests. A real client checks the answer first, and its size is that of every answer."""
    frame = grpc_frame(Request(text=TEXT))
    body, size, flags = {
        "grpc": lambda: (
            frame,
            grpc_answer_size(case.port),
            ["-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "mm-model-id: tiny"],
        ),
        "http": lambda: (
            HTTP_BODY,
            http_answer_size(case.port),
            ["--h1", "-H", "content-type: application/json"],
        ),
    }[case.protocol]()
    data = folder / case.protocol
    data.write_bytes(body)
    path = METHOD if case.protocol == "grpc" else HTTP_PATH
    load = ["h2load", "-n", str(count), "-c", str(connections), "-t", "1", "-d", str(data), *flags]
    core = str(min(1, (os.cpu_count() or 1) - 1))
    before = cpu_seconds(case.pid)
    printed = subprocess.run(
        ["taskset", "-c", core, *load, f"http://127.0.0.1:{case.port}{path}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    spent = cpu_seconds(case.pid) - before
    check(case, printed, count, size)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", printed)
    assert rate, printed
    return Run(float(rate[1]), spent / count * 1e6)


def check(case: Case, printed: str, count: int, size: int) -> None:
    succeeded = re.search(r"(\d+) succeeded", printed)
    data = re.search(r"\((\d+)\) data", printed)
    assert succeeded, printed
    assert data, printed
    if int(succeeded[1]) != count or int(data[1]) != size * count:
        sys.exit(f"{case.name}: expected {count} answers of {size} bytes\n{printed}")


def grpc_frame(message: Request) -> bytes:
    data = message.SerializeToString()
    return b"\0" + len(data).to_bytes(4, "big") + data


def grpc_answer_size(port: int) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(METHOD, Request.SerializeToString, Scores.FromString)
        answer = call(Request(text=TEXT), metadata=[("mm-model-id", "tiny")], timeout=10)
    assert [(score.label, score.score) for score in answer.results] == EXPECTED, answer
    return len(grpc_frame(answer))


def http_answer_size(port: int) -> int:
    request = HttpRequest(
        f"http://127.0.0.1:{port}{HTTP_PATH}", HTTP_BODY, {"content-type": "application/json"}
    )
    with urlopen(request, timeout=10) as response:
        answer = response.read()
    assert [(score["label"], score["score"]) for score in json.loads(answer)["results"]] == EXPECTED, answer
    return len(answer)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(title: str, results: dict[str, dict]) -> str:
    lines = [f"{title:<16}{'requests/s':>12}{'CPU us':>9}{'x bare rate':>13}{'x bare CPU':>12}"]
    lines += [
        f"{name:<16}{row['requests_per_second']:>12,.0f}{row['cpu_microseconds']:>9.1f}"
        f"{row['throughput_ratio']:>13.2f}{row['cpu_ratio']:>12.2f}"
        for name, row in results.items()
    ]
    return "\n".join(lines) + "\n"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"the server on port {port} did not start")
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
