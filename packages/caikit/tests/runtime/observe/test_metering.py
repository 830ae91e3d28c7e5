"""Files that say how often each kind of model was used."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
import requests
from observed_lib import Seer

from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.metrics.rpc_meter import RPCMeter

NAME = "<class 'observed_lib.Seer'>"


def post(port, text="a", model="seer"):
    url = f"http://127.0.0.1:{port}/api/v1/task/see"
    return requests.post(url, json={"model_id": model, "inputs": text}, timeout=5)


def read(directory: Path) -> list[dict]:
    (file,) = directory.iterdir()
    assert file.name.startswith("predict_rpc_metrics_")
    assert file.suffix == ".json"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        assert line.keys() == {"timestamp", "batch_size", "model_type_counters", "container_id"}
        assert isinstance(line["timestamp"], float)
        assert line["batch_size"] == sum(line["model_type_counters"].values())
        assert file.stem == f"predict_rpc_metrics_{line['container_id']}"
        assert "-" not in line["container_id"]
    return lines


def test_successful_calls_are_counted_by_class(configure, tmp_path):
    directory = tmp_path / "new" / "metering"
    configure(metering={"enabled": True, "log_dir": str(directory), "log_interval": 3600})
    with RuntimeHTTPServer() as server:
        answers = [post(server.port, text).status_code for text in ("a", "a", "fail", "break")]
        answers.append(post(server.port, model="unknown").status_code)
        requests.get(f"http://127.0.0.1:{server.port}/info/models", timeout=5)
        url = f"http://127.0.0.1:{server.port}/api/v1/task/server-streaming-see"
        requests.post(url, json={"model_id": "seer", "inputs": "a"}, timeout=5)
    assert answers == [200, 200, 400, 500, 404]
    assert [line["model_type_counters"] for line in read(directory)] == [{NAME: 3}]


def test_nothing_is_written_without_calls_or_while_it_is_off(configure, tmp_path):
    for enabled in (True, False):
        configure(metering={"enabled": enabled, "log_dir": str(tmp_path / "metering")})
        with RuntimeHTTPServer() as server:
            if not enabled:
                post(server.port)
    assert list((tmp_path / "metering").iterdir()) == []


def test_a_line_per_interval(configure, tmp_path, wait_until):
    directory = tmp_path / "metering"
    configure(metering={"enabled": True, "log_dir": str(directory), "log_interval": 0.05})
    with RuntimeHTTPServer() as server:
        for number in range(2):
            post(server.port)
            wait_until(lambda number=number: list(directory.iterdir()) and len(read(directory)) == number + 1)
    assert [line["batch_size"] for line in read(directory)] == [1, 1]


def test_counts_survive_the_end_of_the_process(start_program, tmp_path):
    directory = tmp_path / "metering"
    program = start_program(
        "-m", "caikit.runtime.http_server", metering={"enabled": True, "log_dir": str(directory)}
    )
    port = program.port("http")
    for _ in range(3):
        assert post(port).status_code == 200
    program.process.terminate()
    assert program.finish() == 0
    assert [line["batch_size"] for line in read(directory)] == [3]


def test_nothing_is_lost_when_many_count(tmp_path):
    meter = RPCMeter(str(tmp_path), 0.001)
    meter.start()

    def count() -> None:
        for _ in range(2000):
            meter.count(Seer)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meter.close()
    assert sum(line["batch_size"] for line in read(tmp_path)) == 16_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_counts_that_cannot_be_written_are_kept(tmp_path):
    meter = RPCMeter(str(tmp_path), 3600)
    meter.count(Seer)
    meter.path.symlink_to("/dev/full")
    meter.flush()
    meter.path.unlink()
    meter.count(Seer)
    meter.flush()
    assert [line["batch_size"] for line in read(tmp_path)] == [2]


@pytest.mark.parametrize("interval", [-1, "x", float("nan")])
def test_an_interval_that_is_none(configure, interval):
    configure(metering={"enabled": True, "log_interval": interval})
    with pytest.raises(ValueError, match=r"runtime\.metering\.log_interval"):
        RuntimeHTTPServer().start(blocking=False)


@pytest.mark.skipif(os.name != "posix", reason="needs files that are no directories")
def test_a_directory_that_cannot_be_made(configure, tmp_path):
    (tmp_path / "file").write_text("")
    configure(metering={"enabled": True, "log_dir": str(tmp_path / "file" / "metering")})
    with pytest.raises(OSError, match=r"runtime\.metering\.log_dir"):
        RuntimeHTTPServer().start(blocking=False)
