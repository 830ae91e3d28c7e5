"""What the pages about tasks on images show is what happens, in the order of the pages: the first one starts a server for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TASKS = Path(__file__).parents[2] / "tasks"
FIRST = "image-models"
PAGES = [
    "object-detection",
    "image-classification",
    "image-segmentation",
    "text-to-image",
]


@pytest.fixture(scope="module")
def served(group_terminal: Any, answers: Any) -> Any:
    answers.page = TASKS / f"{FIRST}.md"
    group_terminal.follow(answers.page, install=False)
    return group_terminal


@pytest.mark.timeout(170)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_about_images_can_be_followed(served: Any, answers: Any, name: str) -> None:
    answers.page = TASKS / f"{name}.md"
    served.follow(answers.page, install=False)
