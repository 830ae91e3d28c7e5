"""Tasks that the demo does not know, served by somebody else or added to its library, called by a program."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]  # those of gradio_client

DEMO = Path(__file__).parents[1] / "caikit_huggingface_demo"
LIBRARIES = Path(__file__).parent / "libraries"
ENABLED = [f"✅️  {task} tab is enabled!" for task in ("CountTask", "DescribeTask", "RepeatTask", "SumTask")]
PERSON = '{"name": "Ada", "mood": "LOUD", "address": {"street": "Main", "numbers": [1, 2]}}'


@pytest.fixture(scope="module")
def client(own_page: Any) -> Iterator[Client]:
    client = Client(own_page.url(), verbose=False)
    yield client
    client.close()


def test_tabs(own_page: Any) -> None:
    assert [line for line in own_page.lines if line.startswith("✅️")] == ENABLED
    assert (
        "⚠️  Disabling Sentiment tab due to:  Failed to find expected method: SentimentTaskPredict"
        in own_page.lines
    )


def test_parameters(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {
        name: {each["parameter_name"]: each["label"] for each in endpoint["parameters"]}
        for name, endpoint in endpoints.items()
        if "Task" in name
    }
    model = {"model_id": "Model ID"}
    numbers = {"numbers": "numbers: a whole number per line"}
    assert parameters == {
        "/CountTask": {"up_to": "up_to: a whole number", "pause": "pause: a number, optional"} | model,
        "/DescribeTask": {
            "person": "person: Person",
            "picture": "picture: a file",
            "tags": "tags: a text per line",
            "names": "names: one of names_str_sequence, names_int_sequence",
            "scores": "scores: a map from a text to a whole number",
            "other": "other: Person, optional",
        }
        | model,
        "/RepeatTask": {
            "text": "text: a text",
            "loud": "loud: true or false",
            "times": "times: a whole number, optional",
            "factor": "factor: a number, optional",
            "end": "end: true or false, optional",
        }
        | model,
        "/SumTask": numbers | model,
        "/ClientStreamingSumTask": {"requests": "requests: a list of ClientStreamingSumTaskRequest"} | model,
    }


def test_what_is_left_out_is_not_sent(client: Client) -> None:
    def repeat(**fields: Any) -> Any:
        return client.predict(text="so", model_id="repeater", api_name="/RepeatTask", **fields)

    assert repeat() == {"text": "so so.", "number": 2}
    assert repeat(times=3, loud=True) == {"text": "SO SO SO.", "number": 3}
    assert repeat(times=0, factor=2, end=False) == {"text": "", "number": 0}
    assert repeat(times=3, factor=1.5, end=False) == {"text": "so so so", "number": 4}
    assert repeat(times="2", factor=2**52, end=False) == {"text": "so so", "number": 2**53}
    assert repeat(times="2", factor=2**53, end=False) == {"text": "so so", "number": str(2**54)}


def test_streams(client: Client) -> None:
    three = [{"text": f"number {number}", "number": number} for number in (1, 2, 3)]
    assert client.predict(up_to=3, model_id="counter", api_name="/CountTask") == three
    assert client.predict(up_to=0, model_id="counter", api_name="/CountTask") == []
    assert client.predict("1\n\n2", "adder", api_name="/SumTask") == {"text": "2 numbers", "number": 3}
    requests = '[{"numbers": 4}, {"numbers": 5}]'
    added = client.predict(requests, "adder", api_name="/ClientStreamingSumTask")
    assert added == {"text": "2 numbers", "number": 9}


def test_what_is_not_a_scalar(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"12345")

    def describe(**fields: Any) -> Any:
        return client.predict(
            person=PERSON,
            picture=handle_file(file),
            model_id="describer",
            api_name="/DescribeTask",
            **fields,
        )

    person = {"name": "Ada", "mood": "LOUD", "address": {"street": "Main", "numbers": [1, 2]}}
    assert describe() == {"person": person, "size": 5, "given": []}
    assert describe(tags="a\nb", names='{"names_int_sequence": {"values": [1]}}', scores='{"x": 1}')[
        "given"
    ] == [
        "tags=['a', 'b']",
        "names=[1]",
        "scores={'x': 1}",
    ]


@pytest.mark.parametrize(
    ("task", "fields", "message"),
    [
        (
            "RepeatTask",
            {"times": 1.5},
            "times: expected a whole number from -9223372036854775808 to .*, got '1.5'",
        ),
        (
            "RepeatTask",
            {"times": 2**63},
            "times: expected a whole number from .* to 9223372036854775807, got ",
        ),
        ("RepeatTask", {"times": 3.5e4}, "times: expected a whole number from .*, got '35000.0'"),
        ("RepeatTask", {"times": "many"}, "times: expected a whole number from .*, got 'many'"),
        ("RepeatTask", {"end": "perhaps"}, "perhaps is not in the list of choices"),
        ("CountTask", {"up_to": None}, "up_to: expected a whole number, got nothing"),
        ("CountTask", {"up_to": -1}, r"expected 0 or more as up_to, got -1 in <this> \*call\*"),
        ("SumTask", {"numbers": "1\n\nx"}, "numbers, line 3: expected a whole number from .*, got 'x'"),
        ("DescribeTask", {"person": ""}, "person: expected Person as JSON, got nothing"),
        ("DescribeTask", {"person": "{}", "picture": None}, "picture: expected a file, got nothing"),
        (
            "DescribeTask",
            {"person": '{\n"name": x}'},
            "person: expected JSON, got something else at line 2, column 9",
        ),
        ("DescribeTask", {"person": "[" * 100_000}, "person: expected JSON that can be read: "),
        ("DescribeTask", {"person": "[]"}, "person: expected an object, got a list"),
        ("DescribeTask", {"person": '{"nam": "x"}'}, 'person: .* has no field named "nam"'),
        ("DescribeTask", {"person": r'{"name": "\ud800"}'}, "person: "),
        ("DescribeTask", {"person": '{"mood": "SAD"}'}, "person: Invalid enum value SAD"),
        (
            "DescribeTask",
            {"person": "{}", "names": '{"person": {}}'},
            "names: expected one of .*, got person",
        ),
        ("DescribeTask", {"person": "{}", "scores": '{"a": "b"}'}, "scores: .*'b'"),
        ("ClientStreamingSumTask", {"requests": "[]"}, "The request stream is empty"),
        ("ClientStreamingSumTask", {"requests": "1"}, "requests: expected a list, got a number"),
        (
            "ClientStreamingSumTask",
            {"requests": "[{}, 1]"},
            "requests, number 2: expected an object, got a number",
        ),
    ],
)
def test_bad_input(task: str, fields: dict[str, Any], message: str, client: Client) -> None:
    usual = {"RepeatTask": {"text": "so"}, "DescribeTask": {"picture": handle_file(__file__)}}.get(task, {})
    models = {"RepeatTask": "repeater", "CountTask": "counter", "DescribeTask": "describer"}
    with pytest.raises(Exception, match=message):
        client.predict(**usual | fields, model_id=models.get(task, "adder"), api_name=f"/{task}")


def test_a_model_for_something_else(client: Client) -> None:
    """The backend does not tell beforehand of which tasks its models are."""
    message = "Model 'adder' does not support RepeatTaskPredict: expected a model for RepeatTask, found one for SumTask"
    with pytest.raises(Exception, match=message):
        client.predict(text="so", model_id="adder", api_name="/RepeatTask")


@pytest.fixture
def with_task(tmp_path: Path) -> Callable[..., Path]:
    """The demo with one more file of tasks, and models for them; returns the program."""

    def with_task(file: str, content: str, models: dict[str, str]) -> Path:
        program = tmp_path / "demo"
        shutil.copytree(DEMO, program, ignore=shutil.ignore_patterns("*models", "__pycache__"))
        tasks = program / "runtime" / "tasks"
        (tasks / f"{file}.py").write_text(content)
        with (tasks / "__init__.py").open("a") as init:
            init.write(f"\nfrom . import {file}\n")
        for name, module_id in models.items():
            (tmp_path / "models" / name).mkdir(parents=True)
            (tmp_path / "models" / name / "config.yml").write_text(f"module_id: {module_id}\n")
        return program / "app.py"

    return with_task


def test_added_to_the_library(
    own_models: dict[str, str], run_demo: Any, with_task: Callable[..., Path], tmp_path: Path
) -> None:
    """Its modules are known then, so each tab has its own models only."""
    program = with_task("own_tasks", (LIBRARIES / "own_tasks.py").read_text(), own_models)
    with run_demo(tmp_path, program=program) as demo:
        client = Client(demo.url(), verbose=False)
        assert [line for line in demo.lines if line.startswith(("✅️", "⚠️"))] == ENABLED
        assert client.predict(text="so", api_name="/RepeatTask") == {"text": "so so.", "number": 2}
        client.close()
        assert demo.stop() == 0


def test_the_example_of_the_readme(run_demo: Any, with_task: Callable[..., Path], tmp_path: Path) -> None:
    readme = (DEMO.parent / "README.md").read_text()
    code = readme.partition("```python\n")[2].partition("```")[0]
    program = with_task("words", code, {"words": code.partition('@module("')[2].partition('"')[0]})
    with run_demo(tmp_path, program=program) as demo:
        client = Client(demo.url(), verbose=False)
        text = "Tell me a story about a fox"
        assert client.predict(text=text, api_name="/WordsTask") == {"count": 7, "longest": "story"}
        answer = client.predict(text=text, at_least=4, skip="story\nTell", api_name="/WordsTask")
        assert answer == {"count": 1, "longest": "about"}
        client.close()
        assert demo.stop() == 0
        assert "Traceback" not in demo.errors
