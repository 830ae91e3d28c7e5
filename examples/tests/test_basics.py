"""Each file of examples/basics prints what its README says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

EXPECTED = [
    ("settings.py", {}, "Hello\n"),
    ("settings.py", {"GREETER_LOUD": "true", "GREETER_TIMES": "2"}, "HELLO\nHELLO\n"),
    ("plugins.py", {}, "cache: keeps up to 100 items in memory\n"),
    ("plugins.py", {"CACHE_TYPE": "FOLDER"}, "cache: keeps items in the folder cache\n"),
    ("cancel.py", {}, "ran: True\ndestroyed: True\ncanceled: True\n"),
    ("log_and_check.py", {}, "ho ho ho \n"),
    ("data_streams.py", {}, "[4, 16, 36]\n['cat', 'hen']\n6\n"),
    ("modules.py", {}, "NameFinder ['ada', 'edsger', 'grace']\n['ada', 'grace']\n"),
    ("tasks.py", {}, '{"text": "ellohay ittlelay orldway"}\nneoay\nordway\nacheay\n'),
    (
        "augment.py",
        {},
        """\
['Hello', 'World', 'hello', 'world']
['HELLO', 'WORLD', 'HELLO', 'WORLD', 'EHLLO', 'OWRLD', 'EHLLO', 'OWRLD']
""",
    ),
    (
        "vectors.py",
        {},
        """\
{"text": "Hello", "embedding": {"data": {"values": [0.5, 0.25, 1.0]}}, "weights": [0.5, 0.25, 1.0]}
39 bytes
ndarray float32
list [0.5, 0.25, 1.0]
""",
    ),
    ("serve_grpc.py", {}, "Training: COMPLETED\nGood evening, Ada\n"),
    ("serve_http.py", {}, "Training: COMPLETED\nGood evening, Ada\n"),
    (
        "data_objects.py",
        {},
        """\
250.0
{"title": "Pancakes", "ingredients": [{"name": "flour", "amount": 250.0, "unit": "GRAM"}, \
{"name": "egg", "amount": 2.0, "unit": "PIECE"}], "serves": null}
title: "Pancakes"
ingredients {
  name: "flour"
  amount: 250
  unit: GRAM
}
ingredients {
  name: "egg"
  amount: 2
  unit: PIECE
}

48 bytes
egg
""",
    ),
]


@pytest.mark.parametrize(("script", "environment", "output"), EXPECTED, ids=[each[0] for each in EXPECTED])
def test_prints(run_script, examples: Path, script: str, environment: dict[str, str], output: str) -> None:
    result = run_script(examples / "basics" / script, environment=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout == output


def test_pretty_log(run_script, examples: Path) -> None:
    settings = {"LOG_LEVEL": "debug", "LOG_FORMATTER": "pretty"}
    result = run_script(examples / "basics" / "log_and_check.py", environment=settings)
    logged = result.stdout + result.stderr
    assert re.search(r"\[DEMO +:DBUG:\d+\] BEGIN: repeat", logged), logged


def test_a_refused_value_is_logged(run_script, examples: Path) -> None:
    result = run_script(examples / "basics" / "log_and_check.py", environment={"TIMES": "0"})
    assert result.stdout.splitlines()[-1] == "ValueError"
    logged = [
        json.loads(line) for line in (result.stdout + result.stderr).splitlines() if line.startswith("{")
    ]
    assert [line["log_code"] for line in logged] == ["<DMO27182818E>"]
    assert "times is 0, expected at least 1" in logged[0]["message"]


def test_the_readme_lists_every_file(examples: Path) -> None:
    readme = (examples / "basics" / "README.md").read_text()
    listed = set(re.findall(r"^\| `(\w+\.py)`", readme, re.MULTILINE))
    assert listed == {file.name for file in (examples / "basics").glob("*.py")}
