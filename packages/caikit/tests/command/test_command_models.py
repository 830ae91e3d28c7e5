"""`caikit models`: what is there, and changing it."""

from __future__ import annotations

import zipfile

import pytest


def test_models_of_a_server(quick, address):
    done = quick("models", "-s", address)
    assert (done.code, done.err) == (0, "")
    found = {model["name"]: model for model in done.json}
    assert found["greeter"]["module_metadata"] == {"name": "Greeter", "version": "1.2.3"}
    assert found["greeter"]["loaded"] is True
    assert quick("models", "list", "-s", address).json == done.json


def test_table(terminal, golden):
    done = terminal("models", "-s", golden.address("grpc"), columns=200)
    head, *rows = done.out.splitlines()
    assert head.startswith("\x1b[1mMODEL")
    (row,) = [row for row in rows if row.startswith("greeter")]
    assert row.split()[:4] == ["greeter", "Greeter", "1.2.3", "10000000-0000-0000-0000-000000000001"]
    assert row.endswith("loaded")
    assert "\x1b" not in terminal("models", "-s", golden.address("http"), NO_COLOR="1").out


def test_a_narrow_table(terminal, golden):
    done = terminal("models", "-s", golden.address("grpc"), columns=50, NO_COLOR="1")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 50
    assert any("…" in line for line in lines)


def test_json_in_a_terminal(terminal, golden):
    done = terminal("--json", "models", "-s", golden.address("grpc"))
    assert "greeter" in [model["name"] for model in done.json]


def test_deploy_and_undeploy(quick, golden, address, tmp_path):
    model = tmp_path / "folder"
    (model / "inner").mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 10000000-0000-0000-0000-000000000001\ngreeting: Ahoy\n")
    (model / "inner" / "bytes").write_bytes(b"\x00\xff")
    name = f"sent-{'http' if address.startswith('http') else 'grpc'}"
    deployed = quick("models", "deploy", name, "folder", "-s", address)
    assert (deployed.code, deployed.json["name"]) == (0, name), deployed.err
    assert (golden.folder / "models" / name / "inner" / "bytes").read_bytes() == b"\x00\xff"
    assert quick("call", "greet", "-s", address, "-m", name, "person.name=A").json["text"] == "Ahoy A"
    again = quick("models", "deploy", name, "-s", address, "folder")
    assert (again.code, again.err) == (
        1,
        f"caikit models: error: Model '{name}' already exists (ALREADY_EXISTS)\n",
    )
    assert quick("models", "undeploy", name, "-s", address).json == {"model_id": name}
    assert not (golden.folder / "models" / name).exists()
    assert quick("models", "undeploy", name, "-s", address).code == 1


def test_load_and_unload(quick, golden):
    server = ["-s", golden.address("grpc")]
    folder = golden.folder / "models" / "polite"
    loaded = quick("models", "load", "second", str(folder), *server)
    assert loaded.code == 0, loaded.err
    assert loaded.json["model_id"] == "second"
    assert loaded.json["size"] > 0
    assert quick("call", "greet", "-m", "second", "person.name=A", *server).code == 0
    assert quick("models", "unload", "second", *server).json == {"model_id": "second"}
    assert "second" not in [model["name"] for model in quick("models", *server).json]
    failed = quick("models", "load", "second", str(golden.folder / "nothing"), *server)
    assert (failed.code, failed.out) == (1, "")
    over_http = quick("models", "unload", "second", "-s", golden.address("http"))
    assert (over_http.code, over_http.err) == (
        1,
        "caikit models: error: This is offered over gRPC only: leave out --http\n",
    )


def test_sentences_in_a_terminal(terminal, golden):
    server = ["-s", golden.address("grpc")]
    folder = str(golden.folder / "models" / "polite")
    assert terminal("models", "load", "third", folder, *server).out == "Loaded third\n"
    assert terminal("models", "unload", "third", *server).out == "Unloaded third\n"
    assert terminal("models", "deploy", "fourth", folder, *server).out.startswith("Deployed fourth as ")
    assert terminal("models", "undeploy", "fourth", *server).out == "Undeployed fourth\n"


@pytest.mark.parametrize("folder", ["nothing", "empty", "file"])
def test_what_is_no_model(quick, golden, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    done = quick("models", "deploy", "x", folder, "-s", golden.address("grpc"))
    assert done.code == 1
    assert done.err == f"caikit models: error: {folder} is no model: there is no {folder}/config.yml\n"


@pytest.fixture
def project(caikit, tmp_path):
    caikit("new", "words")
    models = tmp_path / "words" / "models"
    (models / "broken").mkdir()
    (models / "broken" / "config.yml").write_text("a: [")
    (models / "empty").mkdir()
    (models / "other").mkdir()
    (models / "other" / "config.yml").write_text("module_id: nobody-has-this\nname: Other\nversion: 2\n")
    with zipfile.ZipFile(models / "zipped", "w") as archive:
        archive.writestr("config.yml", "module_id: x")
    (models / "README").write_text("no model")
    return tmp_path / "words"


def test_models_of_a_folder(caikit, project):
    done = caikit("models", "--local", cwd=project)
    assert done.code == 0, done.err
    found = {model["name"]: model for model in done.json}
    assert sorted(found) == ["broken", "empty", "other", "words", "zipped"]
    assert found["words"]["module"] == "WordsModule"
    assert found["words"]["version"] == "0.0.1"
    assert found["words"]["tasks"] == ["WordsTask"]
    assert found["words"]["size"] == (project / "models" / "words" / "config.yml").stat().st_size
    assert (found["other"]["module"], found["other"]["version"], found["other"]["tasks"]) == (
        "Other",
        "2",
        None,
    )
    assert found["empty"]["error"] == "No such file or directory"
    assert found["broken"]["error"].startswith("while parsing ")


def test_table_of_a_folder(terminal, project):
    out = terminal("models", "--local", "models", cwd=project, columns=160, NO_COLOR="1").out
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert rows["MODEL"].split() == ["MODEL", "MODULE", "VERSION", "MODULE", "ID", "SIZE", "TASKS"]
    assert rows["words"].endswith("WordsTask")
    assert rows["other"].endswith("unknown module")


def test_models_of_a_folder_without_its_library(caikit, project, tmp_path):
    done = caikit("models", "--local", str(project / "models"))
    found = {model["name"]: model for model in done.json}
    assert (done.code, found["words"]["tasks"]) == (0, None)
    (project / "words" / "__init__.py").write_text("1 / 0\n")
    done = caikit("models", "--local", cwd=project)
    assert done.code == 0
    assert "warning: Library 'words' cannot be imported: ZeroDivisionError: " in done.err
    done = caikit("models", "--local", "--library", "words", cwd=project)
    assert (done.code, done.out) == (1, "")


def test_a_folder_that_is_not_there(caikit):
    done = caikit("models", "--local", "nothing")
    assert (done.code, done.err) == (
        1,
        "caikit models: error: nothing cannot be read: No such file or directory\n",
    )
