"""What prometheus reads about batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.http_server import RuntimeHTTPServer

MODULE_ID = "b2d3c4a6-0000-4000-8000-000000000002"


@pytest.fixture
def serve(configure, tmp_path):
    def start(**runtime):
        model = tmp_path / "models" / "choir"
        model.mkdir(parents=True)
        (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
        configure(**runtime)
        return RuntimeHTTPServer()

    return start


def sing(port: int, text: str) -> str:
    url = f"http://127.0.0.1:{port}/api/v1/task/choir"
    answer = requests.post(url, json={"model_id": "choir", "inputs": text}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def samples(name: str) -> dict[str, float]:
    """The values of one histogram, by the bounds of its buckets."""
    text = requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=5).text
    found = {}
    for line in text.splitlines():
        if line.startswith((f"{name}_bucket", f"{name}_sum", f"{name}_count")):
            assert 'model_id="choir"' in line
            sample, value = line.rsplit(" ", 1)
            bound = sample.partition('le="')[2].partition('"')[0]
            found[bound or sample.partition("{")[0].rpartition("_")[2]] = float(value)
    return found


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_sizes_and_waits_are_counted(serve, transport):
    with serve(transport=transport, batching={"default": {"size": 8, "collect_delay_s": 0.02}}) as server:
        sing(server.port, "alone")
        assert samples("caikit_batch_size")["1.0"] == 1
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: sing(server.port, str(number)), range(24)))
        sizes, waits = samples("caikit_batch_size"), samples("caikit_batch_wait_seconds")
        together = [int(answer.split()[1]) for answer in answers]
        assert max(together) > 1
        assert sizes["sum"] == waits["count"] == 25
        assert sizes["count"] == 1 + round(sum(1 / count for count in together))
        assert sizes["8.0"] == sizes["+Inf"] == sizes["count"]
        assert 0 < waits["sum"] < 25 * 5


def test_models_without_batches_have_no_figures(serve):
    with serve() as server:
        sing(server.port, "alone")
        assert samples("caikit_batch_size") == {}
