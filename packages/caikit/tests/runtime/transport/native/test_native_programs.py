"""Programs that people use speak to a native server; those that are not installed are left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from caikit.runtime.transport.http_messages import HttpAnswer
from caikit.runtime.transport.native import make_context

CERTS = Path(__file__).parents[2] / "servers" / "certs"
PAGE = b"""<html><body><pre id="out"></pre><script>
const out = document.getElementById("out"), say = text => { out.textContent += text + ";" };
(async () => {
  const answer = await fetch("/do", {method: "POST", body: "abc"});
  say("json " + (await answer.json()).got);
  say("large " + (await (await fetch("/do", {method: "POST", body: "x".repeat(500000)})).json()).got.length);
  const events = new EventSource("/events");
  events.onmessage = event => { say("event " + event.data); if (event.data == 4) { events.close(); say("done"); } };
})();
</script></body></html>"""


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, seconds: float = 20, **settings) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        **settings,
    )
    return done.stdout + done.stderr


@pytest.fixture
def serve(native, kit):
    class Page(kit.HttpEndpoint):
        def answer(self, context, request, body):
            return HttpAnswer(200, PAGE, [(b"content-type", b"text/html")])

    def count(context, body):
        for number in range(5):
            yield b"data: %d\n\n" % number

    def start(**settings):
        return native(
            http={
                "/do": kit.HttpEndpoint(lambda context, body: b'{"got": "%b"}' % body),
                "/large": kit.HttpEndpoint(lambda context, body: b"y" * 1_000_000),
                "/events": kit.HttpEndpoint(count, streaming=True),
                "/page": Page(None),
            },
            max_body_size=10**7,
            **settings,
        )

    return start


def make_tls():
    return make_context(
        str(CERTS / "server.pem"), str(CERTS / "server.key"), [], protocols=("h2", "http/1.1")
    )


@pytest.mark.parametrize(
    ("option", "version"),
    [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2"), ("--http2", "1.1"), ("tls", "2")],
)
def test_curl(serve, tmp_path, option, version):
    curl = program("curl")
    if option != "--http1.1" and "HTTP2" not in run(curl, "--version"):
        pytest.skip("this curl speaks no HTTP/2")
    server = serve(tls=make_tls() if option == "tls" else None)
    url = f"{'https' if option == 'tls' else 'http'}://localhost:{server.port}"
    options = ["--http2", "--cacert", CERTS / "ca.pem"] if option == "tls" else [option]
    base = [curl, "-sS", "-4", "--noproxy", "*", *options, "-w", " %{http_version} %{http_code}"]
    body = tmp_path / "body"
    body.write_bytes(b"x" * 3_000_000)

    assert run(*base, "-d", "abc", f"{url}/do") == f'{{"got": "abc"}} {version} 200'
    assert run(*base, f"{url}/events").endswith(f"data: 4\n\n {version} 200")
    large = run(*base, "--data-binary", f"@{body}", f"{url}/do")
    assert large == f'{{"got": "{"x" * 3_000_000}"}} {version} 200'
    assert run(*base, "-I", f"{url}/nowhere").endswith(f"{version} 404")


@pytest.mark.parametrize(
    "options",
    [
        ["--header-table-size=0"],
        ["--header-table-size=100", "--encoder-header-table-size=0"],
        ["-w", "10", "-W", "10"],
        ["-w", "30", "-W", "30"],
        ["--trailer", "x-trailer: a", "-b", "200"],
        ["--no-content-length", "--max-concurrent-streams=1"],
    ],
    ids=lambda options: options[0].strip("-"),
)
def test_nghttp(serve, tmp_path, options):
    nghttp = program("nghttp")
    server = serve()
    body = tmp_path / "body"
    body.write_bytes(b"x" * 300_000)
    url = f"http://127.0.0.1:{server.port}"

    assert run(nghttp, *options, "-d", body, f"{url}/do") == f'{{"got": "{"x" * 300_000}"}}'
    statistics = run(nghttp, *options, "-n", "-s", "-m", "20", f"{url}/large")
    assert len(re.findall(r" 200 +976K ", statistics)) == 20, statistics


@pytest.mark.parametrize("options", [["-m", "20"], ["--h1"], ["-m", "5", "-w", "10", "-W", "10"]])
def test_h2load(serve, options):
    h2load = program("h2load")
    server = serve()
    found = run(h2load, "-n", "500", "-c", "5", *options, f"http://127.0.0.1:{server.port}/events")
    assert "500 succeeded, 0 failed, 0 errored, 0 timeout" in found


def test_a_browser(serve, tmp_path):
    chromium = shutil.which("chromium") or program("google-chrome")
    server = serve(tls=make_tls())
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --ignore-certificate-errors --virtual-time-budget=8000 --dump-dom"
    )
    found = run(
        chromium,
        *options.split(),
        f"--user-data-dir={tmp_path / 'profile'}",
        f"https://localhost:{server.port}/page",
        seconds=50,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    said = re.search(r'<pre id="out">(.*?)</pre>', found)
    assert said is not None, found[-2000:]
    assert said[1] == "json abc;large 500000;" + "".join(f"event {number};" for number in range(5)) + "done;"
