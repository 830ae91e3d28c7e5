"""The object that get_config returns."""

from __future__ import annotations

import copy
import json
import pickle

import aconfig
import pytest
import yaml

import caikit


@pytest.fixture
def config(temp_config):
    temp_config(
        {"view": {"key": 1, "list": [{"a": 1}, [2]], "section": {"x": "y"}, "a-b": 2, "__default__": 3}}
    )
    return caikit.get_config()


def test_reading(config):
    assert isinstance(config, aconfig.ImmutableConfig)
    assert isinstance(config.view.section, aconfig.ImmutableAttributeAccessDict)
    assert isinstance(config.view.list[0], aconfig.ImmutableAttributeAccessDict)
    assert isinstance(config.view.list, list)
    assert config.view.list == [{"a": 1}, [2]]
    assert config.view.section == {"x": "y"}
    assert config.absent is None
    assert config.get("absent", 5) == 5
    assert config.view["a-b"] == 2
    assert config.view.__default__ == 3
    assert "view" in config
    with pytest.raises(KeyError, match=r"^'absent'$"):
        config["absent"]
    with pytest.raises(AttributeError):
        _ = config.absent.key


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda config: setattr(config, "key", 1), AttributeError),
        (lambda config: setattr(config.view.section, "x", 1), AttributeError),
        (lambda config: setattr(config.view.list[0], "a", 1), AttributeError),
        (lambda config: delattr(config.view, "key"), AttributeError),
        (lambda config: config.__setitem__("key", 1), TypeError),
        (lambda config: config.__delitem__("view"), TypeError),
        (lambda config: config.view.update(key=2), TypeError),
        (lambda config: config.view.pop("key"), TypeError),
        (lambda config: config.view.popitem(), TypeError),
        (lambda config: config.view.clear(), TypeError),
        (lambda config: config.view.setdefault("new", 2), TypeError),
        (lambda config: config.view.__ior__({"key": 2}), TypeError),
        (lambda config: config.view.list.append(1), TypeError),
        (lambda config: config.view.list[1].append(1), TypeError),
        (lambda config: config.view.list.sort(), TypeError),
        (lambda config: config.view.list.__setitem__(0, 1), TypeError),
        (lambda config: config.view.list.__delitem__(0), TypeError),
        (lambda config: config.view.list.__iadd__([1]), TypeError),
    ],
)
def test_nothing_can_be_changed(config, change, error):
    before = json.dumps(config)
    with pytest.raises(error, match="does not support"):
        change(config)
    assert json.dumps(config) == before


def test_message_of_an_assignment(config):
    message = "^ImmutableAttributeAccessDict does not support attribute assignment$"
    with pytest.raises(AttributeError, match=message):
        config.view.key = 2


@pytest.mark.parametrize(
    "make_copy", [copy.deepcopy, copy.copy, lambda config: pickle.loads(pickle.dumps(config))]
)
def test_copies_can_be_changed(config, make_copy):
    copied = make_copy(config)
    assert copied == config
    assert type(copied) is aconfig.Config
    copied.view.key = 2
    copied.view.list.append(1)
    copied.view.list[0].a = 2
    copied.new = 1
    assert config.view.key == 1
    assert config.view.list == [{"a": 1}, [2]]


@pytest.mark.parametrize("part", ["section", "list"])
def test_copies_of_parts_can_be_changed(config, part):
    copied = copy.deepcopy(config.view[part])
    assert copied == config.view[part]
    copied.clear()
    assert config.view[part]


@pytest.mark.parametrize("dump", [yaml.safe_dump, yaml.dump])
def test_dumping(config, dump):
    assert yaml.safe_load(dump(config)) == config
    assert yaml.safe_load(dump(config.view.list)) == config.view.list


def test_keys_that_are_methods_of_dictionaries(temp_config):
    temp_config({"methods": {"items": 1, "get": 2}})
    assert caikit.get_config().methods["items"] == 1
    assert dict(caikit.get_config().methods.items()) == {"items": 1, "get": 2}


def test_message_of_an_item_assignment(config):
    with pytest.raises(TypeError, match=r"^ImmutableAttributeAccessDict does not support item assignment$"):
        config["key"] = 2
