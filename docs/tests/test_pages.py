"""What the pages show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_the_tutorial_can_be_followed(terminal) -> None:
    terminal.follow(ROOT / "docs" / "tutorial.md", install=True)
    terminal.stop()


def test_the_page_of_the_package_can_be_followed(terminal) -> None:
    # Two installations at the same time would build in the same folder.
    terminal.follow(ROOT / "packages" / "caikit" / "README.md", install=False)
    terminal.stop()


def test_pages_show_the_examples_as_they_are() -> None:
    script = ROOT / "scripts" / "example_blocks.py"
    result = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_pages_can_be_read_without_the_built_site() -> None:
    """No code block has a title or an include, which a code host would not show."""
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "packages" / "caikit" / "README.md"]
    pattern = re.compile(r"^```\w+ .|^--8<--", re.MULTILINE)
    assert [str(page.relative_to(ROOT)) for page in pages if pattern.search(page.read_text())] == []


def test_every_dependency_has_its_reason() -> None:
    project = (ROOT / "packages" / "caikit" / "pyproject.toml").read_text()
    required = set(re.findall(r'^    "([\w-]+)[>=]', project, re.MULTILINE)) - {"setuptools"}
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    assert required
    assert [name for name in sorted(required) if f"`{name}`" not in explained] == []


def test_every_extra_is_on_the_first_page() -> None:
    project = (ROOT / "packages" / "caikit" / "pyproject.toml").read_text()
    section = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = re.findall(r"^([\w-]+) = ", section, re.MULTILINE)
    assert extras
    for page in ("docs/index.md", "packages/caikit/README.md"):
        text = (ROOT / page).read_text()
        assert [extra for extra in extras if f"| `{extra}` |" not in text] == [], page


def test_the_readme_lists_every_command() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {
        "help",
        "test-demo",
    }
    readme = (ROOT / "README.md").read_text()
    assert {name for name in targets if f"| `make {name}` |" not in readme} == set()


def test_links_in_the_repository_point_at_something() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("packages/*/*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
