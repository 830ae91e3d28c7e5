"""`caikit dump` writes the interface files of a library."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def project(caikit, tmp_path):
    caikit("new", "told")
    return tmp_path / "told"


def test_writes_interface_files(caikit, project):
    done = caikit("dump", "out", "--library", str(project / "told"), cwd=project.parent)
    assert done.code == 0, done.err
    files = done.json["files"]
    assert {"openapi.json", "toldservice.proto", "told.data_model.textinput.proto"} <= set(files)
    assert sorted(path.name for path in (project.parent / "out").iterdir()) == files
    assert "/api/v1/task/told" in json.loads((project.parent / "out" / "openapi.json").read_text())["paths"]


def test_options_of_the_files(caikit, project):
    (project / "out").mkdir()
    (project / "out" / "old").write_text("")
    done = caikit("dump", "out", "-p", "--clean", cwd=project)
    assert "told_data_model.proto" in done.json["files"], done.err
    assert "old" not in done.json["files"]


def test_in_a_terminal(terminal, project):
    done = terminal("dump", "out", "-p", cwd=project)
    assert done.code == 0
    assert done.out.startswith("Wrote ")


def test_lock(caikit, project):
    assert caikit("dump", "out", "--lock", "fields.lock", "--write-lock", cwd=project).code == 0
    assert caikit("dump", "--lock", "fields.lock", "--check-lock", cwd=project).code == 0
    module = project / "told" / "runtime_model" / "module.py"
    module.write_text(module.read_text().replace("most", "count"))
    done = caikit("dump", "--lock", "fields.lock", "--check-lock", cwd=project)
    assert done.code == 1
    assert "Not as in the lock: " in done.err
    assert not (project / "fields").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "required: output_dir"),
        (["--write-lock"], 2, "required: output_dir"),
        (["out", "--lock", "nothing.lock", "--check-lock"], 1, "nothing.lock"),
        (["README.md"], 1, "README.md"),
        (["out", "--library", "nothing_like_this"], 1, "cannot be imported: there is no module of that name"),
    ],
)
def test_what_cannot_be_written(caikit, project, arguments, code, message):
    done = caikit("dump", *arguments, cwd=project)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert "Traceback" not in done.err
