"""Time series and images through a server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from caikit.core.data_model import DataBase
from caikit.interfaces.ts.data_model import TimeSeries
from caikit.interfaces.vision.data_model import Image
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

FRAME = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3), "v": [0.5, np.nan, 2.0]})
DOUBLED = TimeSeries(FRAME.assign(v=FRAME.v * 2), timestamp_column="t")


@pytest.fixture
def configured(tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    for name, module_id in {"forecast": "f1", "flip": "f2"}.items():
        (tmp_path / name).mkdir()
        config = f"module_id: 3c1d5b8e-0000-4000-8000-0000000000{module_id}\n"
        (tmp_path / name / "config.yml").write_text(config)
    runtime = {
        "library": "ts_vision_lib",
        "local_models_dir": str(tmp_path),
        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
        "http": {"port": 0, "host": "127.0.0.1"},
        "metrics": {"enabled": False},
    }
    temp_config({"runtime": runtime})


@pytest.fixture
def post(configured: None) -> Iterator[Callable[..., requests.Response]]:
    with RuntimeHTTPServer() as server:

        def post(route: str, model: str, inputs: Any) -> requests.Response:
            url = f"http://127.0.0.1:{server.port}/api/v1/task/{route}"
            return requests.post(url, json={"model_id": model, "inputs": inputs}, timeout=10)

        yield post


def test_time_series_over_http(post: Callable[..., requests.Response]) -> None:
    answer = post("forecasting", "forecast", TimeSeries(FRAME, timestamp_column="t").to_dict())
    assert answer.status_code == 200, answer.text
    assert '{"values": [1.0, "NaN", 4.0]}' in answer.text
    forecast = TimeSeries.from_json(answer.text)
    assert forecast == DOUBLED
    assert forecast.producer_id.name == "forecast"


def test_damaged_time_series_over_http(post: Callable[..., requests.Response]) -> None:
    series = TimeSeries(FRAME, timestamp_column="t").to_dict()
    series["timeseries"][0]["values"].append({"val_int": {"values": [1]}})
    answer = post("forecasting", "forecast", series)
    assert answer.status_code == 400
    assert "expected columns of one length in a time series, got [3, 1]" in answer.text


def test_time_series_over_grpc(configured: None) -> None:
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        request = DataBase.get_class_for_name("caikit.runtime.TsVisionLib.ForecastingTaskRequest")
        call = channel.unary_unary(
            "/caikit.runtime.TsVisionLib.TsVisionLibService/ForecastingTaskPredict",
            request_serializer=lambda request: request.to_binary_buffer(),
            response_deserializer=TimeSeries.from_binary_buffer,
        )
        given = request(X=TimeSeries(FRAME, timestamp_column="t"))
        assert call(given, metadata=[("mm-model-id", "forecast")], timeout=10) == DOUBLED


def test_images_over_http(post: Callable[..., requests.Response]) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    answer = post("flip", "flip", {"image_data": encoded(Image(pixels).image_data)})
    assert answer.status_code == 200, answer.text
    assert np.array_equal(Image.from_json(answer.text).as_numpy(), pixels[::-1])


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_damaged_images_are_the_fault_of_the_client(
    post: Callable[..., requests.Response], data: bytes
) -> None:
    answer = post("flip", "flip", {"image_data": encoded(data)})
    assert answer.status_code in (400, 422)
    assert "expected the bytes of an image" in answer.text


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
