"""`caikit call`: values, data, streams, files, and everything that can go wrong, over both protocols."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest
from command_places import CLEAN, COMMAND, wait_until

from caikit.command._arguments import parse_value
from caikit.command._errors import UsageError
from caikit.command._types import Field, Scalar, Union

PERSON = {"producer_id": {"name": "greeter", "version": "1.2.3"}}


def test_calls_a_task(caikit, address):
    done = caikit("call", "greet", "-s", address, "--model", "greeter", "person.name=Ann", "times=2")
    assert (done.code, done.err) == (0, "")
    assert done.json == {"text": "Hello Ann Hello Ann", **PERSON}


@pytest.mark.parametrize("name", ["GreetTask", "greet_task", "GREET", "GreetTaskPredict"])
def test_names_of_tasks(quick, address, name):
    assert quick("call", name, "-s", address, "-m", "greeter", "person.name=A").json["text"] == "Hello A"


def test_full_name_of_an_rpc(quick, golden):
    for name in (
        "caikit.runtime.info.InfoService/GetModelsInfo",
        "/caikit.runtime.info.InfoService/GetModelsInfo",
    ):
        done = quick("call", name, "-s", golden.address("grpc"), "model_ids=greeter")
        assert [model["name"] for model in done.json["models"]] == ["greeter"]


def test_every_type_of_value(quick, address, tmp_path):
    (tmp_path / "text").write_text("from a file\n")
    (tmp_path / "people.json").write_text('[{"name": "A"}, {"name": "B"}]')
    values = {
        "text": "123",
        "p_int": "-3",
        "p_float": "1e3",
        "p_bool": "false",
        "p_str": "@text",
        "p_bytes": "aGk=",
        "l_int": "[1, 2]",
        "l_obj": "@people.json",
        "obj": '{"name": "C", "mood": "HAPPY"}',
        "d_si": '{"a": 1}',
        "u_prim": "4",
        "u_list": "[true, false]",
        "last": "@@x",
    }
    more = ["l_str=a", "l_str=b, c", "js.a.b=3", "js.c=text", "u_mixed=one", "u_mixed=two"]
    assigned = [f"{name}={value}" for name, value in values.items()]
    done = quick("call", "echo", "-s", address, "-m", "party", *assigned, *more)
    assert done.code == 0, done.err
    seen = {name: value for name, value in done.json["seen"].items() if value is not None}
    assert seen == {
        "text": "123",
        "p_int": -3,
        "p_float": 1000,
        "p_bool": False,
        "p_str": "from a file\n",
        "p_bytes": "bytes:b'hi'",
        "l_str": ["a", "b, c"],
        "l_int": [1, 2],
        "l_obj": ["Person", "Person"],
        "obj": "Person",
        "d_si": {"a": 1},
        "js": {"a": {"b": 3}, "c": "text"},
        "u_prim": 4,
        "u_list": [True, False],
        "u_mixed": ["one", "two"],
        "guessed": 12,
        "last": "@x",
    }


def test_unions_take_what_fits(quick, address):
    call = ["call", "echo", "-s", address, "-m", "party", "text=x", "-f", "seen.u_prim"]
    assert quick(*call, "u_prim=5").out == "5\n"
    assert quick(*call, "u_prim=five").out == "five\n"
    assert quick(*call, '--data={"u_prim": "5"}').out == "5\n"


def test_types_of_fields_come_back(quick, address):
    values = [
        "f32=0.1",
        "u64=18446744073709551615",
        "mood=GRUMPY",
        "color=BLUE",
        "when=2024-02-29T01:02:03.5Z",
    ]
    more = ["map_ss.k=v", "js.a=[1, 2.5]", "inner.word=w", "choice=7", "a_person.name=N", "some_bytes=AAH/"]
    assigned = [f"everything.{each}" for each in (*values, *more)]
    done = quick("call", "blob", "-s", address, "-m", "blob", *assigned)
    assert done.code == 0, done.err
    assert {
        name: done.json[name]
        for name in ("f32", "u64", "mood", "color", "map_ss", "js", "inner", "some_bytes")
    } == {
        "f32": 0.1,
        "u64": 18446744073709551615,
        "mood": "GRUMPY",
        "color": "BLUE",
        "map_ss": {"k": "v"},
        "js": {"a": [1, 2.5]},
        "inner": {"word": "w"},
        "some_bytes": "AAH/",
    }
    assert done.json["when"].startswith("2024-02-29T01:02:03.5")
    assert done.json["choice_int"] == 7
    assert done.json["a_person"]["name"] == "N"


def test_data(quick, address, tmp_path):
    request = json.dumps({"person": {"name": "Ann"}, "times": 3, "greeting": None})
    (tmp_path / "request.json").write_text(request)
    call = ["call", "greet", "-s", address, "-m", "greeter"]
    for arguments, stdin in (
        (["-d", request], ""),
        (["--data", "@request.json"], ""),
        (["--data", "-"], request),
    ):
        assert quick(*call, *arguments, stdin=stdin).json["text"] == "Hello Ann Hello Ann Hello Ann"
    # What is assigned counts more.
    assert quick(*call, "-d", request, "times=1").json["text"] == "Hello Ann"


def test_body_of_http(quick, golden):
    body = json.dumps({"inputs": {"name": "Ann"}, "parameters": {"times": 2}})
    done = quick("call", "greet", "-s", golden.address("http"), "-m", "greeter", "-d", body)
    assert done.json["text"] == "Hello Ann Hello Ann"


def test_several_inputs(quick, address):
    done = quick(
        "call", "compare", "-s", address, "-m", "compare", "left=a", "rights=b", "rights=a", "fold_case=true"
    )
    assert (done.code, done.json["index"]) == (0, 1)


def test_standard_input_as_a_value(caikit, address):
    call = ["call", "echo", "-s", address, "-m", "party", "text=@-", "-f", "seen.text"]
    assert caikit(*call, stdin="über\nall").out == "über\nall\n"


def test_field(quick, address):
    call = ["call", "blob", "-s", address, "-m", "blob", 'everything.list_obj=[{"name": "A"}, {"name": "B"}]']
    assert quick(*call, "--field", "list_obj.1.name").out == "B\n"
    assert quick(*call, "--field", "list_obj.-2.name", "--json").out == '"A"\n'
    assert quick(*call, "--field", "list_obj.0").json["name"] == "A"
    for field in ("list_obj.2", "nothing", "list_obj.0.nothing", "list_obj.x"):
        done = quick(*call, "--field", field)
        assert (done.code, done.out) == (1, "")
        assert f"The answer has no {field}: " in done.err


def test_bytes_as_files(quick, address, tmp_path):
    content = bytes(range(256))
    (tmp_path / "in.bin").write_bytes(content)
    call = ["call", "blob", "-s", address, "-m", "blob", "everything.some_bytes=@in.bin", "-f", "some_bytes"]
    assert quick(*call, "-o", "out.bin").out == ""
    assert (tmp_path / "out.bin").read_bytes() == content


def test_answer_into_a_file(quick, address, tmp_path):
    (tmp_path / "out.json").write_text("older and longer than what comes now" * 9)
    call = ["call", "greet", "-s", address, "-m", "greeter", "-o", "out.json"]
    assert quick(*call, "person.name=Ä").out == ""
    assert json.loads((tmp_path / "out.json").read_text())["text"] == "Hello Ä"
    assert quick(*call, "person.name=A", "fail=value").code == 1
    assert "Hello Ä" in (tmp_path / "out.json").read_text()
    done = quick(*call, "-o", "no/folder", "person.name=A")
    assert (done.code, done.err) == (1, "caikit call: error: No such file or directory: no/folder\n")


def test_files_in_and_out(quick, golden, tmp_path):
    (tmp_path / "cat.txt").write_text("miaow")
    call = ["call", "document", "-m", "file", "document.file=@cat.txt", "document.owner.name=Ann"]
    over_grpc = quick(*call, "-s", golden.address("grpc"), "-f", "file", "-o", "grpc.txt")
    assert (over_grpc.code, (tmp_path / "grpc.txt").read_text()) == (0, "miaow")
    over_http = quick(*call, "-s", golden.address("http"), "-o", "http.zip")
    assert over_http.code == 0
    assert zipfile.ZipFile(tmp_path / "http.zip").read("cat.txt") == b"miaow"
    as_json = quick(*call, "-s", golden.address("http"), "--json").json
    assert as_json["type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(base64.b64decode(as_json["data"]))).namelist() == [
        "note.txt",
        "cat.txt",
    ]
    assert quick(*call, "-s", golden.address("http"), "-f", "file").err.startswith(
        "caikit call: error: The answer is a file (application/zip), which has no fields"
    )


def test_a_file_is_not_thrown_at_a_terminal(terminal, golden):
    done = terminal(
        "call", "document", "-m", "file", "-s", golden.address("http"), 'document={"file": {"data": ""}}'
    )
    assert done.code == 1
    assert "bytes (application/zip); save them with --output FILE" in done.out


def test_json_is_indented_in_a_terminal(terminal, address):
    done = terminal("call", "greet", "-s", address, "-m", "greeter", "person.name=Jürgen\x9b31m")
    assert done.code == 0
    assert done.out.startswith('{\n  "text": "Hello Jürgen\\u009b31m",\n')


def test_texts_in_a_terminal_have_lines_but_steer_nothing(terminal, golden, tmp_path):
    (tmp_path / "text").write_text("one\n\ttwo\x1b[2J\u202e!")
    call = ["call", "echo", "-s", golden.address("grpc"), "-m", "party", "text=@text", "-f", "seen.text"]
    assert terminal(*call).out == "one\n\ttwo\\x1b[2J\\u202e!\n"


# Streams


def test_streamed_answer(caikit, address):
    call = ["call", "greet", "--stream", "-s", address, "-m", "greeter", "person.name=A", "count=3"]
    assert [item["text"] for item in caikit(*call).lines] == ["Hello A 0", "Hello A 1", "Hello A 2"]
    assert caikit(*call, "--field", "text").out == "Hello A 0\nHello A 1\nHello A 2\n"


def test_streamed_answer_into_a_file(quick, address, tmp_path):
    call = ["call", "greet", "--stream", "-s", address, "-m", "greeter", "person.name=A", "count=2"]
    assert quick(*call, "-o", "items", "-f", "text").out == ""
    assert (tmp_path / "items").read_text() == "Hello A 0\nHello A 1\n"


def test_the_only_flavour_of_a_task_needs_no_option(quick, address):
    assert len(quick("call", "stream_only", "-s", address, "-m", "streamonly", "person.name=A").lines) > 1


def test_items_are_shown_as_they_arrive(terminal, address):
    call = [
        "call",
        "greet",
        "--stream",
        "-s",
        address,
        "-m",
        "greeter",
        "person.name=A",
        "count=50",
        "sleep=0.3",
    ]
    done = terminal(*call, keys=[("Hello A 1", "\x03")])
    assert done.code == 130
    assert "Hello A 3" not in done.out
    assert "Traceback" not in done.out


def test_an_error_in_the_middle_of_a_stream(caikit, address):
    call = [
        "call",
        "greet",
        "--stream",
        "-s",
        address,
        "-m",
        "greeter",
        "person.name=A",
        "count=2",
        "fail=value",
    ]
    done = caikit(*call)
    assert done.code == 1
    assert "bad value" in done.err
    assert "(INVALID_ARGUMENT)" in done.err
    assert done.err.count("\n") == 1


def test_who_reads_no_more_is_no_error(golden, address):

    call = [
        *COMMAND,
        "call",
        "greet",
        "--stream",
        "-s",
        address,
        "-m",
        "greeter",
        "person.name=A",
        "count=1000",
    ]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["text"] == "Hello A 0"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(20) == 141


def test_streamed_input(caikit, golden, tmp_path):
    lines = '{"people": {"name": "A"}}\n\n{"people": {"name": "B"}}'
    (tmp_path / "people.jsonl").write_text(lines)
    call = ["call", "ClientStreamingGreetTaskPredict", "-s", golden.address("grpc"), "-m", "greeter"]
    for arguments, stdin in ((["-d", "@people.jsonl"], ""), (["-d", "-"], lines), (["-d", lines], "")):
        done = caikit(*call, *arguments, "greeting=Yo", stdin=stdin)
        assert done.json["text"] == "Yo A, B", done.err
    assert caikit(*call, "people.name=C").json["text"] == "Hello C"


def test_both_ways(caikit, golden):
    lines = '{"xs": 1, "names": "a"}\n{"xs": 2.5, "names": "b"}\n'
    done = caikit("call", "zip_stream", "-s", golden.address("grpc"), "-m", "zipper", "-d", "-", stdin=lines)
    assert len(done.lines) == 2, done.err


def test_lines_are_sent_as_they_come(golden):

    call = [
        "call",
        "BidiStreamingGreetTaskPredict",
        "-s",
        golden.address("grpc"),
        "-m",
        "greeter",
        "--data",
        "-",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, *call], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=CLEAN
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in ("A", "B"):
            process.stdin.write(json.dumps({"people": {"name": name}}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == f"Hello {name}"
        process.stdin.close()
        assert process.wait(20) == 0


def test_ctrl_c_while_standard_input_is_waited_for(terminal, golden):
    call = [
        "call",
        "BidiStreamingGreetTaskPredict",
        "-s",
        golden.address("grpc"),
        "-m",
        "greeter",
        "--data",
        "-",
    ]
    line = json.dumps({"people": {"name": "A"}})
    done = terminal(*call, keys=[("", f"{line}\n"), ('"Hello A"', "\x03")])
    assert done.code == 130
    assert "Fatal Python error" not in done.out
    assert "Traceback" not in done.out


@pytest.mark.parametrize(
    ("line", "message"), [("{bad", "expected JSON: "), ("[1]", "expected a JSON object, got list")]
)
def test_broken_lines(caikit, golden, line, message):
    call = [
        "call",
        "BidiStreamingGreetTaskPredict",
        "-s",
        golden.address("grpc"),
        "-m",
        "greeter",
        "--data",
        "-",
    ]
    done = caikit(*call, stdin='{"people": {"name": "A"}}\n' + line)
    assert done.code == 2
    assert f"--data, line 2: {message}" in done.err


# What goes wrong


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["person.name=A", "times=many"], "times: expected int, got 'many'"),
        (["person.name=A", "sleep=long"], "sleep: expected float, got 'long'"),
        (["person.name=A", "formal=perhaps"], "formal: expected true or false, got 'perhaps'"),
        (["person.name=A", "person.mood=SAD"], "person.mood: expected one of CALM, HAPPY, GRUMPY, got 'SAD'"),
        (["person.name=A", "person.nam=A"], "person.nam: there is no such field; did you mean name?"),
        (["person.name.first=A"], "person.name: str has no field 'first'"),
        (["person=Ann"], "expected a JSON object, @FILE with one, or person.name=VALUE; got 'Ann'"),
        (["person={broken"], "person: expected JSON: "),
        (["person=@nothing"], "person: nothing cannot be read: No such file or directory"),
        (["person.name=A", "person.name=B"], "person.name: given twice"),
        (["person=@binary"], "person: binary is not a text in UTF-8"),
        (["person"], "expected NAME=VALUE, got 'person'"),
        (["=x"], "expected NAME=VALUE, got '=x'"),
        (["--data", "{broken"], "--data: expected JSON: "),
        (["--data", "[1]"], "--data: expected a JSON object, got list"),
        (["--data", "@nothing"], "--data: nothing cannot be read: No such file or directory"),
        (["--data", "[" * 100_000], "--data: expected JSON: "),
    ],
)
def test_values_that_do_not_fit(quick, address, tmp_path, values, message):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    done = quick("call", "greet", "-s", address, "-m", "greeter", *values)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("name", ["", "picture_bytes"])
def test_a_file_of_bytes_where_a_text_would_do(tmp_path, name):
    """Over HTTP the members of a union have no names."""
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\xff")
    union = Union((Field("", Scalar("str")), Field(name, Scalar("bytes"))))
    with pytest.raises(UsageError, match=rf"not a text in UTF-8; for bytes, give picture_bytes=@{file}"):
        parse_value(union, f"@{file}", "picture")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"person": {"name": 5}}, "person.name: expected str, got int"),
        ({"person": []}, "person: expected an object, got list"),
        ({"person": {"name": "A", "tags": [1]}}, "person.tags[0]: expected str, got int"),
        ({"person": {"mood": 2.5}}, "person.mood: expected one of CALM, HAPPY, GRUMPY, got float"),
        ({"times": True}, "times: expected int, got bool"),
        ({"times": 2**70}, "The request does not fit GreetTaskRequest: "),
        ({"names": [1, "a"]}, "names: expected one of list[str] | list[int], got list"),
        ({"time": 3}, "time: there is no such field; did you mean times?"),
        ({"inputs": 3}, "inputs: there is no such field; expected one of person, "),
    ],
)
def test_data_that_does_not_fit(quick, golden, request_, message):
    done = quick("call", "greet", "-s", golden.address("grpc"), "-m", "greeter", "-d", json.dumps(request_))
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_data_that_does_not_fit_over_http(quick, golden):
    done = quick(
        "call", "greet", "-s", golden.address("http"), "-m", "greeter", "-d", '{"person": {"name": 5}}'
    )
    assert (done.code, done.out) == (1, "")
    assert "Input should be a valid string" in done.err
    assert "(INVALID_ARGUMENT)" in done.err
    done = quick("call", "greet", "-s", golden.address("http"), "-m", "greeter", "-d", '{"a": 1, "b": 2}')
    assert done.code == 2
    assert "a and b cannot both be the input of GreetTaskPredict" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["greet", "-m", "nobody", "person.name=A"], "(NOT_FOUND)"),
        (["echo", "-m", "greeter", "text=x"], "does not support EchoTaskPredict"),
        (["greet", "-m", "greeter", "person.name=A", "fail=runtime"], "went wrong (INTERNAL)"),
        (
            ["greet", "-m", "greeter", "person.name=A", "fail=rt:PERMISSION_DENIED"],
            "says PERMISSION_DENIED (PERMISSION_DENIED)",
        ),
        (["greet", "-m", "../x", "person.name=A"], "Invalid model ID '../x'"),
        (["great", "-m", "greeter"], "has no task or RPC called 'great'; did you mean GreetTask?"),
        (["xyz", "-m", "greeter"], "has no task or RPC called 'xyz'; its tasks are BlobTask, CompareTask, "),
        (["blob", "-m", "blob", "--stream"], "has no task or RPC with a streamed answer called 'blob'"),
    ],
)
def test_calls_that_fail(quick, address, arguments, message):
    done = quick("call", *arguments, "-s", address)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert done.err.startswith("caikit call: error: ")
    assert done.err.count("\n") == 1


def test_missing_model(quick, address):
    done = quick("call", "greet", "person.name=A", "-s", address)
    assert done.code == 1
    assert "model" in done.err.lower()


def test_time_runs_out(quick, address):
    call = ["call", "greet", "-s", address, "-m", "greeter", "person.name=A", "sleep=20"]
    done = quick(*call, "--timeout", "0.8")
    assert done.code == 1
    assert "(DEADLINE_EXCEEDED)" in done.err


def is_connected(pid: int, address: str) -> bool:
    port = f":{int(address.rpartition(':')[2]):04X}"
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    sockets = {f"socket:[{row[9]}]" for row in map(str.split, lines) if row[2].endswith(port)}
    with contextlib.suppress(FileNotFoundError):  # closed meanwhile
        return any(str(link.readlink()) in sockets for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def test_ctrl_c_while_an_answer_is_waited_for(address):
    call = [*COMMAND, "call", "greet", "-s", address, "-m", "greeter", "person.name=A", "sleep=20"]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=CLEAN)
    wait_until(lambda: is_connected(process.pid, address))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")


# Connections


@pytest.mark.parametrize(
    "address", ["localhost:1", "http://localhost:1", "nobody.invalid:80", "http://nobody.invalid"]
)
def test_nobody_answers(quick, address):
    done = quick("call", "greet", "-s", address)
    assert (done.code, done.out) == (1, "")
    assert address.rpartition(":")[0] in done.err or address in done.err
    assert done.err.count("\n") == 1
    assert len(done.err) < 300


def test_the_server_can_be_named_in_the_environment(caikit, golden, tmp_path):
    call = ["call", "greet", "-m", "greeter", "person.name=A"]
    for protocol in ("grpc", "http"):
        done = caikit(*call, CAIKIT_SERVER=golden.address(protocol))
        assert done.code == 0, done.err
    port = golden.address("grpc").rpartition(":")[2]
    assert caikit(*call, RUNTIME_GRPC_PORT=port).code == 0
    http_port = golden.address("http").rpartition(":")[2]
    assert caikit(*call, "--http", RUNTIME_HTTP_PORT=http_port).code == 0
    done = caikit(*call, RUNTIME_GRPC_PORT="0")
    assert (done.code, done.err) == (
        2,
        "caikit call: error: runtime.grpc.port is 0: name the port of the server with --server\n",
    )


def test_the_wrong_protocol(quick, golden):
    over_grpc = quick("call", "greet", "-s", golden.address("http").removeprefix("http://"))
    assert over_grpc.code == 1
    assert "speaks HTTP, not gRPC: add --http, or name its gRPC port" in over_grpc.err
    over_http = quick("call", "greet", "--http", "-s", golden.address("grpc"))
    assert over_http.code == 1
    assert "does not speak HTTP: name its HTTP port, or leave out http for gRPC" in over_http.err


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"]
)
@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_strange_servers(quick, listener, scheme, answer):
    port, _ = listener(answer)
    done = quick("call", "greet", "-s", f"{scheme}://127.0.0.1:{port}", "--timeout", "2")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("caikit call: error: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"paths": 3},
        {"paths": {"/api/v1/task/greet": {"post": 3}}},
        {
            "paths": {
                "/a/task/greet": {"post": {"requestBody": {"content": {"application/json": {"schema": []}}}}}
            }
        },
        {"paths": {"/info/models": {"get": {"parameters": 5}}}},
        {"paths": {"/info/models": {"get": {"parameters": [{"name": "x", "schema": {"anyOf": 3}}]}}}},
    ],
)
def test_strange_descriptions(quick, listener, document):
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    port, _ = listener(head.encode() + body)
    done = quick("call", "greet", "-s", f"http://127.0.0.1:{port}")
    assert (done.code, done.out) == (1, "")
    assert (
        "openapi.json is no description of services" in done.err
        or "no task or RPC called 'greet'" in done.err
    )


def test_headers_and_token(quick, listener, tmp_path):
    (tmp_path / "token").write_text("secret\n")
    body = b'{"details": "Who are you?", "code": 401, "id": "1"}'
    head = f"HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    port, received = listener(head.encode() + body)
    arguments = ["call", "x", "-s", f"http://127.0.0.1:{port}", "-H", "X-Team=a=b"]
    done = quick(*arguments, "--token-file", "token")
    assert (done.code, done.err) == (1, "caikit call: error: Who are you? (UNAUTHENTICATED)\n")
    assert quick(*arguments, CAIKIT_TOKEN_FILE="token").code == 1
    for each in received:
        lines = each.decode().lower().split("\r\n")
        assert "x-team: a=b" in lines
        assert "authorization: bearer secret" in lines
    assert len(received) == 2
    done = quick(*arguments, "--token-file", "nothing")
    assert (done.code, done.err) == (1, "caikit call: error: No such file or directory: nothing\n")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_mutual_tls(quick, golden_tls, certs, protocol):
    address = golden_tls.address(protocol)
    assert address.startswith(("grpcs://", "https://"))
    call = ["call", "greet", "-s", address, "-m", "greeter", "person.name=A"]
    pair = ["--cert", str(certs / "client.pem"), "--key", str(certs / "client.key")]
    done = quick(*call, "--ca", str(certs / "ca.pem"), *pair)
    assert done.json["text"] == "Hello A", done.err
    for arguments in ([], ["--ca", str(certs / "ca.pem")], pair):
        done = quick(*call, *arguments, "--timeout", "5")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("caikit call: error: ")
        assert done.err.count("\n") == 1


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_encrypts(quick, golden_tls, protocol):
    port = golden_tls.address(protocol).rpartition(":")[2]
    done = quick("call", "greet", "-s", f"{protocol}://127.0.0.1:{port}", "-m", "greeter", "person.name=A")
    assert done.code == 1
    assert done.err.endswith("; if it encrypts, add --tls\n")


def test_unverified_tls(quick, golden_tls, certs):
    call = ["call", "greet", "-s", golden_tls.address("http"), "-m", "greeter", "person.name=A", "--insecure"]
    pair = ["--cert", str(certs / "client.pem"), "--key", str(certs / "client.key")]
    assert quick(*call, *pair).code in (0, 1)
