"""Factories."""

from __future__ import annotations

import os
import subprocess
import sys

import aconfig
import pytest

import caikit
from caikit.core.toolkit.factory import Factory, FactoryConstructible, ImportableFactory


class Thing(FactoryConstructible):
    name = "THING"

    def __init__(self, config, instance_name):
        self.config = config
        self.instance_name = instance_name


class OtherThing(Thing):
    name = "OTHER"


NOT_A_CONSTRUCTIBLE = object


def factory(kind=Factory):
    made = kind("Tester")
    made.register(Thing)
    made.register(Thing)
    return made


def test_construct():
    thing = factory().construct({"type": "THING", "config": {"a": {"b": 1}}}, "instance")
    assert isinstance(thing.config, aconfig.Config)
    assert thing.config.a.b == 1
    assert thing.config.absent is None
    assert thing.instance_name == "instance"
    assert factory().name == "Tester"


def test_instance_name_defaults_to_the_type():
    assert factory().construct({"type": "THING"}).instance_name == "THING"


def test_config_is_a_copy_without_the_environment(temp_config, monkeypatch):
    temp_config({"tester": {"type": "THING", "config": {"key": 1, "deep": {"list": [1]}}}})
    monkeypatch.setenv("KEY", "2")
    thing = factory().construct(caikit.get_config().tester)
    thing.config.new = 1
    thing.config.deep.more = 1
    thing.config.deep.list.append(2)
    assert thing.config == {"key": 1, "deep": {"list": [1, 2], "more": 1}, "new": 1}
    assert caikit.get_config().tester.config == {"key": 1, "deep": {"list": [1]}}


def test_conflict():
    same_name = type("SameName", (Thing,), {})
    with pytest.raises(ValueError, match=r"^value check failed: Conflicting registration of THING$"):
        factory().register(same_name)


@pytest.mark.parametrize(("blob", "named"), [({"type": "NONE"}, "NONE"), ({}, "None")])
def test_unknown_type(blob, named):
    message = f"^value check failed: No Tester class registered for type {named}$"
    with pytest.raises(ValueError, match=message):
        factory().construct(blob)


@pytest.mark.parametrize("kind", [Factory, ImportableFactory])
@pytest.mark.parametrize(
    ("blob", "error", "message"),
    [
        ("THING", TypeError, "variable `instance_config` has type `str`"),
        (None, TypeError, "variable `instance_config` has type `NoneType`"),
        ({"type": "THING", "config": [1]}, TypeError, "variable `config` has type `list`"),
        ({"type": ["THING"]}, ValueError, r"No Tester class registered for type \['THING'\]"),
    ],
)
def test_bad_blobs(kind, blob, error, message):
    with pytest.raises(error, match=message):
        factory(kind).construct(blob)


def test_keys_and_plain_dictionaries():
    assert (Factory.TYPE_KEY, Factory.CONFIG_KEY) == ("type", "config")
    assert ImportableFactory.IMPORT_CLASS_KEY == "import_class"
    blob = aconfig.Config({"type": "THING", "config": {"a": 1}}, override_env_vars=False)
    assert factory().construct(blob).config == {"a": 1}
    assert factory().construct({"type": "THING", "config": None}).config == {}


EXAMPLE = """
import caikit
from caikit.core.toolkit.factory import Factory, FactoryConstructible

class MyDB(FactoryConstructible):
    name = "MYDB"
    def __init__(self, config, instance_name):
        self.instance_name = instance_name

class YourDB(MyDB):
    name = "YOURDB"

connectors = Factory("Connectors")
connectors.register(MyDB)
connectors.register(YourDB)
caikit.configure(config_dict={"datastore": {"type": "YOURDB", "config": {"host": "a"}}})
print(connectors.construct(caikit.get_config().datastore).instance_name)
"""


@pytest.mark.parametrize(("variables", "printed"), [({}, "YOURDB"), ({"DATASTORE_TYPE": "MYDB"}, "MYDB")])
def test_documented_example(variables, printed):
    result = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stdout.strip() == printed


def test_constructible_is_abstract():
    with pytest.raises(TypeError):
        FactoryConstructible({}, "")


def test_import_class():
    blob = {"type": "OTHER", "import_class": f"{__name__}.OtherThing"}
    tester = factory(ImportableFactory)
    assert type(tester.construct(blob)) is OtherThing
    assert type(tester.construct({"type": "OTHER", "import_class": None})) is OtherThing


@pytest.mark.parametrize(
    ("import_class", "error", "message"),
    [
        (12345, TypeError, "variable `import_class` has type `int`"),
        ("no.such.Module", ValueError, r"^Invalid import_class: Module cannot be imported \[no.such\]$"),
        ("nodots", ValueError, "^Invalid import_class: Module cannot be imported"),
        (
            f"{__name__}.Missing",
            ValueError,
            rf"^Invalid import_class: No such class \[Missing\] on module \[{__name__}\]$",
        ),
        (f"{__name__}.NOT_A_CONSTRUCTIBLE", TypeError, "^subclass check failed"),
    ],
)
def test_bad_import_class(import_class, error, message):
    with pytest.raises(error, match=message):
        factory(ImportableFactory).construct({"type": "THING", "import_class": import_class})
