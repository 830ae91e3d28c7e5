"""The messages that clients are compiled against."""

from __future__ import annotations

import numpy as np
import pytest

from caikit.core.data_model import DataBase
from caikit_computer_vision import data_model
from caikit_computer_vision.data_model import FlatChannel, FlatImage

PACKAGE = "caikit_data_model.caikit_computer_vision"
OWN = f"{PACKAGE}."
PRODUCER = "caikit_data_model.common.ProducerId"
IMAGE = "caikit_data_model.vision.Image"

MESSAGES = {
    "BoundingBox": ["int64 xmin=1", "int64 xmax=2", "int64 ymin=3", "int64 ymax=4"],
    "Point2f": ["double x=1", "double y=2"],
    "Point2d": ["int64 x=1", "int64 y=2"],
    "DetectedObject": [
        "double score=1",
        "string label=2",
        f"{OWN}BoundingBox box=3",
        f"repeated {OWN}Point2f object_segments=4",
        "string rle=5",
        f"{OWN}Anomaly anomaly=6",
    ],
    "Anomaly": [
        "double score=1",
        "double anomaly_threshold=2",
        "string detail_data=3",
        f"repeated {OWN}AnomalyRegion regions=4",
    ],
    "AnomalyRegion": ["double score=1", f"{OWN}BoundingBox box=2", f"{OWN}Point2d anomaly_hotspot=3"],
    "ObjectDetectionResult": [
        f"repeated {OWN}DetectedObject detected_objects=1",
        f"{PRODUCER} producer_id=2",
    ],
    "ObjectDetectionTrainSet": ["string img_dir_path=1", "string labels_file=2"],
    "ImageClassification": ["string label=1", "double score=2"],
    "ImageClassificationResult": [
        f"repeated {OWN}ImageClassification classifications=1",
        f"{PRODUCER} producer_id=2",
    ],
    "ObjectSegment": [
        "double score=1",
        "string label=2",
        f"{OWN}BoundingBox bbox=3",
        "int64 area=4",
        "repeated double polygon=5",
        f"{IMAGE} mask=6",
    ],
    "ImageSegmentationResult": [
        f"repeated {OWN}ObjectSegment object_segments=1",
        f"{PRODUCER} producer_id=2",
    ],
    "FlatChannel": ["repeated uint32 values=1"],
    "FlatImage": [f"repeated {OWN}FlatChannel flat_channels=1", "repeated uint32 image_shape=2"],
    "CaptionedImage": [f"{IMAGE} output=1", "string caption=2", f"{PRODUCER} producer_id=3"],
}
KINDS = {1: "double", 3: "int64", 9: "string", 13: "uint32"}


@pytest.mark.parametrize("name", MESSAGES)
def test_fields(name: str) -> None:
    descriptor = DataBase.get_class_for_name(f"{PACKAGE}.{name}").get_proto_class().DESCRIPTOR
    found = []
    for field in descriptor.fields:
        kind = field.message_type.full_name if field.message_type else KINDS[field.type]
        found.append(f"{'repeated ' if field.is_repeated else ''}{kind} {field.name}={field.number}")
    assert found == MESSAGES[name]


def test_the_list_is_complete() -> None:
    exported = [getattr(data_model, name) for name in data_model.__all__]
    messages = {each.__name__ for each in exported if isinstance(each, type) and issubclass(each, DataBase)}
    assert messages == {*MESSAGES, "Image"}


@pytest.mark.parametrize(
    "task", ["ObjectDetection", "ImageClassification", "ImageSegmentation", "TextToImage"]
)
def test_tasks_have_one_input(task: str) -> None:
    assert list(getattr(data_model, f"{task}Task").get_required_parameters(False)) == ["inputs"]


@pytest.mark.parametrize("values", [[256], [-1], [0, 1, 1000]])
def test_values_of_channels(values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"expected values from 0 to 255|out of range"):
        FlatChannel(values)


def test_channels_need_values() -> None:
    with pytest.raises(TypeError, match="expected values in a FlatChannel, got none"):
        FlatChannel()
    with pytest.raises(TypeError, match="expected flat_channels and image_shape"):
        FlatImage()


@pytest.mark.parametrize(
    ("channels", "shape"),
    [
        ([[1, 2], [3]], [1, 2, 2]),
        ([[1, 2]], [1, 2, 2]),
        ([[1, 2]], [2, 2, 1]),
        ([[1, 2]], [1, 2]),
        ([[]], [0, 0, 1]),
    ],
)
def test_shapes_that_do_not_fit(channels: list[list[int]], shape: list[int]) -> None:
    with pytest.raises(ValueError, match="of a FlatImage"):
        FlatImage([FlatChannel(values) for values in channels], shape)


@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 1, 1), (2, 5, 4)])
def test_arrays(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    image = FlatImage.from_numpy(pixels)
    assert list(image.image_shape) == list(shape)
    assert np.array_equal(image.to_numpy(), pixels)
    for copy in (FlatImage.from_proto(image.to_proto()), FlatImage.from_json(image.to_json())):
        assert np.array_equal(copy.to_numpy(), pixels)


def test_an_array_without_channels() -> None:
    assert FlatImage.from_numpy(np.zeros((2, 3), np.uint8)).to_numpy().shape == (2, 3, 1)
    with pytest.raises(ValueError, match="expected an array of rows, columns and channels"):
        FlatImage.from_numpy(np.zeros(3, np.uint8))
