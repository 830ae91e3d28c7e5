"""A page in a browser calls another server over gRPC-Web."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from caikit.runtime.engine import RequestError, Shape, Status
from caikit.runtime.transport.http_messages import HttpAnswer
from caikit.runtime.transport.native import make_context

CERTS = Path(__file__).parents[2] / "servers" / "certs"
PAGE = """<html><body><pre id="out"></pre><script>
const out = document.getElementById("out"), say = text => { out.textContent += text + ";" };
const frame = text => {
  const content = new TextEncoder().encode(text), made = new Uint8Array(5 + content.length);
  new DataView(made.buffer).setUint32(1, content.length);
  made.set(content, 5);
  return made;
};
const call = async (url, name, text) => {
  const answer = await fetch(url + "/tests.native.Service/" + name, {
    method: "POST", body: frame(text),
    headers: {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", "mm-model-id": "m"},
  });
  const bytes = new Uint8Array(await answer.arrayBuffer()), found = [];
  for (let at = 0; at < bytes.length;) {
    const size = new DataView(bytes.buffer).getUint32(at + 1);
    found.push((bytes[at] & 128 ? "end " : "") + new TextDecoder().decode(bytes.subarray(at + 5, at + 5 + size)));
    at += 5 + size;
  }
  const status = answer.headers.get("grpc-status"), details = answer.headers.get("grpc-message");
  return found.map(each => each.replace(/\\r\\n.*/s, "")).join(",") + (status ? " status " + status + " " + details : "");
};
(async () => {
  say(await call("OPEN", "Upper", "abc"));
  say(await call("OPEN", "Count", "3"));
  say(await call("OPEN", "Fail", ""));
  try { say(await call("CLOSED", "Upper", "abc")) } catch (error) { say(error.name) }
  say("done");
})();
</script></body></html>"""


@pytest.mark.timeout(90)
@pytest.mark.parametrize("secure", [False, True])
def test_a_page_from_elsewhere(native, kit, tmp_path, secure):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("chromium is not installed")

    def count(context, body):
        for number in range(int(body)):
            yield b"%d" % number

    def fail(context, body):
        raise RequestError(Status.NOT_FOUND, "no such thing")

    class Page(kit.HttpEndpoint):
        def answer(self, context, request, body):
            return HttpAnswer(200, page.encode(), [(b"content-type", b"text/html")])

    files = str(CERTS / "server.pem"), str(CERTS / "server.key")
    tls = make_context(*files, [], protocols=("h2", "http/1.1")) if secure else None
    scheme = "https" if secure else "http"
    pages = native(http={"/page": Page(None)}, tls=tls)
    methods = {
        "Upper": kit.Method(lambda context, body: body.upper()),
        "Count": kit.Method(count, Shape.SERVER_STREAM),
        "Fail": kit.Method(fail),
    }
    origin = f"{scheme}://localhost:{pages.port}"
    served = native(grpc=methods, tls=tls, web_origins=[origin])
    closed = native(grpc=methods, tls=tls, web_origins=["https://other.example"])
    page = PAGE.replace("OPEN", f"{scheme}://localhost:{served.port}")
    page = page.replace("CLOSED", f"{scheme}://localhost:{closed.port}")
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --ignore-certificate-errors --virtual-time-budget=8000 --dump-dom"
    )
    done = subprocess.run(
        [chromium, *options.split(), f"--user-data-dir={tmp_path / 'profile'}", f"{origin}/page"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    said = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert said is not None, (done.stdout + done.stderr)[-2000:]
    assert said[1] == (
        "ABC,end grpc-status: 0;0,1,2,end grpc-status: 0; status 5 no such thing;TypeError;done;"
    )
