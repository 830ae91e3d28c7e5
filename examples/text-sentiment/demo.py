"""The whole story in one command: serve, train through the server, call over gRPC and HTTP, stop."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).parent
LOG = HERE / "server.log"
EXPECTED = ['class_name: "NEGATIVE"', 'class_name: "POSITIVE"']


def main() -> None:
    shutil.rmtree(HERE / "models", ignore_errors=True)
    (HERE / "models").mkdir()
    grpc_port, http_port, metrics_port = free_port(8085), free_port(8080), free_port(8086)
    settings = {
        "CONFIG_FILES": "text_sentiment/config.yml",
        "RUNTIME_GRPC_PORT": str(grpc_port),
        "RUNTIME_HTTP_PORT": str(http_port),
        "RUNTIME_METRICS_PORT": str(metrics_port),
    }
    say(f"Starting the server: gRPC on port {grpc_port}, HTTP on port {http_port}, log in {relative(LOG)}")
    with LOG.open("w") as log:
        command = [sys.executable, "-m", "caikit.runtime"]
        server = subprocess.Popen(
            command, cwd=HERE, env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_ready(server, http_port)
            say("Training through the server, from data/train.jsonl")
            run_script("train.py", f"localhost:{grpc_port}")
            say("\nCalling it over gRPC (client_grpc.py)\n")
            over_grpc = run_script("client_grpc.py", f"localhost:{grpc_port}")
            say("\nCalling it over HTTP (client_http.py)\n")
            over_http = run_script("client_http.py", f"localhost:{http_port}")
        finally:
            stop(server)
    for answers in (over_grpc, over_http):
        if [line.strip() for line in answers.splitlines() if "class_name" in line] != EXPECTED:
            sys.exit("A wrong answer: expected NEGATIVE, then POSITIVE")
    say("\nAll answers are right. The server has stopped.\n")
    say(next_steps())


def free_port(preferred: int) -> int:
    """The documented port, or any free one if something else is listening there."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - the server binds all addresses too
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")


def wait_until_ready(server: subprocess.Popen[bytes], http_port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"http://localhost:{http_port}/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"The server did not start; its log ends with:\n{log_tail()}")


def run_script(name: str, target: str) -> str:
    """Show what the script prints, and return it."""
    script = subprocess.run(
        [sys.executable, name, target], cwd=HERE, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    say(script.stdout.rstrip("\n"))
    if script.returncode:
        sys.exit(f"{name} failed; the server's log ends with:\n{log_tail()}")
    return script.stdout


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def log_tail() -> str:
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])


def relative(path: Path) -> str:
    return os.path.relpath(path, Path.cwd())


def say(text: str) -> None:
    print(text, flush=True)


def next_steps() -> str:
    python = os.path.relpath(Path(sys.prefix) / "bin" / "python", HERE)
    return f"""\
To keep a server running:
  cd {relative(HERE)} && CONFIG_FILES=text_sentiment/config.yml {python} -m caikit.runtime

To call it from another terminal:
  curl localhost:8080/api/v1/task/text-sentiment -H 'Content-Type: application/json' \\
    -d '{{"model_id": "sentiment", "inputs": {{"text": "Today is a nice sunny day"}}}}'
  grpcurl -plaintext -H 'mm-model-id: sentiment' -d '{{"text_input": {{"text": "Today is a nice sunny day"}}}}' \\
    localhost:8085 caikit.runtime.TextSentiment.TextSentimentService/TextSentimentTaskPredict"""


if __name__ == "__main__":
    main()
