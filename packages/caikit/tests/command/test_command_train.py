"""`caikit train` and `caikit jobs`: on a server, over both protocols, and here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_places import CLEAN, COMMAND, SHIM, wait_until

ROWS = '{"number": 1, "label": "x"}\n{"number": 2, "label": "y"}\n'
PARTY = ["strings=[]", "ints=[1, 2]", "floats=[]", "bools=[]", 'people=[{"name": "A"}]']


@pytest.fixture
def name(address):
    """A name for a model that no other test of this server uses."""
    return f"model-{time.monotonic_ns()}"


def greeting(quick, address, model):
    return quick("call", "greet", "-s", address, "-m", model, "person.name=A", "-f", "text").out.strip()


def test_trains_with_a_file_of_the_server(quick, address, name):
    done = quick(
        "train", "Greeter", "-s", address, "-m", name, "training_data=a.jsonl", "greeting=Yo", "--wait"
    )
    assert (done.code, done.err) == (0, "")
    assert done.json["state"] == "COMPLETED"
    assert greeting(quick, address, name) == "Yo(2:y|None) A"


def test_a_part_of_the_answer(quick, address, name):
    train = ["train", "Greeter", "-s", address, "-m", name, "training_data=a.jsonl", "--field"]
    done = quick(*train, "training_id")
    assert (done.code, done.err) == (0, "")
    assert quick("jobs", "wait", done.out.strip(), "-s", address).json["state"] == "COMPLETED"
    assert quick(*train, "state", "--wait").out == "COMPLETED\n"
    assert quick(*train, "state", "--wait", "--json").json == "COMPLETED"
    done = quick(*train, "stat", "--wait")
    assert (done.code, done.out) == (1, "")
    assert "there is no 'stat' in an object with training_id, " in done.err


def test_training_data_is_required(quick, golden):
    done = quick("train", "Greeter", "-s", golden.address("grpc"), "-m", "none", "greeting=Yo")
    assert (done.code, "Missing required parameter: 'training_data'" in done.err) == (2, True), done.err


def test_a_file_that_is_not_there_is_told(quick, address, name):
    done = quick("train", "Greeter", "-s", address, "-m", name, "training_data=nofile.jsonl", "--wait")
    assert done.code == 1
    assert "Invalid .jsonl data source file: nofile.jsonl (there is no such file on the machine" in done.err


def test_lists_trainings(quick, address, name):
    done = quick("train", "Greeter", "-s", address, "-m", name, "training_data=a.jsonl", "--progress")
    assert done.lines[-1]["state"] == "COMPLETED"
    training_id = done.lines[-1]["training_id"]
    (found,) = quick("jobs", "list", "-s", address, "--model", name).lines
    assert (found["training_id"], found["state"]) == (training_id, "COMPLETED")
    assert found["module"].endswith(".Greeter")
    assert len(quick("jobs", "list", "-s", address, "-n", "1").lines) == 1
    log = quick("jobs", "log", training_id, "-s", address)
    assert (log.code, "has no log: its trainer needs a work_dir" in log.err) == (1, True)


def test_lists_trainings_in_a_terminal(quick, terminal, address, name):
    quick("train", "Greeter", "-s", address, "-m", name, "training_data=a.jsonl", "--wait")
    shown = terminal("jobs", "list", "-s", address, "-m", name, columns=200)
    head, line = shown.out.splitlines()
    assert re.sub(r"\x1b\[\d+m", "", head).split() == [
        "ID",
        "STATE",
        "PROGRESS",
        "MODEL",
        "MODULE",
        "SUBMITTED",
    ]
    assert name in line
    assert "COMPLETED" in line
    assert "There are no trainings" in terminal("jobs", "list", "-s", address, "-m", "nobody").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "x"], "list takes no ID"),
        (["status"], "status needs the ID of a job"),
        (["log"], "log needs the ID of a job"),
    ],
)
def test_wrong_usage_of_jobs(quick, arguments, message):
    done = quick("jobs", *arguments)
    assert (done.code, message in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    "module", ["GreetTaskGreeter", "GreetTaskGreeterTrain", "greet_task_greeter", "lib.Greeter"]
)
def test_names_of_modules(quick, golden, module):
    done = quick("train", module, "-s", golden.address("grpc"), "training_data=[]")
    assert done.code == 0, done.err
    assert set(done.json) == {"training_id", "model_name"}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("rows.jsonl", ROWS),
        ("rows.json", f"[{','.join(ROWS.split(chr(10))[:2])}]"),
        ("rows.csv", "number,label\n1,x\n2,y\n"),
        ("rows", "\ufeff" + ROWS),
    ],
)
def test_trains_with_a_file_from_here(quick, address, name, tmp_path, file, content):
    (tmp_path / file).write_text(content)
    done = quick("train", "Greeter", "-s", address, "-m", name, f"training_data=@{file}", "--wait")
    assert done.code == 0, done.err
    assert greeting(quick, address, name) == "Trained(1:x,2:y|None) A"


def test_other_sources(quick, address, name):
    rows = json.dumps([json.loads(line) for line in ROWS.splitlines()])
    files = '{"list_of_files": {"files": ["a.jsonl", "a.jsonl"]}}'
    whole = json.dumps({"training_data": {"jsondata": {"data": json.loads(rows)}}, "greeting": "Hi"})
    cases = (
        ([f"training_data={rows}", "union_list=a", "union_list=b"], "Trained(1:x,2:y|['a', 'b']) A"),
        ([f"training_data={files}"], "Trained(2:y,2:y|None) A"),
        (["training_data.file.filename=a.jsonl", "union_list=[1]"], "Trained(2:y|[1]) A"),
        (["--data", whole], "Hi(1:x,2:y|None) A"),
    )
    for number, (arguments, said) in enumerate(cases):
        model = f"{name}-{number}"
        done = quick("train", "Greeter", "-s", address, "-m", model, *arguments, "--wait")
        assert done.code == 0, done.err
        assert greeting(quick, address, model) == said


def test_another_model_as_a_parameter(quick, address, name):
    train = ["train", "PrimitiveParty", "-s", address, "-m", name, *PARTY, "--wait"]
    assert quick(*train, "base=greeter").json["state"] == "COMPLETED"
    done = quick(*train, "base=nobody")
    assert (done.code, done.out) == (1, "")
    assert "nobody" in done.err


def test_a_training_that_fails(quick, address, name):
    done = quick("train", "Greeter", "-s", address, "-m", name, "training_data=[]", "fail=value", "--wait")
    assert done.code == 1
    assert done.json["state"] == "ERRORED"
    assert (
        done.err == "caikit train: error: The job is ERRORED: bad value; There was nothing in training_data\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Nobody"], 1, "cannot train 'Nobody'; it can train EchoTaskPrimitiveParty, GreetTaskGreeter, "),
        (["Greeter", "training_data=@nothing"], 2, "training_data: nothing cannot be read: No such file"),
        (["Greeter", "training_data=@broken.jsonl"], 2, "broken.jsonl, line 2: expected JSON: "),
        (["Greeter", "training_data=@broken.json"], 2, "expected a JSON array in broken.json"),
        (["Greeter", "training_data=@broken.csv"], 2, "broken.csv, line 3: expected 2 columns, got 1"),
        (
            ["Greeter", "training_data=@number.csv"],
            2,
            "number.csv, line 2, column number: expected int, got 'x'",
        ),
        (["Greeter", "trainingdata=x"], 2, "there is no such field; did you mean training_data?"),
        (["Greeter", "sleep=x"], 2, "sleep: expected float, got 'x'"),
        (["Greeter", "-m", "../x", "training_data=[]"], 1, "Invalid model_name '../x'"),
    ],
)
def test_what_cannot_be_trained(quick, address, tmp_path, arguments, code, message):
    (tmp_path / "broken.jsonl").write_text(ROWS.partition("\n")[0] + "\n{\n")
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "broken.csv").write_text("number,label\n1,x\n2\n")
    (tmp_path / "number.csv").write_text("number,label\nx,x\n")
    done = quick("train", *arguments, "-s", address)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_status_wait_and_cancel(quick, address, name):
    started = quick("train", "Greeter", "-s", address, "-m", name, "training_data=[]", "sleep=30")
    assert (started.code, started.json["model_name"]) == (0, name)
    job = started.json["training_id"]
    assert quick("jobs", "status", job, "-s", address).json["state"] in ("QUEUED", "RUNNING")
    waited = quick("jobs", "wait", job, "-s", address, "--patience", "0.3")
    assert waited.code == 1
    assert " after 0.3 s" in waited.err
    assert quick("jobs", "cancel", job, "-s", address).json["training_id"] == job
    waited = quick("jobs", "wait", job, "-s", address)
    assert (waited.code, waited.json["state"]) == (1, "CANCELED")
    assert "The job is CANCELED" in waited.err


def test_unknown_jobs(quick, address):
    for action in ("status", "wait", "cancel"):
        done = quick("jobs", action, "nobody", "-s", address)
        assert (done.code, done.out) == (1, "")
        assert done.err == "caikit jobs: error: Unknown training_id: nobody (NOT_FOUND)\n"
    assert "need their --task" in quick("jobs", "result", "nobody", "-s", address).err


def test_prediction_jobs(quick, address):
    start = ["call", "GreetTaskStartPredictionJob", "-s", address, "-m", "greeter"]
    job = quick(*start, "person.name=Ann").json["prediction_id"]
    about = [job, "--task", "greet", "-s", address]
    assert quick("jobs", "wait", *about).json["state"] == "COMPLETED"
    assert quick("jobs", "result", *about).json["text"] == "Hello Ann"
    assert quick("jobs", "cancel", *about).json["state"] == "COMPLETED"
    done = quick("jobs", "status", "nobody", "--task", "greet", "-s", address)
    assert (done.code, done.out) == (1, "")
    done = quick("jobs", "status", job, "--task", "nothing", "-s", address)
    assert "has no task or RPC called 'nothing'" in done.err


def test_progress_in_a_terminal(terminal, golden):
    train = ["train", "Greeter", "-s", golden.address("grpc"), "-m", "shown", "training_data=[]", "sleep=0.5"]
    done = terminal(*train, "--wait")
    assert done.code == 0
    assert "has started\n" in done.out
    assert "RUNNING  0 s" in done.out
    assert "\x1b[1mstate               \x1b[0m" in done.out or "COMPLETED" in done.out
    assert "[]" not in done.out


def test_ctrl_c_leaves_a_training_of_the_server_alone(terminal, quick, address, name):
    train = ["train", "Greeter", "-s", address, "-m", name, "training_data=[]", "sleep=30", "--wait"]
    done = terminal(*train, keys=[("RUNNING", "\x03")])
    assert done.code == 130
    job = done.out.partition("Training ")[2].split()[0]
    assert f"{job} goes on: `caikit jobs status {job}` shows it" in done.out
    assert "Traceback" not in done.out
    assert quick("jobs", "status", job, "-s", address).json["state"] == "RUNNING"
    quick("jobs", "cancel", job, "-s", address)


def test_the_server_dies_while_a_training_is_waited_for(serve, tmp_path):
    new = subprocess.run([*COMMAND, "new", "dying"], cwd=tmp_path, env=CLEAN, capture_output=True, check=True)
    assert new.returncode == 0
    module = tmp_path / "dying" / "dying" / "runtime_model" / "module.py"
    module.write_text(
        module.read_text().replace(
            "        for example in", "        __import__('time').sleep(30)\n        for example in"
        )
    )
    server = serve(tmp_path / "dying", "--no-http")
    train = ["train", "DyingModule", "-s", server.address("grpc"), "-m", "x", "training_data=[]", "--wait"]
    process = subprocess.Popen(
        [*COMMAND, *train], env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(2)
    server.process.kill()
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("caikit train: error: ")
    assert errors.count("\n") == 1


# Here


@pytest.fixture
def here(caikit, golden, tmp_path):
    """Trains modules of the golden library in a process of its own."""

    def train(*arguments, **environment):
        source = golden.folder
        options = ["--local", "--library", str(source / "golden_lib"), "--output-dir", "trained"]
        base = {"PYTHONPATH": str(SHIM), "DATA_STREAMS_FILE_SOURCE_BASE": str(source / "data")}
        return caikit("train", *arguments, *options, **base, **environment)

    return train


def test_trains_here(here, tmp_path):
    done = here("Greeter", "-m", "mine", "training_data=a.jsonl", "greeting=Yo")
    assert done.code == 0, done.err
    assert done.json["state"] == "COMPLETED"
    assert done.json["model_path"] == str(tmp_path / "trained" / "mine")
    assert "greeting: Yo(2:y|None)\n" in (tmp_path / "trained" / "mine" / "config.yml").read_text()


def test_takes_the_same_arguments_here(here, golden, tmp_path):
    (tmp_path / "rows.csv").write_text("number,label\n7,z\n")
    done = here("Greeter", "-m", "a", "training_data=@rows.csv", "union_list=x", "union_list=y")
    assert "greeting: Trained(7:z|['x', 'y'])\n" in (tmp_path / "trained" / "a" / "config.yml").read_text(), (
        done.err
    )
    base = str(golden.folder / "models" / "multi")
    for module in ("PrimitiveParty", "50000000-0000-0000-0000-000000000005"):
        assert here(module, "-m", "b", *PARTY, f"base={base}").json["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Nobody", "-m", "x"], 2, "There is no module 'Nobody'; the library has Batch"),
        (["Blob", "-m", "x"], 2, "Blob cannot be trained"),
        (
            ["Greeter", "training_data=[]"],
            2,
            "--local needs the name of the model that comes out: --model NAME",
        ),
        (["Greeter", "-m", "../x", "training_data=[]"], 2, "../x"),
        (["Greeter", "-m", "x", "training_data=[1]"], 2, "training_data"),
        (["Greeter", "-m", "x", "sleep=x"], 2, "sleep: expected float, got 'x'"),
        (["MultiTask", "-m", "x", "training_data=[1]", "base=nobody"], 2, "There is no model 'nobody'"),
        (["Greeter", "-m", "x", "training_data=[]", "fail=value"], 1, "The job is ERRORED: bad value"),
        (["Greeter", "-m", "x"], 2, "Missing required parameter: 'training_data'"),
    ],
)
def test_what_cannot_be_trained_here(here, arguments, code, message):
    done = here(*arguments)
    assert done.code == code, done.err
    assert message in done.err
    assert done.err.startswith("caikit train: error: ")
    assert done.err.count("\n") == 1


def test_ctrl_c_ends_a_training_here(golden, tmp_path):
    options = ["--local", "--library", str(golden.folder / "golden_lib"), "--output-dir", "trained"]
    command = [*COMMAND, "train", "Greeter", "-m", "x", "training_data=[]", "sleep=60", *options]
    environment = {**CLEAN, "PYTHONPATH": str(SHIM)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    # The training has a thread of its own.
    wait_until(lambda: len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    assert not os.path.exists(tmp_path / "trained" / "x")


def test_patience_ends_a_training_here(here):
    done = here("Greeter", "-m", "x", "training_data=[]", "sleep=60", "--patience", "0.5")
    assert done.code == 1
    assert "The training has not ended within 0.5 s and is cancelled" in done.err


def test_progress_bar_here(terminal, tmp_path):
    subprocess.run([*COMMAND, "new", "slow"], cwd=tmp_path, env=CLEAN, capture_output=True, check=True)
    project = tmp_path / "slow"
    module = project / "slow" / "runtime_model" / "module.py"
    module.write_text(
        module.read_text().replace(
            "        for example in",
            "        import time\n        from caikit.core.model_management import report_progress\n"
            "        report_progress(0.5)\n        time.sleep(0.6)\n        for example in",
        )
    )
    train = ["train", "SlowModule", "--local", "-m", "x", "training_data=data/train.jsonl"]
    done = terminal(*train, cwd=project)
    assert done.code == 0, done.out
    assert "[############------------] 50%" in done.out
    assert "COMPLETED" in done.out
