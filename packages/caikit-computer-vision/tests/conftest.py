"""Tiny models with random weights, the same ones in every session, and servers with them."""

from __future__ import annotations

import os

# Before the libraries are imported.
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import base64
import io
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

collect_ignore_glob = (
    [] if find_spec("caikit_computer_vision") and find_spec("transformers") else ["test_*.py"]
)

NAMES = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}


@pytest.fixture
def temp_config() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that merges settings into the configuration; they are gone after the test."""
    import caikit
    from caikit.config import config as config_module

    with config_module.preserved():
        yield lambda settings: caikit.configure(config_dict=settings)


@pytest.fixture
def limit_inputs(temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """Changes the settings of inputs."""
    return lambda **settings: temp_config({"computer_vision": {"inputs": settings}})


def save_yolos(folder: Path, **config: Any) -> None:
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    shape = {"image_size": [32, 32], "patch_size": 8, "num_detection_tokens": 6}
    model = YolosForObjectDetection(YolosConfig(**sizes, **shape, **(config or NAMES)))
    with torch.no_grad():
        model.class_labels_classifier.layers[-1].bias.copy_(torch.tensor([3.0, 0.0, -3.0]))
    model.save_pretrained(folder)
    YolosImageProcessorPil(do_pad=False, size={"height": 32, "width": 32}).save_pretrained(folder)


def resnet(stages: list[str]) -> Any:
    from transformers import ResNetConfig

    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1]}
    return ResNetConfig(**sizes, layer_type="basic", out_features=stages)


def save_detr(folder: Path) -> None:
    import torch
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessorPil

    config = DetrConfig(
        use_timm_backbone=False,
        backbone_config=resnet(["stage4"]),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=5,
        **NAMES,
    )
    model = DetrForObjectDetection(config)
    with torch.no_grad():
        model.class_labels_classifier.bias.copy_(torch.tensor([0.0, 3.0, -3.0]))
    model.save_pretrained(folder)
    DetrImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 64}).save_pretrained(folder)


def save_vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    labels = dict(enumerate("abcdefg"))
    config = ViTConfig(**sizes, image_size=32, patch_size=8, id2label=labels)
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)


def save_segformer(folder: Path) -> None:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil

    sizes: dict[str, Any] = {
        "hidden_sizes": [8, 8, 16, 16],
        "depths": [1] * 4,
        "num_attention_heads": [1] * 4,
    }
    config = SegformerConfig(**sizes, decoder_hidden_size=16, **NAMES)
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def save_mask2former(folder: Path) -> None:
    import torch
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessorPil,
        SwinConfig,
    )

    stages = ["stage1", "stage2", "stage3", "stage4"]
    backbone = SwinConfig(
        image_size=64, embed_dim=8, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=2, out_features=stages
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=32,
        dim_feedforward=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=4,
        num_queries=4,
        **NAMES,
    )
    model = Mask2FormerForUniversalSegmentation(config)
    with torch.no_grad():
        model.class_predictor.bias.copy_(torch.tensor([5.0, 0.0, -3.0]))
    model.save_pretrained(folder)
    Mask2FormerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def save_panoptic_detr(folder: Path) -> None:
    import torch
    from transformers import DetrConfig, DetrForSegmentation, DetrImageProcessorPil

    config = DetrConfig(
        use_timm_backbone=False,
        backbone_config=resnet(["stage1", "stage2", "stage3", "stage4"]),
        d_model=128,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=3,
        **NAMES,
    )
    model = DetrForSegmentation(config)
    with torch.no_grad():
        model.detr.class_labels_classifier.bias.copy_(torch.tensor([5.0, 0.0, -3.0]))
    model.save_pretrained(folder)
    DetrImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(folder)


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of transformers: yolos, nameless, detr, vit, segformer, mask2former and panoptic-detr."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(3)
    save_yolos(folder / "yolos")
    save_yolos(folder / "nameless", num_labels=2)
    save_detr(folder / "detr")
    save_vit(folder / "vit")
    save_segformer(folder / "segformer")
    save_mask2former(folder / "mask2former")
    save_panoptic_detr(folder / "panoptic-detr")
    return folder


@pytest.fixture(scope="session")
def models(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved models: yolos, detr, vit, segformer, mask2former and stub."""
    from caikit_computer_vision.modules import (
        TransformersImageClassifier,
        TransformersObjectDetector,
        TransformersSegmenter,
        TTIStub,
    )

    folder = tmp_path_factory.mktemp("models")
    for name in ("yolos", "detr"):
        TransformersObjectDetector.bootstrap(str(pretrained / name)).save(str(folder / name))
    TransformersImageClassifier.bootstrap(str(pretrained / "vit")).save(str(folder / "vit"))
    for name in ("segformer", "mask2former"):
        TransformersSegmenter.bootstrap(str(pretrained / name)).save(str(folder / name))
    TTIStub.bootstrap().save(str(folder / "stub"))
    return folder


@pytest.fixture(scope="session")
def picture() -> Any:
    """60 columns and 40 rows of many colours."""
    import numpy as np
    import PIL.Image

    pixels = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return PIL.Image.fromarray(pixels)


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """The bytes of a file for a PIL image."""

    def encode(picture: Any, format: str = "PNG", **options: Any) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, format, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session")
def png(picture: Any, encode: Callable[..., bytes]) -> bytes:
    return encode(picture)


@pytest.fixture(scope="session", params=["standard", "native"])
def served(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """Both servers with the saved models, and calls of them."""
    import grpc
    import requests

    import caikit
    import caikit_computer_vision
    from caikit.config import config as config_module
    from caikit.core.data_model import DataBase
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer

    trained = tmp_path_factory.mktemp("trained")
    runtime = {
        "library": caikit_computer_vision.__name__,
        "transport": request.param,
        "local_models_dir": str(models),
        "training": {"output_dir": str(trained), "save_with_id": False},
        "batching": {"standalone-model": {"size": 4}},
        "service_generation": {"package": "ccv"},
        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
        "http": {"port": 0, "host": "127.0.0.1"},
        "metrics": {"enabled": False},
    }

    with config_module.preserved():
        caikit.configure(config_dict={"runtime": runtime})
        with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
            url = f"http://127.0.0.1:{two.port}"

            def grpc_call(rpc: str, model: str, answer: Any, **fields: Any) -> Any:
                service = (
                    "ComputerVisionTrainingService" if rpc.endswith("Train") else "ComputerVisionService"
                )
                kind = rpc.removesuffix("Predict")
                message = DataBase.get_class_for_name(f"ccv.{kind}Request")
                call = channel.unary_unary(
                    f"/ccv.{service}/{rpc}",
                    request_serializer=lambda given: given.to_binary_buffer(),
                    response_deserializer=answer.from_binary_buffer,
                )
                metadata: list[tuple[str, str | bytes]] = [("mm-model-id", model)]
                return call(message(**fields), metadata=metadata, timeout=20)

            def grpc_bytes(rpc: str, model: str, request: bytes) -> bytes:
                metadata: list[tuple[str, str | bytes]] = [("mm-model-id", model)]
                answer: bytes = channel.unary_unary(f"/ccv.ComputerVisionService/{rpc}")(
                    request, metadata=metadata, timeout=20
                )
                return answer

            def start_job(task: str, model: str, inputs: Any) -> Any:
                from caikit.interfaces.runtime.data_model import PredictionJob

                request = DataBase.get_class_for_name(f"ccv.{task}Request")(inputs=inputs)
                call = channel.unary_unary(
                    f"/ccv.ComputerVisionJobService/{task}StartPredictionJob",
                    request_serializer=lambda given: given.to_binary_buffer(),
                    response_deserializer=PredictionJob.from_binary_buffer,
                )
                metadata: list[tuple[str, str | bytes]] = [("mm-model-id", model)]
                return call(request, metadata=metadata, timeout=20).prediction_id

            def job_state(task: str, job: str) -> str:
                from caikit.core.data_model import JobStatus
                from caikit.interfaces.runtime.data_model import (
                    PredictionJobInfoRequest,
                    PredictionJobStatusResponse,
                )

                call = channel.unary_unary(
                    f"/ccv.ComputerVisionJobService/{task}GetPredictionJobStatus",
                    request_serializer=lambda given: given.to_binary_buffer(),
                    response_deserializer=PredictionJobStatusResponse.from_binary_buffer,
                )
                return JobStatus(call(PredictionJobInfoRequest(prediction_id=job), timeout=20).state).name

            def post(task: str, model: str, inputs: Any, **parameters: Any) -> requests.Response:
                body = {"model_id": model, "inputs": as_json(inputs), "parameters": parameters}
                return requests.post(f"{url}/api/v1/task/{task}", json=body, timeout=20)

            def upload(task: str, model: str, content: bytes, **parameters: Any) -> requests.Response:
                texts = {f"parameters.{name}": str(value) for name, value in parameters.items()}
                return requests.post(
                    f"{url}/api/v1/task/{task}",
                    data={"model_id": model, **texts},
                    files={"inputs": ("picture.png", content, "image/png")},
                    timeout=20,
                )

            yield SimpleNamespace(
                trained=trained,
                url=url,
                grpc=grpc_call,
                post=post,
                upload=upload,
                grpc_bytes=grpc_bytes,
                start_job=start_job,
                job_state=job_state,
                RpcError=grpc.RpcError,
            )


def as_json(inputs: Any) -> Any:
    if isinstance(inputs, bytes):
        return base64.b64encode(inputs).decode()
    return inputs
