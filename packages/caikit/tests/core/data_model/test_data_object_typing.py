"""What type checkers know about data objects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

SOURCE = Path(__file__).parents[3] / "src"
PROGRAM = """
import dataclasses
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.nlp.data_model import GeneratedTextResult, Token

@dataobject("sample")
class Person(DataObjectBase):
    name: str
    age: int | None

@dataobject("sample")
@dataclasses.dataclass
class Strict(DataObjectBase):
    name: str
    age: int | None = None

person = Person("Ann")  # right: every argument may be left out
same = Person.from_json("{}")
text: str = same.name
result = GeneratedTextResult(generated_text="a")
fields = dataclasses.fields(person)
token: str = Token(1, 2, "a").text
strict = dataclasses.replace(Strict("Ann", age=3), name="Eve")
person.nme  # attr-defined
person.age = "old"  # assignment
number: int = token  # assignment
Strict(3)  # arg-type
Strict()  # call-arg
Strict("Ann", agee=1)  # call-arg
dataobject(validat=True)  # call-overload
"""


def test_mypy(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "sample.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    found = {
        (int(line.split(":")[1]), line.rpartition("[")[2].rstrip("]"))
        for line in done.stdout.splitlines()
        if line.startswith("sample.py:") and ": error:" in line
    }
    codes = [line.partition("  # ")[2] for line in PROGRAM.splitlines()]
    expected = {(number, code) for number, code in enumerate(codes, 1) if "-" in code or code == "assignment"}
    assert found == expected, done.stdout + done.stderr
