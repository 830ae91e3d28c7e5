"""The modules through servers."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import requests

from caikit.core.data_model import DataBase
from caikit.interfaces.vision.data_model import Image
from caikit_computer_vision.data_model import (
    CaptionedImage,
    FlatImage,
    ImageClassificationResult,
    ImageSegmentationResult,
    ObjectDetectionResult,
)

DETECT = "ObjectDetectionTaskPredict"


def test_both_protocols_find_the_same(served: SimpleNamespace, png: bytes, picture: Any) -> None:
    for model in ("yolos", "detr"):
        by_bytes = served.grpc(DETECT, model, ObjectDetectionResult, inputs=png)
        assert len(by_bytes.detected_objects) > 2
        flat = FlatImage.from_numpy(np.asarray(picture))
        answers = [
            served.post("object-detection", model, png),
            served.upload("object-detection", model, png),
            served.post("object-detection", model, f"data:image/png;base64,{base64.b64encode(png).decode()}"),
            served.post("object-detection", model, flat.to_dict()),
        ]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert ObjectDetectionResult.from_json(answer.text) == by_bytes
        assert served.grpc(DETECT, model, ObjectDetectionResult, inputs=flat) == by_bytes
        first = answers[0].json()["detected_objects"][0]
        assert list(first["box"]) == ["xmin", "xmax", "ymin", "ymax"]


def test_thresholds_travel(served: SimpleNamespace, png: bytes) -> None:
    for threshold, some in ((0.0, True), (1.0, False)):
        result = served.grpc(DETECT, "yolos", ObjectDetectionResult, inputs=png, threshold=threshold)
        answers = [
            served.post("object-detection", "yolos", png, threshold=threshold),
            served.upload("object-detection", "yolos", png, threshold=threshold),
        ]
        found = [result, *(ObjectDetectionResult.from_json(answer.text) for answer in answers)]
        assert [bool(each.detected_objects) for each in found] == [some] * 3


REFUSED_TEXTS = ["/etc/hostname", "../../config.yml", "file:///etc/hostname", "{url}/health", "no image"]


@pytest.mark.parametrize("text", REFUSED_TEXTS)
def test_callers_cannot_have_files_or_addresses_opened(served: SimpleNamespace, text: str) -> None:
    text = text.replace("{url}", served.url)
    answers = [served.post("object-detection", "yolos", text)]
    answers.append(
        requests.post(
            f"{served.url}/api/v1/task/object-detection",
            files={"model_id": (None, "yolos"), "inputs": (None, text)},
            timeout=10,
        )
    )
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert "Paths are opened only in the folders of the setting" in answer.text
    with pytest.raises(served.RpcError) as refused:
        served.grpc(DETECT, "yolos", ObjectDetectionResult, inputs=text)
    assert refused.value.code().name == "INVALID_ARGUMENT"
    assert "Paths are opened only" in refused.value.details()


def test_a_file_of_the_server_is_not_read(served: SimpleNamespace, png: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(png)
    for task, model in (
        ("object-detection", "yolos"),
        ("image-classification", "vit"),
        ("image-segmentation", "segformer"),
    ):
        assert served.post(task, model, str(tmp_path / "picture.png")).status_code == 400


def bad_images(encode: Callable[..., bytes], picture: Any) -> list[bytes]:
    png = encode(picture)
    animated = encode(picture, "GIF", save_all=True, append_images=[picture.rotate(90)])
    return [b"", b"no image", png[:60], png[: len(png) // 2], animated, b"\x89PNG\r\n\x1a\n" + b"\0" * 40]


def test_bad_images_are_the_fault_of_the_caller(
    served: SimpleNamespace, encode: Callable[..., bytes], picture: Any
) -> None:
    for data in bad_images(encode, picture):
        for answer in (
            served.post("object-detection", "yolos", data),
            served.upload("object-detection", "yolos", data),
        ):
            assert answer.status_code == 400, answer.text
            assert "expected" in answer.text
        with pytest.raises(served.RpcError) as refused:
            served.grpc(DETECT, "yolos", ObjectDetectionResult, inputs=data)
        assert refused.value.code().name == "INVALID_ARGUMENT"
        assert "expected" in refused.value.details()


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        5,
        [],
        {},
        {"flat_channels": [{"values": [256]}], "image_shape": [1, 1, 1]},
        {"flat_channels": [{"values": [1, 2]}], "image_shape": [1, 1, 1]},
        {"flat_channels": [], "image_shape": [0, 0, 0]},
        {"flat_channels": [{"values": [1]}], "image_shape": [1, 1]},
        {"flat_channels": [{}], "image_shape": [1, 1, 1]},
    ],
)
def test_other_json(served: SimpleNamespace, inputs: Any) -> None:
    answer = served.post("object-detection", "yolos", inputs)
    assert answer.status_code in (400, 422), answer.text


def test_flat_images_that_do_not_fit(served: SimpleNamespace) -> None:
    good = FlatImage.from_numpy(np.zeros((2, 2, 3), np.uint8)).to_proto()
    good.flat_channels[0].values.append(300)
    message = DataBase.get_class_for_name("ccv.ObjectDetectionTaskRequest").get_proto_class()
    request = message(inputs_flatimage=good).SerializeToString()
    with pytest.raises(served.RpcError) as refused:
        served.grpc_bytes("ObjectDetectionTaskPredict", "yolos", request)
    assert refused.value.code().name == "INVALID_ARGUMENT"


def test_no_image(served: SimpleNamespace) -> None:
    with pytest.raises(served.RpcError) as refused:
        served.grpc(DETECT, "yolos", ObjectDetectionResult)
    assert refused.value.code().name == "INVALID_ARGUMENT"


@pytest.mark.parametrize("threshold", [7, "high"])
def test_bad_thresholds(served: SimpleNamespace, png: bytes, threshold: Any) -> None:
    assert served.post("object-detection", "yolos", png, threshold=threshold).status_code in (400, 422)


def test_requests_share_batches(served: SimpleNamespace, png: bytes, picture: Any) -> None:
    expected = served.grpc(DETECT, "yolos", ObjectDetectionResult, inputs=png)
    answers: list[Any] = []

    def ask(data: bytes) -> None:
        try:
            answers.append(served.grpc(DETECT, "yolos", ObjectDetectionResult, inputs=data))
        except served.RpcError as refused:
            answers.append(refused.code().name)

    threads = [threading.Thread(target=ask, args=(data,)) for data in [png, b"no image", png, png] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers.count("INVALID_ARGUMENT") == 4
    assert len([each for each in answers if each == expected or similar(each, expected)]) == 12


def similar(result: Any, expected: ObjectDetectionResult) -> bool:
    """Numbers may differ by rounding in a batch."""
    if isinstance(result, str):
        return False
    one = sorted(found.score for found in result.detected_objects)
    return one == pytest.approx(sorted(found.score for found in expected.detected_objects), abs=1e-4)


def test_jobs_open_no_files_either(served: SimpleNamespace, png: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(png)
    states = {}
    for name, inputs in (("image", base64.b64encode(png).decode()), ("path", str(tmp_path / "picture.png"))):
        job = served.start_job("ObjectDetectionTask", "yolos", inputs)
        deadline = time.monotonic() + 20
        while (state := served.job_state("ObjectDetectionTask", job)) in ("QUEUED", "RUNNING"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        states[name] = state
    assert states == {"image": "COMPLETED", "path": "ERRORED"}


def test_classification(served: SimpleNamespace, png: bytes) -> None:
    result = served.grpc(
        "ImageClassificationTaskPredict", "vit", ImageClassificationResult, inputs=png, top_k=3
    )
    assert len(result.classifications) == 3
    for answer in (
        served.post("image-classification", "vit", png, top_k=3),
        served.upload("image-classification", "vit", png, top_k=3),
    ):
        assert ImageClassificationResult.from_json(answer.text) == result
    assert served.post("image-classification", "vit", png, top_k=0).status_code == 400


def test_segmentation(served: SimpleNamespace, png: bytes) -> None:
    rpc = "ImageSegmentationTaskPredict"
    for model in ("segformer", "mask2former"):
        result = served.grpc(rpc, model, ImageSegmentationResult, inputs=png, threshold=0.0)
        assert result.object_segments
        assert {(found.mask.columns, found.mask.rows) for found in result.object_segments} == {(60, 40)}
        answer = served.post("image-segmentation", model, png, threshold=0.0)
        assert ImageSegmentationResult.from_json(answer.text) == result
        mask = base64.b64decode(answer.json()["object_segments"][0]["mask"]["image_data"])
        assert Image(mask).as_pil().mode == "L"


def test_text_to_image(served: SimpleNamespace) -> None:
    fields = {"inputs": "a sky", "height": 3, "width": 2}
    result = served.grpc("TextToImageTaskPredict", "stub", CaptionedImage, **fields)
    assert (result.caption, result.output.columns, result.output.rows) == ("a sky", 2, 3)
    answer = served.post("text-to-image", "stub", "a sky", height=3, width=2)
    assert CaptionedImage.from_json(answer.text) == result
    assert served.post("text-to-image", "stub", "a sky", height=3, width=10**9).status_code == 400


def test_a_model_for_another_task(served: SimpleNamespace, png: bytes) -> None:
    assert served.post("image-classification", "yolos", png).status_code == 400


SERVICE = """
service ComputerVisionService {
  rpc ImageClassificationTaskPredict(ccv.ImageClassificationTaskRequest) returns
  rpc ImageSegmentationTaskPredict(ccv.ImageSegmentationTaskRequest) returns
  rpc ObjectDetectionTaskPredict(ccv.ObjectDetectionTaskRequest) returns
  rpc TextToImageTaskPredict(ccv.TextToImageTaskRequest) returns
"""


def test_interface_files(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("runtime: {library: caikit_computer_vision, service_generation: {package: ccv}}\n")
    command = [sys.executable, "-m", "caikit.runtime.dump_services", str(tmp_path / "protos")]
    import os

    environment = {**os.environ, "CONFIG_FILES": str(settings)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=50)
    texts = {file.name: file.read_text() for file in (tmp_path / "protos").iterdir()}
    service = " ".join(texts["computervisionservice.proto"].split())
    for line in SERVICE.strip().splitlines():
        assert " ".join(line.split()) in service, service
    request = texts["ccv.objectdetectiontaskrequest.proto"]
    lines = [" ".join(line.split()) for line in request.splitlines() if "=" in line and "syntax" not in line]
    assert lines == [
        "optional double threshold = 4;",
        "bytes inputs_bytes = 1;",
        "string inputs_str = 2;",
        "caikit_data_model.caikit_computer_vision.FlatImage inputs_flatimage = 3;",
    ]
    assert "oneof inputs {" in request
    box = texts["caikit_data_model.caikit_computer_vision.boundingbox.proto"]
    assert [line.strip() for line in box.splitlines() if line.strip().startswith("int64")] == [
        "int64 xmin = 1;",
        "int64 xmax = 2;",
        "int64 ymin = 3;",
        "int64 ymax = 4;",
    ]
