"""Requests per second of a model that takes the same time for one text and for many, with and without batching.

One server process per setting, 32 clients that send the next request when they have an answer. The runs of all settings
are interleaved, and the median counts. The best ratio is the number of clients: one call of the model for all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import report

SERVERS = Path(__file__).parent / "servers"
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
    http_port: int
    grpc_port: int


def main() -> None:
    options = arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caikit-bench-")))
        servers = [stack.enter_context(start_server(folder, name)) for name in SETTINGS]
        runs: dict[str, dict[str, list[float]]] = {}
        for protocol, client in {"HTTP": http_client, "gRPC": grpc_client}.items():
            for _ in range(options.rounds):
                for server in servers:
                    rate = measure(client, server, options.clients, options.seconds)
                    runs.setdefault(protocol, {}).setdefault(server.name, []).append(rate)
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
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one run")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "batching.json")
    return parser.parse_args()


@contextmanager
def start_server(folder: Path, name: str) -> Iterator[Server]:
    """A server process on the first core, the clients have the others."""
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
        yield Server(name, http_port, grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


Client = Callable[[Server], Callable[[], str]]
"""Connects, and returns a function that makes one request and returns the text of the answer."""


def measure(client: Client, server: Server, clients: int, seconds: float) -> float:
    """Answers per second for clients in threads of their own."""
    counts = [0] * clients
    ready, go = threading.Barrier(clients + 1), threading.Event()
    end = 0.0

    def work(number: int) -> None:
        call = client(server)
        assert call() == TEXT.upper()
        ready.wait(LONGEST_RUN)
        go.wait(LONGEST_RUN)
        while time.monotonic() < end:
            assert call() == TEXT.upper()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait(LONGEST_RUN)
    end = time.monotonic() + seconds
    go.set()
    for thread in threads:
        thread.join(LONGEST_RUN)
    return sum(counts) / seconds


def http_client(server: Server) -> Callable[[], str]:
    """Plain bytes over a socket: a comfortable client would be slower than the server."""
    body = json.dumps({"model_id": "shouter", "inputs": TEXT}).encode()
    request = (
        b"POST /api/v1/task/shout HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    connection = socket.create_connection(("127.0.0.1", server.http_port), timeout=LONGEST_RUN)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call() -> str:
        connection.sendall(request)
        received = b""
        while not received.endswith(b"}"):
            chunk = connection.recv(4096)
            if not chunk:
                raise ConnectionError(received)
            received += chunk
        return str(json.loads(received.rpartition(b"\r\n\r\n")[2])["text"])

    return call


def grpc_client(server: Server) -> Callable[[], str]:
    channel = grpc.insecure_channel(
        f"127.0.0.1:{server.grpc_port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    # One string field on both sides, number 1, with fewer than 128 bytes.
    request = b"\x0a" + bytes([len(TEXT)]) + TEXT.encode()
    method = channel.unary_unary(METHOD)
    metadata = (("mm-model-id", "shouter"),)

    def call() -> str:
        answer = method(request, metadata=metadata, timeout=LONGEST_RUN)
        return answer[2 : 2 + answer[1]].decode()

    return call


def summary(rates: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    medians = {name: statistics.median(of_server) for name, of_server in rates.items()}
    base = medians["unbatched"]
    return {
        name: {"requests_per_second": rate, "times_unbatched": rate / base} for name, rate in medians.items()
    }


def table(title: str, rows: dict[str, dict[str, float]]) -> str:
    lines = [f"{title:<20}{'requests/s':>12}{'x unbatched':>13}"]
    lines += [
        f"{name:<20}{row['requests_per_second']:>12,.0f}{row['times_unbatched']:>13.1f}"
        for name, row in rows.items()
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
