"""Build the wheel; install it with the newest and with the oldest dependencies, and for one protocol; serve and call.

Runs in an environment that has `build`. Everything it makes is in a temporary folder.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
GREETER = ROOT / "examples" / "basics" / "greeter.py"
GRPC, HTTP = EXTRAS = ("runtime-grpc", "runtime-http")
TRANSPORTS = ("native", "standard")
WANTED = ("caikit/py.typed", "caikit/config/config.yml", "caikit/command/_template/README.md.in", "LICENSE")

CALL_GRPC = """
import sys
import grpc
from caikit.runtime.service_factory import ServicePackageFactory

service = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
with grpc.insecure_channel(f"localhost:{sys.argv[1]}") as channel:
    request = service.messages.GreetingTaskRequest(name="gRPC")
    call = service.stub_class(channel).GreetingTaskPredict
    metadata = [("mm-model-id", "greeter")]
    assert call(request, metadata=metadata, timeout=20, wait_for_ready=True).greeting == "Hello, gRPC"
"""
CALL_HTTP = """
import json, sys
from urllib.request import Request, urlopen

body = json.dumps({"model_id": "greeter", "inputs": "HTTP"}).encode()
request = Request(f"http://localhost:{sys.argv[1]}/api/v1/task/greeting", body, {"Content-Type": "application/json"})
with urlopen(request, timeout=10) as answer:
    assert json.load(answer) == {"greeting": "Hello, HTTP"}
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="caikit-wheel-") as name:
        folder = Path(name)
        wheel = build(folder)
        cases = [
            ("newest", EXTRAS, []),
            ("newest, gRPC alone", (GRPC,), []),
            ("newest, HTTP alone", (HTTP,), []),
        ]
        if sys.version_info < (3, 14):  # the oldest releases have no builds for newer Pythons
            cases.append(("oldest", EXTRAS, oldest_versions(wheel)))
        for number, (case, extras, constraints) in enumerate(cases):
            print(f"wheel-smoke: install ({case}), serve, call", flush=True)
            home = folder / str(number)
            python = install(wheel, extras, constraints, home)
            write_library(home)
            for transport in TRANSPORTS:
                serve_and_call(python, home, extras, transport)
    print(
        f"wheel-smoke: answers over {' and '.join(TRANSPORTS)} listeners ({'; '.join(case for case, *_ in cases)})"
    )


def build(folder: Path) -> Path:
    print("wheel-smoke: build the wheel", flush=True)
    run([sys.executable, "-m", "build", "--outdir", folder, ROOT / "packages" / "caikit"])
    (wheel,) = folder.glob("caikit-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for wanted in WANTED:
        if not any(name.endswith(wanted) for name in names):
            raise SystemExit(f"{wheel.name} lacks {wanted}")
    # The modules in protobufs/ make their messages at import; nothing is generated code.
    generated = (name for name in names if "_pb2" in name and "/runtime/protobufs/" not in name)
    if unwanted := [*generated, *(name for name in names if "tests/" in name and name.endswith(".py"))]:
        raise SystemExit(f"{wheel.name} should not contain {unwanted}")
    return wheel


def oldest_versions(wheel: Path) -> list[str]:
    """The lower bound of each requirement of the wheel, as pip constraints."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        requirements = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist", [])
    constraints = set()
    for requirement in requirements:
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if extra and extra[1] not in EXTRAS:
            continue
        bound = re.match(r"([\w.-]+)[^;]*?>=\s*([\w.]+)", requirement)
        if bound is None:
            raise SystemExit(f"a requirement without a lower bound: {requirement}")
        constraints.add(f"{bound[1]}=={bound[2]}")
    return sorted(constraints)


def install(wheel: Path, extras: tuple[str, ...], constraints: list[str], home: Path) -> Path:
    run([sys.executable, "-m", "venv", home / "venv"])
    python = home / "venv" / "bin" / "python"
    (home / "constraints.txt").write_text("\n".join(constraints) + "\n")
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "-c", home / "constraints.txt", f"{wheel}[{','.join(extras)}]"])
    run([*pip, "check"])
    return python


def write_library(home: Path) -> None:
    """A library of one file and a model of one file."""
    model = home / "models" / "greeter"
    model.mkdir(parents=True)
    (home / "greeter.py").write_text(GREETER.read_text())
    module_id = re.search(r'@module\("([\w-]+)"', GREETER.read_text())
    assert module_id
    (model / "config.yml").write_text(f"module_id: {module_id[1]}\nprefix: Hello,\n")


def serve_and_call(python: Path, home: Path, extras: tuple[str, ...], transport: str) -> None:
    grpc_port, http_port = free_ports(2)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "RUNTIME_LIBRARY": "greeter",
        "RUNTIME_TRANSPORT": transport,
        "RUNTIME_GRPC_ENABLED": str(GRPC in extras).lower(),
        "RUNTIME_GRPC_PORT": str(grpc_port),
        "RUNTIME_HTTP_ENABLED": str(HTTP in extras).lower(),
        "RUNTIME_HTTP_PORT": str(http_port),
        "RUNTIME_METRICS_ENABLED": "false",
    }
    log = home / f"{transport}.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [python, "-m", "caikit.runtime"],
            cwd=home,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            calls = {GRPC: (CALL_GRPC, grpc_port), HTTP: (CALL_HTTP, http_port)}
            for extra in extras:
                code, port = calls[extra]
                wait_until_open(server, port)
                run([python, "-c", code, str(port)], cwd=home, env=environment)
            server.terminate()
            if server.wait(20) != 0:
                raise SystemExit(f"the server ended with exit code {server.returncode}")
        except BaseException:
            print(log.read_text()[-4000:])
            raise
        finally:
            server.kill()
            server.wait()


def wait_until_open(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection(("localhost", port), timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def run(command: list[str | Path], **options: object) -> None:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode:
        print(result.stdout[-4000:])
        raise SystemExit(f"failed: {' '.join(map(str, command))[:300]}")


if __name__ == "__main__":
    main()
