"""The examples of the toolkit's page about its layers run unchanged and print what the page shows."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

PAGE = "002_c861e4bec6e0ef2e.txt"
NAMES = [
    "config_example.py",
    "factory_example.py",
    "concurrency_example.py",
    "log_error_example.py",
    "dataobject_example.py",
    "datastream_example.py",
    "module_example.py",
    "task_example.py",
    "augmentor_example.py",
    "grpc_example.py",
    "http_example.py",
]


class Step(NamedTuple):
    command: str
    output: list[str]


def code_blocks(text: str, *languages: str) -> list[str]:
    """The fenced code blocks of a Markdown text, without the indentation of the list that they stand in."""
    blocks = []
    for indent, language, body in re.findall(
        r"^([ ]*)```(\w+)[^\n]*\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE
    ):
        if language in languages:
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            blocks.append("\n".join(lines) + "\n")
    return blocks


@pytest.fixture
def page(seeds: Path, tmp_path: Path) -> str:
    """The page's text; its Python examples are files in the temporary folder."""
    text = (seeds / PAGE).read_text()
    for name, code in zip(NAMES, code_blocks(text, "py"), strict=True):
        (tmp_path / name).write_text(code)
    return text


def steps(page: str, name: str) -> list[Step]:
    """The commands that the page shows for an example, each with the lines printed."""
    (block,) = (block for block in code_blocks(page, "sh") if f"python {name}" in block)
    found: list[Step] = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("# >>>"):
            found[-1].output.append(line.removeprefix("# >>>").removeprefix(" "))
        elif line and not line.startswith("#"):
            found.append(Step(line, []))
    return found


def run(command: str, folder: Path) -> list[str]:
    """What the command prints at a terminal; elsewhere a process that is stopped loses what it has not flushed."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GRPC_VERBOSITY": "ERROR",  # the gRPC library tells of each connection that a stopped server closes
        "NO_COLOR": "1",  # newer Pythons colour tracebacks at a terminal
        "RUNTIME_GRPC_PORT": "0",
        "RUNTIME_HTTP_PORT": "0",
        "RUNTIME_METRICS_ENABLED": "false",
    }
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        printed = b"".join(read_until_closed(screen))
        process.wait(30)
    # a process may be stopped just before the end of its line
    return printed.decode().replace("WorldDestroyed", "World\r\nDestroyed").splitlines()


def read_until_closed(screen: BinaryIO) -> Iterator[bytes]:
    with suppress(OSError):  # how Linux tells that the last process has left the terminal
        while chunk := screen.read(65536):
            yield chunk


def comparable(lines: list[str]) -> list[object]:
    """Without times and thread ids, set order, how often a line is repeated, and blank lines at the end."""
    result: list[object] = []
    for line in lines:
        item: object = re.sub(r"^[\d-]+T[\d:.]+ \[(\w+) *:(\w+):\d+\]", r"[\1:\2]", line)
        if line.startswith('{"channel"'):
            logged = json.loads(line)
            item = {key: logged[key] for key in logged.keys() - {"thread_id", "timestamp"}}
        elif found := re.fullmatch(r"(Results for .*: )(\[.*\])", line):
            item = (found[1], sorted(ast.literal_eval(found[2])))
        if not result or item != result[-1]:
            result.append(item)
    while result and result[-1] == "":
        result.pop()
    return result


def assert_same(actual: list[str], expected: list[str]) -> None:
    if "..." in expected:  # the page leaves out a traceback
        gap = expected.index("...")
        after = len(expected) - gap - 1
        actual, expected = [*actual[:gap], *actual[-after:]], [*expected[:gap], *expected[gap + 1 :]]
    assert comparable(actual) == comparable([line.rstrip() for line in expected])


@pytest.mark.parametrize("name", [name for name in NAMES[:8] if name != "datastream_example.py"])
def test_prints_what_the_page_shows(page: str, tmp_path: Path, name: str) -> None:
    for step in steps(page, name):
        unlisted = ["UNK[bar]"] if name == "task_example.py" else []  # the fourth of the four words
        assert_same(run(step.command, tmp_path), step.output + unlisted)


def test_data_streams(page: str, tmp_path: Path) -> None:
    (step,) = steps(page, "datastream_example.py")
    printed = run(step.command, tmp_path)
    assert printed[:2] == step.output[:2]
    # the page lists a folder of its author's
    assert [sorted(ast.literal_eval(line)) for line in printed[2:]] == [sorted(NAMES)] * 2


def test_augmentors(page: str, tmp_path: Path) -> None:
    (printed,) = run("python augmentor_example.py", tmp_path)
    numbers = ast.literal_eval(printed)
    doubled = [float(number) for number in [*range(10), *range(0, 20, 2)]]
    assert numbers[:20] == doubled
    assert numbers[20:] != doubled
    assert numbers[20:] == pytest.approx(doubled, abs=0.5)


@pytest.mark.parametrize(
    ("name", "greeting"), [("grpc_example.py", "Greetings Gabe"), ("http_example.py", "Heyo Gabe")]
)
def test_servers(page: str, tmp_path: Path, name: str, greeting: str) -> None:
    printed = [line for line in run(f"python {name}", tmp_path) if not line.startswith("{")]
    assert len(printed) == 3, "\n".join(printed)
    started, finished, got = printed
    training_id = re.fullmatch(r"Started Training (\S+) for model greeter", started)
    assert training_id
    assert finished == f"Finished training {training_id[1]}"
    assert got == f"Got greeting: {greeting}"
