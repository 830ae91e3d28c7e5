"""What the files of a model may name."""

from __future__ import annotations

import pytest

from caikit_nlp.toolkit._folders import folder_inside


def test_folders_of_a_model(tmp_path):
    assert folder_inside(str(tmp_path), "weights/best", "place") == str(tmp_path / "weights" / "best")
    assert folder_inside(str(tmp_path), "", "place") == str(tmp_path)
    for outside in ("..", "../other", "/etc", f"../{tmp_path.name}-more", "weights/../../other"):
        with pytest.raises(ValueError, match="expected a folder inside the model as place"):
            folder_inside(str(tmp_path), outside, "place")
