"""The helpers of cli.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLI = Path(__file__).parents[1] / "caikit_huggingface_demo" / "cli.py"

pytestmark = pytest.mark.timeout(120)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CLI), *arguments],
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_add(tmp_path: Path) -> None:
    result = run(tmp_path, "add", "summarization", "some/model", "--revision", "abc", "--id", "mine")
    assert result.stdout == f"Wrote {Path('models', 'mine', 'config.yml')}\n"
    assert (tmp_path / "models" / "mine" / "config.yml").read_text() == (
        "module_id: 866DB835-F2EA-4AD1-A57E-E2707A293EB9\nhf_model: some/model\nhf_model_revision: abc\n"
    )
    again = run(tmp_path, "add", "summarization", "--id", "mine")
    assert again.returncode == 1
    assert "is already there" in again.stderr


@pytest.mark.parametrize("name", ["../mine", ".hidden", "a/b", "/tmp/mine"])
def test_models_are_added_in_one_place(name: str, tmp_path: Path) -> None:
    result = run(tmp_path, "add", "sentiment", "--id", name)
    assert result.returncode == 1
    assert "expected the name of a folder" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_task_that_there_is_not(tmp_path: Path) -> None:
    result = run(tmp_path, "add", "cooking")
    assert result.returncode == 2
    assert "'cooking' is not one of" in result.stderr


def test_setup(tmp_path: Path) -> None:
    assert run(tmp_path, "setup").stdout == f"Made {Path('models', 'sentiment')}\n"
    config = (tmp_path / "models" / "sentiment" / "config.yml").read_text()
    assert config == "module_id: FADC770C-25C8-4685-A176-51FF67B382C1\n"
    assert run(tmp_path, "setup").stdout == "models is already there.\n"


def test_clean(tmp_path: Path) -> None:
    cache = tmp_path / ".cache" / "huggingface"
    cache.mkdir(parents=True)
    assert run(tmp_path, "clean").stdout == "You need to --confirm to delete the cache.\n"
    assert cache.exists()
    assert run(tmp_path, "clean", "--confirm").stdout == "---> The Hugging Face cache is removed\n"
    assert not cache.exists()


def test_start(tmp_path: Path) -> None:
    result = run(tmp_path, "start", "--no-backend", "--no-frontend")
    assert result.returncode == 0
    assert "Inference service generation completed" in result.stdout
