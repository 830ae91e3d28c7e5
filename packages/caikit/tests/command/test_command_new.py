"""`caikit new` makes a library that works."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from command_places import CLEAN

FILES = [
    "README.md",
    "client.py",
    "data/train.jsonl",
    "models/spam_filter/config.yml",
    "pyproject.toml",
    "requirements.txt",
    "spam_filter/__init__.py",
    "spam_filter/config.yml",
    "spam_filter/data_model/__init__.py",
    "spam_filter/data_model/classification.py",
    "spam_filter/runtime_model/__init__.py",
    "spam_filter/runtime_model/module.py",
    "start_runtime.py",
    "tests/test_spam_filter.py",
]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def project(caikit, tmp_path):
    done = caikit("new", "spam-filter")
    assert (done.code, done.err) == (0, "")
    return tmp_path / "spam-filter"


def test_tells_what_it_has_made(caikit, tmp_path):
    answer = caikit("new", "spam-filter").json
    assert answer == {"folder": str(tmp_path / "spam-filter"), "package": "spam_filter", "files": FILES}
    assert names_in(tmp_path) == ["spam-filter"]


def test_tells_what_comes_next(terminal, tmp_path):
    done = terminal("new", "spam-filter")
    assert done.out == "Made spam-filter with 14 files. Next:\n  cd spam-filter && caikit serve\n"


def test_nothing_of_the_template_is_left(project):
    files = {str(path.relative_to(project)): path for path in project.rglob("*") if path.is_file()}
    assert sorted(files) == FILES
    for path in files.values():
        assert not re.search("my.?library", path.read_text(), re.IGNORECASE)
    module = files["spam_filter/runtime_model/module.py"].read_text()
    (module_id,) = re.findall(r'@module\("([0-9a-f-]{36})", "SpamFilterModule"', module)
    assert module_id != "00000000-0000-0000-0000-000000000000"
    assert f"module_id: {module_id}\n" in files["models/spam_filter/config.yml"].read_text()


def test_caikit_comes_from_a_clone_not_from_an_index(project, tmp_path):
    package = tmp_path / "packages" / "caikit"
    package.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "-r", "requirements.txt"],
        cwd=project,
        env={**CLEAN, "CAIKIT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert f"'{package}[" in done.stderr
    assert "see requirements.txt" in (project / "pyproject.toml").read_text()


def test_its_own_test_passes(project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_it_can_be_served_called_and_trained(caikit, serve, project):
    server = serve(project)
    assert server.ready["library"] == "spam_filter"
    assert server.ready["tasks"] == ["SpamFilterTask"]
    for protocol in ("grpc", "http"):
        address = server.address(protocol)
        called = [
            "call",
            "spam_filter",
            "-s",
            address,
            "text_input.text=a nice day",
            "-f",
            "classes.0.class_name",
        ]
        assert caikit(*called, "--model", "spam_filter").out == "POSITIVE\n"
        data = "training_data=data/train.jsonl"
        trained = caikit("train", "SpamFilterModule", "-s", address, "-m", f"over-{protocol}", data, "--wait")
        assert trained.json["state"] == "COMPLETED", trained.err
        assert caikit(*called, "--model", f"over-{protocol}").out == "POSITIVE\n"
    client = [sys.executable, "client.py", server.address("grpc")]
    printed = subprocess.run(
        client, cwd=project, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert re.findall('class_name: "(.*)"', printed) == ["NEGATIVE", "POSITIVE"]
    assert server.stop() == 0


def test_what_exists_is_left_alone(caikit, project, tmp_path):
    (project / "README.md").write_text("mine")
    done = caikit("new", "spam-filter")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"caikit new: error: {project} exists already\n"
    assert (project / "README.md").read_text() == "mine"
    (tmp_path / "taken").write_text("a file")
    assert caikit("new", "taken").code == 1
    (tmp_path / "dangling").symlink_to("nowhere")
    assert caikit("new", "dangling").code == 1
    assert caikit("new", ".").code == 1
    assert names_in(tmp_path) == ["dangling", "spam-filter", "taken"]


@pytest.mark.parametrize(
    "name",
    [
        "9lives",
        "a b",
        "-x",
        "a..b",
        "ärger",
        "x" * 61,
        "json",
        "numpy",
        "caikit",
        "tests",
        "models",
        "class",
    ],
)
def test_names_that_would_not_work(caikit, tmp_path, name):
    done = caikit("new", "--", name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("caikit new: error: ")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "package", "task"),
    [("Some/Where/HTTP_echo", "http_echo", "HTTPEchoTask"), ("x", "x", "XTask"), ("a-1", "a_1", "A1Task")],
)
def test_names_and_places(caikit, tmp_path, path, package, task):
    assert caikit("new", path).json["package"] == package
    done = caikit("tasks", "--local", "--library", path)
    assert [each["task"] for each in done.json if each["kind"] == "task"] == [task], done.err


def test_a_folder_that_cannot_be_written(caikit, tmp_path):
    (tmp_path / "file").write_text("")
    done = caikit("new", "file/below")
    assert done.code == 1
    assert done.err.startswith("caikit new: error: ")
    assert done.err.count("\n") == 1
