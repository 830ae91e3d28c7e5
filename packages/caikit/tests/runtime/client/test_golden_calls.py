"""A remote model gives what the model itself gives, over both protocols, with and without encryption."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from caikit.core.data_model import DataStream
from caikit.interfaces.common.data_model import File

PROTOCOLS = ["grpc", "http"]
KINDS = ["plain", "tls", "mtls"]

Remote = Callable[..., Any]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left.to_proto() == right.to_proto())


def all_same(left: Any, right: Any) -> bool:
    pairs = list(zip(list(left), list(right), strict=True))
    return bool(pairs) and all(same(*pair) for pair in pairs)


def everything(golden: SimpleNamespace) -> Any:
    data = golden.data
    return data.Everything(
        an_int=-(2**53),
        a_float=0.1,
        a_bool=True,
        a_str="ä\n",
        some_bytes=b"\x00\xff",
        i32=-1,
        i64=2**60,
        u32=1,
        u64=2**63,
        f32=0.5,
        f64=1e300,
        opt_int=0,
        opt_str="",
        defaulted=1,
        a_list=["a", ""],
        list_int=[1, 0],
        list_obj=[data.Person("Ann", 3, data.Mood.GRUMPY, ["x"]), data.Person("Bob")],
        map_ss={"a": ""},
        map_si={"b": 0},
        js={"list": [1, "two", None, {"deep": [True]}], "null": None, "number": 1.5},
        when=datetime.datetime(2020, 2, 29, 12, 30, 1, 500, tzinfo=datetime.timezone.utc),
        mood=data.Mood.HAPPY,
        inner=data.Everything.Inner("w"),
        color=data.Everything.Color.BLUE,
        choice="text",
        named_choice=data.Person("Cid"),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_flavour(golden: SimpleNamespace, remote: Remote, protocol: str, kind: str) -> None:
    local, person = golden.greet.Greeter(), golden.data.Person("Ann")
    model = remote("greeter", protocol, kind)
    assert same(model.run(person), local.run(person))
    assert same(model.run(person, "Hi", times=2, names=["a"]), local.run(person, "Hi", times=2, names=["a"]))
    assert all_same(model.run_stream_out(person, count=4), local.run_stream_out(person, count=4))
    people = [person, golden.data.Person("Bob")]
    stream = DataStream.from_iterable(people)
    assert same(model.run_stream_in(stream, greeting="Hi"), local.run_stream_in(stream, greeting="Hi"))
    assert same(model.run_stream_in(people), local.run_stream_in(stream))
    assert all_same(model.run_bidi(iter(people)), local.run_bidi(stream))
    model.close()


@pytest.mark.parametrize("kind", KINDS)
def test_training(golden: SimpleNamespace, remote: Remote, protocol: str, kind: str) -> None:
    rows = [golden.data.TrainRecord(1, "a"), golden.data.TrainRecord(2, "b")]
    name = f"trained-{protocol}-{kind}"
    with remote("greeter", protocol, kind) as model:
        trained = model.train(DataStream.from_iterable(rows), "Yo", union_list=["x"], _model_name=name)
        assert trained.training.id
        assert trained.training.load() is trained
        local = golden.greet.Greeter.train(DataStream.from_iterable(rows), "Yo", union_list=["x"])
        person = golden.data.Person("Ann")
        assert same(trained.run(person), local.run(person))


def test_several_tasks_and_methods_with_other_names(
    golden: SimpleNamespace, remote: Remote, protocol: str
) -> None:
    local, person = golden.greet.MultiTask(), golden.data.Person("Ann")
    model = remote("multi", protocol)
    assert same(model.greet(person, volume=2.5), local.greet(person, volume=2.5))
    assert same(model.farewell(person), local.farewell(person))
    assert same(model.farewell(person, "ciao"), local.farewell(person, "ciao"))
    assert sorted(task.__name__ for task in model.tasks) == ["FarewellTask", "GreetTask"]
    with pytest.raises(NotImplementedError):
        model.run(person)


def test_every_type_of_field(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    model = remote("blob", protocol)
    for given in (
        everything(golden),
        golden.data.Everything(),
        golden.data.Everything(choice=5, named_choice=False),
    ):
        result = model.run(given)
        assert result.to_proto() == given.to_proto()


def test_every_type_of_parameter(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    local, model = golden.echo.PrimitiveParty(), remote("party", protocol)
    arguments: list[dict[str, Any]] = [
        {},
        {"p_int": 0, "p_float": 0.0, "p_bool": False, "p_str": "", "p_bytes": b"\x00", "last": ""},
        {"o_int": 1, "o_bool": False, "l_str": ["a"], "l_int": [1, 2], "d_si": {"a": 1}},
        {"l_obj": [golden.data.Person("Ann")], "obj": golden.data.Person("Bob")},
        {"js": {"a": [1.0, "x", None, {"b": None}]}, "guessed": 3},
        {"u_prim": "text", "u_obj": golden.data.Person("Cid"), "u_mixed": ["a"]},
        {"u_prim": 5, "u_mixed": "a", "u_list": [1, 2]},
        {"u_list": ["a"]},
        {"u_list": [True]},
        {"u_list": [0.5]},
        {"u_list": []},
    ]
    for given in arguments:
        assert same(model.run("text", **given), local.run("text", **given)), given


def test_several_required_inputs(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    local, model = golden.misc.Compare(), remote("compare", protocol)
    assert same(model.run("a", ["b", "a"]), local.run("a", ["b", "a"]))
    assert same(model.run(rights=["A"], left="a", fold_case=True), local.run("a", ["A"], True))
    assert same(model.run("a", []), local.run("a", []))
    assert same(model.run("", [""]), local.run("", [""]))


def test_models_of_the_other_modules(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    person = golden.data.Person("Ann")
    assert same(remote("hidden", protocol).run(""), golden.echo.Hidden().run(""))
    assert same(remote("batch", protocol).run("a", p_int=0), golden.misc.Batch().run("a", p_int=0))
    assert all_same(remote("streamonly", protocol).run(person), golden.greet.StreamOnly().run(person))


@pytest.mark.parametrize("kind", ["tls", "mtls"])
def test_every_module_over_an_encrypted_connection(
    golden: SimpleNamespace, remote: Remote, protocol: str, kind: str
) -> None:
    person, given = golden.data.Person("Ann"), everything(golden)
    greet, echo, misc = golden.greet, golden.echo, golden.misc
    assert same(remote("polite", protocol, kind).run(person=person), greet.PoliteGreeter().run(person=person))
    assert same(remote("multi", protocol, kind).greet(person), greet.MultiTask().greet(person))
    assert same(remote("multi", protocol, kind).farewell(person), greet.MultiTask().farewell(person))
    assert remote("blob", protocol, kind).run(given).to_proto() == given.to_proto()
    assert same(remote("party", protocol, kind).run("a", o_int=1), echo.PrimitiveParty().run("a", o_int=1))
    assert same(remote("hidden", protocol, kind).run("a"), echo.Hidden().run("a"))
    assert same(remote("compare", protocol, kind).run("a", ["a"]), misc.Compare().run("a", ["a"]))
    assert same(remote("batch", protocol, kind).run("a"), misc.Batch().run("a"))
    assert all_same(remote("streamonly", protocol, kind).run(person), greet.StreamOnly().run(person))
    zipped = remote("zipper", protocol, kind).run_bidi([1.0, 2.0], ["a", "b"])
    assert all_same(zipped, misc.Zipper().run_bidi([1.0, 2.0], ["a", "b"]))
    if protocol == "grpc":
        # Its answer is a file, which its class can write but not read.
        document = golden.data.DocumentInput(File(b"data", "a.txt", "text/plain"), person)
        assert same(remote("file", protocol, kind).run(document), misc.Document().run(document))


def test_several_streamed_inputs(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    local, model = golden.misc.Zipper(), remote("zipper", protocol)
    result = model.run_bidi([1.0, 2.0], iter("ab"), sep="=")
    assert all_same(result, local.run_bidi([1.0, 2.0], ["a", "b"], sep="="))


def test_files(golden: SimpleNamespace, remote: Remote) -> None:
    given = golden.data.DocumentInput(File(b"\x00data", "a.txt", "text/plain"), golden.data.Person("Ann"))
    assert same(
        remote("file", "grpc").run(given, suffix=".x"), golden.misc.Document().run(given, suffix=".x")
    )


def test_what_a_module_sets_as_default_is_its_own_business(
    golden: SimpleNamespace, remote: Remote, protocol: str
) -> None:
    """Other modules of the task have other defaults for the same parameters, and another order."""
    person = golden.data.Person("Ann")
    assert remote("greeter", protocol).run(person).text == "Hello Ann"
    polite, local = remote("polite", protocol), golden.greet.PoliteGreeter()
    assert same(polite.run(person=person), local.run(person=person))
    assert same(polite.run("Mr", person, 3), local.run("Mr", person, 3))


def test_many_models_of_one_module(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    models = [remote("greeter", protocol) for _ in range(3)]
    assert len({type(model) for model in models}) == 1
    assert len({model.run(golden.data.Person("Ann")).text for model in models}) == 1
