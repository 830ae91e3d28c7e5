"""The reference shows what the modules export."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "packages" / "caikit" / "src"
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
DESCRIBED = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
LISTED = re.compile(r"^{{ names ([\w.]+) }}$", re.MULTILINE)
# What the servers are made of; programs use the faces.
INTERNAL = re.compile(
    r"caikit\.runtime\.(engine|heads|metrics|models|security|services|transport|utils)\b|.*(\._|__main__)"
)


def exports() -> Iterator[tuple[str, list[str]]]:
    """Each module that has `__all__`, with its names in the order of the file."""
    for file in sorted((SOURCES / "caikit").rglob("*.py")):
        for statement in ast.parse(file.read_text()).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
                parts = file.relative_to(SOURCES).with_suffix("").parts
                yield ".".join(parts).removesuffix(".__init__"), ast.literal_eval(statement.value)


def test_every_all_is_sorted() -> None:
    """Constants, then classes, then the rest."""
    unsorted = []
    for module, names in exports():
        ordered = sorted(
            names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
        )
        if names != ordered:
            unsorted.append(module)
    assert unsorted == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation; a warning would end the build."""
    candidates = [ROOT / ".venvs" / "docs" / "bin", Path(sys.executable).parent]
    if found := shutil.which("mkdocs"):
        candidates.append(Path(found).parent)
    mkdocs = next(
        (each / "mkdocs" for each in candidates if (each / "mkdocs").exists() and builds(each)), None
    )
    if mkdocs is None:
        pytest.skip("what builds the documentation is not installed (make docs installs it)")
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [mkdocs, "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def builds(folder: Path) -> bool:
    check = [folder / "python", "-c", "import mkdocstrings_handlers.python"]
    return subprocess.run(check, capture_output=True, timeout=20, check=False).returncode == 0


def test_pages_show_what_modules_export(site: Path) -> None:
    exported = dict(exports())
    for page in PAGES:
        html = (site / "reference" / page.stem / "index.html").read_text()
        for module in DESCRIBED.findall(page.read_text()):
            if module in exported:  # else it is a single name
                shown = set(re.findall(rf'id="{re.escape(module)}\.(\w+)"', html))
                assert without_modules(module, shown) == without_modules(module, exported[module]), module
        for module in LISTED.findall(page.read_text()):
            table = re.search(rf"<th><code>{re.escape(module)}</code></th>.*?</table>", html, re.DOTALL)
            assert table, module
            assert re.findall(r"<td><a[^>]*><code>(\w+)</code>", table[0]) == exported[module], module


def test_everything_public_is_described(site: Path) -> None:
    listed = {module for page in PAGES for module in LISTED.findall(page.read_text())}
    known = inventory(site)
    public = {
        f"{module}.{name}"
        for module, names in exports()
        if module not in listed and not INTERNAL.match(module)
        for name in without_modules(module, names)
    }
    assert len(public) > 300
    assert sorted(public - known) == []


def without_modules(package: str, names: Iterable[str]) -> set[str]:
    """Modules are described on their own; these two have the name of a function in them, which hides them."""
    folder = SOURCES.joinpath(*package.split("."))
    modules = {each.stem for each in folder.glob("*") if each.suffix in ("", ".py")} - {"dataobject", "task"}
    return set(names) - modules


def inventory(site: Path) -> set[str]:
    """Everything that the pages describe, by all of its names: compressed lines below a header of four."""
    content = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" ", 1)[0] for line in zlib.decompress(content).decode().splitlines()}
