"""`caikit call` over HTTP, of RPCs that take a stream."""

from __future__ import annotations

import subprocess

import pytest
from command_places import CLEAN, COMMAND

PEOPLE = '{"people": {"name": "A"}}\n\n{"people": {"name": "B"}}'
CLIENT, BIDI = "ClientStreamingGreetTaskPredict", "BidiStreamingGreetTaskPredict"


@pytest.fixture
def call(quick, golden):
    return lambda name, *arguments: quick(
        "call", name, "-s", golden.address("http"), "-m", "greeter", *arguments
    )


def test_one_answer(call):
    assert call(CLIENT, "-d", PEOPLE, "greeting=Yo").json["text"] == "Yo A, B"
    assert call(CLIENT, "people.name=C").json["text"] == "Hello C"


@pytest.mark.parametrize("name", ["client-streaming-greet", "client_streaming_greet_task"])
def test_the_name_in_the_route(call, name):
    assert call(name, "-d", PEOPLE).json["text"] == "Hello A, B"


def test_several_inputs(quick, golden):
    lines = '{"xs": 1, "names": "a"}\n{"xs": 2.5, "names": "b"}\n'
    done = quick("call", "zip_stream", "-s", golden.address("http"), "-m", "zipper", "-d", lines)
    assert len(done.lines) == 2, done.err


def test_lines_are_sent_as_they_come(golden):
    process = subprocess.Popen(
        [*COMMAND, "call", BIDI, "-s", golden.address("http"), "-m", "greeter", "--data", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=CLEAN,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for name in ("A", "B"):
            process.stdin.write(b'{"people": {"name": "%s"}}\n' % name.encode())
            process.stdin.flush()
            assert f"Hello {name}".encode() in process.stdout.readline()
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize("name", [CLIENT, BIDI])
@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ('{"people": {"name": "A"}}\nno', 2, "--data, line 2: expected JSON"),
        ('{"people": {"name": 5}}', 1, "Input should be a valid string at "),
    ],
)
def test_broken_lines(call, name, lines, code, message):
    done = call(name, "-d", lines)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert message in done.err


def test_they_are_listed(quick, golden):
    listed = {rpc["name"]: rpc for rpc in quick("tasks", "-s", golden.address("http")).json}
    for name in (CLIENT, BIDI):
        assert listed[name]["input_streaming"] is True
        assert listed[name]["output_streaming"] is (name == BIDI)
