"""What the import of the library loads and sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def python(code: str, path: Path | None = None, **environment: str) -> str:
    """What the code prints in a Python of its own."""
    variables = {**os.environ, **environment, **({} if path is None else {"PYTHONPATH": str(path)})}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=variables, timeout=50
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


ABSENT = (
    "import sys\n"
    "for name in ('torch', 'transformers'): sys.modules[name] = None\n"
    "from caikit_computer_vision.modules import TransformersObjectDetector as Detector\n"
    "try: Detector.bootstrap('anything')\n"
    "except ImportError as absent: print(absent)"
)


def test_nothing_heavy_is_loaded() -> None:
    names = "'torch', 'transformers', 'grpc', 'starlette', 'huggingface_hub'"
    code = f"import sys, caikit_computer_vision\nprint([name for name in ({names}) if name in sys.modules])"
    assert python(code) == "[]"


def test_without_the_libraries() -> None:
    expected = "Vision models need torch and transformers: install caikit-computer-vision[transformers]"
    assert python(ABSENT) == expected


def test_a_torchvision_that_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator nms does not exist')\n"
    )
    code = ABSENT.replace("'torch', 'transformers'", "")
    printed = python(code, tmp_path)
    assert printed.startswith("The installed torchvision does not work with torch 2.")
    assert "uninstall it" in printed


SETTINGS = (
    "import caikit\n"
    "{before}\n"
    "import caikit_computer_vision\n"
    "found = caikit.get_config()\n"
    "print(found.runtime.library, found.allow_downloads, found.computer_vision.inputs.max_frames)"
)


CONFIGURED = (
    "given = {'inputs': {'max_frames': 3}}\n"
    "caikit.configure(config_dict={'allow_downloads': True, 'computer_vision': given})\n"
    "caikit.configure(config_dict={'runtime': {'library': 'mine'}})"
)


@pytest.mark.parametrize(
    ("before", "environment", "expected"),
    [
        ("", {}, "caikit_computer_vision False 1"),
        (
            "",
            {"ALLOW_DOWNLOADS": "true", "COMPUTER_VISION_INPUTS_MAX_FRAMES": "7"},
            "caikit_computer_vision True 7",
        ),
        (
            CONFIGURED,
            {},
            "mine True 3",
        ),
    ],
)
def test_settings(before: str, environment: dict[str, str], expected: str) -> None:
    assert python(SETTINGS.format(before=before), **environment) == expected


def test_settings_hold_without_the_defaults() -> None:
    code = (
        "import caikit\n"
        "from caikit.config import config\n"
        "with config.preserved():\n"
        "    import caikit_computer_vision\n"
        "from caikit_computer_vision.data_model import FlatChannel, FlatImage\n"
        "from caikit_computer_vision.images import read_image\n"
        "print(read_image(FlatImage([FlatChannel([1])], [1, 1, 1])).size)"
    )
    assert python(code) == "(1, 1)"
