"""What the pages show is what happens."""

from __future__ import annotations

import re
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
