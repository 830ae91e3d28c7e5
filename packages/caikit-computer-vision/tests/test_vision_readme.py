"""The example of the README, run as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import caikit

README = Path(__file__).parents[1] / "README.md"


def test_the_example(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(code) == 1
    (tmp_path / "detect.py").write_text(code[0])
    result = subprocess.run(
        [sys.executable, "detect.py"], cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("cat 1.0 {'xmin': ") for line in lines)
    loaded = caikit.load(str(tmp_path / "models" / "detector"))
    assert [found.label for found in loaded.run(tmp_path / "picture.png").detected_objects] == ["cat"] * 3


def test_the_settings_are_all_there() -> None:
    import yaml

    import caikit_computer_vision

    file = Path(caikit_computer_vision.__file__).with_name("config.yml")
    defaults = yaml.safe_load(file.read_text())
    section = dict(defaults["computer_vision"])
    names = {"allow_downloads", *(f"computer_vision.inputs.{name}" for name in section.pop("inputs"))}
    names.update(f"computer_vision.{name}" for name in section)
    assert (
        set(re.findall(r"^\| `((?:computer_vision\.|allow_)[a-z_.]+)`", README.read_text(), re.MULTILINE))
        == names
    )
