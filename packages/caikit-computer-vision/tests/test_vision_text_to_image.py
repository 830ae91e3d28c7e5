"""Text to image without weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import caikit
from caikit_computer_vision.modules import TTIStub


def test_images_in_one_colour(tmp_path: Path) -> None:
    TTIStub.bootstrap().save(str(tmp_path / "model"))
    result = caikit.load(str(tmp_path / "model")).run("a blue sky", height=3, width=4)
    assert result.caption == "a blue sky"
    assert np.array_equal(result.output.as_numpy(), np.full((3, 4, 3), (0, 100, 200)))
    assert result.producer_id.name == "Stub module for Text to Image"


@pytest.mark.parametrize(("height", "width"), [(0, 1), (1, -1), (100_000, 100_000)])
def test_sizes_that_cannot_be(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        TTIStub().run("x", height, width)
