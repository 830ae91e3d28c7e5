"""Sources of settings, their order and how they are merged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import aconfig
import pytest
import yaml

import caikit
from caikit.config.config import BASE_CONFIG_PATH, merge_configs, preserved


@pytest.fixture(autouse=True)
def _keep_config():
    with preserved():
        yield


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def configured(**settings):
    caikit.configure(config_dict=settings)
    return caikit.get_config()


def test_defaults_are_there_without_configure():
    # In a process of its own: other tests of this one may load libraries that configure caikit.
    program = """
import caikit
config = caikit.get_config()
assert config.runtime.grpc.port == 8085
assert config.model_management.initializers.default.config.backend_priority == [{"type": "LOCAL"}]
assert not config.runtime.library
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert os.path.isfile(BASE_CONFIG_PATH)


@pytest.mark.parametrize("arguments", [{}, {"config_dict": {}}, {"config_yml_path": ""}])
def test_nothing_to_configure(arguments, caplog):
    message = "No config_file or config_dict provided"
    with pytest.raises(ValueError, match=f"^{message}$"):
        caikit.configure(**arguments)
    record = caplog.records[-1]
    assert (record.name, record.levelname) == ("CONFIG", "ERROR")
    assert (record.msg["log_code"], record.msg["message"]) == ("<CFG43273054E>", message)


def test_calls_add_up_and_make_new_objects():
    first = configured(foo={"a": 1}, other=1)
    second = configured(foo={"b": 2})
    assert first.foo == {"a": 1}
    assert second.foo == {"a": 1, "b": 2}
    assert second.other == 1


def test_the_given_dictionary_is_copied(monkeypatch):
    monkeypatch.setenv("FOO_A", "5")
    given = {"foo": {"a": 1, "list": [{"b": 1}]}}
    assert configured(**given).foo.a == 5
    given["foo"]["list"][0]["b"] = 2
    assert caikit.get_config().foo.list == [{"b": 1}]
    assert given == {"foo": {"a": 1, "list": [{"b": 2}]}}


def test_dictionary_lies_over_yaml_file(tmp_path):
    path = write(tmp_path / "a.yml", "foo: {a: yaml, b: yaml}")
    caikit.configure(path, {"foo": {"b": "dict"}})
    assert caikit.get_config().foo == {"a": "yaml", "b": "dict"}


def test_path_objects_relative_paths_and_empty_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "empty.yaml", "")
    write(tmp_path / "a.yml", "foo: 1")
    caikit.configure(Path("empty.yaml"))
    caikit.configure("a.yml")
    assert caikit.get_config().foo == 1


BOMB = "\n".join(f"a{n + 1}: &a{n + 1} [{', '.join(9 * [f'*a{n}'])}]" for n in range(7))
BOMB = f"a0: &a0 [x]\n{BOMB}"


@pytest.mark.parametrize(
    ("name", "content", "errors", "message"),
    [
        ("missing.yml", None, (AssertionError, FileNotFoundError), "does not exist or cannot be found"),
        ("a.json", "{}", (AssertionError, ValueError), "Must send in a .yaml or .yml file"),
        ("list.yml", "[1, 2]", (TypeError,), "expected a mapping of settings, got list"),
        ("keys.yml", "foo: {1: 2}", (TypeError, AttributeError), r"expected str as key, got 1 \(int\).*foo"),
        (
            "flow.yml",
            "a:\n  b: [1\nc: 2",
            (ValueError, yaml.YAMLError),
            r"flow.yml, line 3, column 2: while parsing",
        ),
        (
            "tab.yml",
            "a:\n\tb: 1",
            (ValueError, yaml.YAMLError),
            r"tab.yml, line 2, column 1: .*cannot start any token",
        ),
        (
            "tag.yml",
            "a: !!python/name:os.system",
            (ValueError,),
            r"tag.yml, line 1, column 4: could not determine",
        ),
        (
            "two.yml",
            "a: 1\n---\nb: 1",
            (ValueError,),
            r"two.yml, line 2, column 1: expected a single document",
        ),
        (
            "bytes.yml",
            b"a: 1\nb: \xff",
            (ValueError, yaml.YAMLError),
            r"bytes.yml, line 2: invalid leading UTF-8 octet",
        ),
        ("date.yml", "a: 2020-99-99", (ValueError,), r"expected YAML in .*date.yml: month must be in 1..12"),
        (
            "circle.yml",
            "a: &a [*a]",
            (ValueError,),
            r"circle.yml: the node with the anchor &a contains itself",
        ),
        (
            "deep.yml",
            "a: " + 100_000 * "[",
            (ValueError,),
            r"deep.yml: expected at most 100 levels of nesting",
        ),
        ("bomb.yml", BOMB, (ValueError,), r"bomb.yml: expected aliases that stand for at most"),
    ],
)
def test_bad_files(tmp_path, name, content, errors, message):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = caikit.get_config()
    for error in errors:
        with pytest.raises(error, match=message):
            caikit.configure(str(tmp_path / name))
    assert caikit.get_config() is before


def test_wrong_types():
    with pytest.raises(AssertionError, match="config_location must be str"):
        caikit.configure(5)
    with pytest.raises(AttributeError, match="expected a mapping of settings, got list"):
        caikit.configure(config_dict=[1])


def test_lists_are_put_in_front_unless_overridden():
    configured(foo_list=[1, 2, 3])
    assert configured(foo_list=[4, 5, 6]).foo_list == [4, 5, 6, 1, 2, 3]
    assert configured(foo_list=[1, 2], foo_dict={"a": 1}).foo_list == [1, 2, 4, 5, 6, 1, 2, 3]
    config = configured(foo_list=[9], foo_dict={"b": 1}, merge_strategy="override")
    assert config.foo_list == [9]
    assert config.foo_dict == {"b": 1}
    assert config.merge_strategy == "override"
    assert configured(foo_list=[8]).foo_list == [8, 9]


@pytest.mark.parametrize("as_list", [False, True])
def test_extra_files_win_in_order_and_add_their_lists_once(tmp_path, as_list):
    paths = [
        write(tmp_path / "a.yml", "foo: {who: a, a: 1}\nlist: [a]"),
        write(tmp_path / "b.yml", "foo: {who: b, b: 1}\nlist: [b]"),
    ]
    configured(config_files=paths if as_list else " , ".join(paths), foo={"who": "dict"}, list=[0])
    config = configured(foo={"who": "dict again"})
    assert config.foo == {"who": "b", "a": 1, "b": 1}
    assert config.list == ["b", "a", 0]


def test_a_file_that_is_no_longer_named_stays_below(tmp_path):
    configured(config_files=write(tmp_path / "a.yml", "foo: {a: a, b: a}"))
    config = configured(config_files=write(tmp_path / "b.yml", "foo: {b: b}"), foo={"c": "dict"})
    assert config.foo == {"a": "a", "b": "b", "c": "dict"}
    assert configured(foo={"a": "dict"}).foo.a == "dict"


def test_an_extra_file_has_its_own_strategy(tmp_path):
    path = write(tmp_path / "a.yml", "foo: {b: file}\nmerge_strategy: override")
    config = configured(config_files=path, foo={"a": "dict"}, bar={"a": "dict"})
    assert config.foo == {"b": "file"}
    assert config.bar == {"a": "dict"}


@pytest.mark.parametrize(
    ("named", "message"),
    [(5, r"Must send in a \.yaml or \.yml file"), ([5], "config_location must be str"), ("a.yml", "a.yml")],
)
def test_bad_extra_files(tmp_path, monkeypatch, named, message):
    monkeypatch.chdir(tmp_path)
    before = caikit.get_config()
    with pytest.raises(AssertionError, match=message):
        configured(config_files=named)
    assert caikit.get_config() is before


def test_extra_files_are_read_again(tmp_path, caplog):
    path = write(tmp_path / "a.yml", "foo: 1")
    with caplog.at_level("INFO", "CONFIG"):
        assert configured(config_files=path).foo == 1
    message = f"Loading config file '{path}'"
    assert (message, "<RUN17612094I>") in [
        (each.msg["message"], each.msg["log_code"]) for each in caplog.records
    ]
    write(tmp_path / "a.yml", "foo: 2")
    assert configured(bar=1).foo == 2
    os.remove(path)
    before = caikit.get_config()
    with pytest.raises(FileNotFoundError):
        configured(bar=2)
    assert caikit.get_config() is before


def test_threads_lose_nothing():
    threads = [threading.Thread(target=configured, kwargs={f"key_{number}": number}) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [caikit.get_config()[f"key_{number}"] for number in range(8)] == list(range(8))


def test_preserved():
    before = caikit.get_config()
    with preserved():
        configured(foo=1)
    assert caikit.get_config() is before


@pytest.mark.parametrize("make", [dict, lambda value: aconfig.Config(value, override_env_vars=False)])
@pytest.mark.parametrize(
    ("base", "overrides", "strategy", "merged"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, "merge", {"a": {"b": 1, "c": 3}}),
        ({"a": [1]}, {"a": [2]}, "merge", {"a": [2, 1]}),
        ({"a": [1]}, {"a": {"b": 1}}, "merge", {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, "merge", {"a": [1]}),
        ({"a": {"b": 1}}, {"a": None}, "merge", {"a": None}),
        ({"a": 1}, {"a": {"b": 1}}, "other", {"a": {"b": 1}}),
        ({"a": {"b": 1}, "c": 1}, {"a": {"d": 1}}, "override", {"a": {"d": 1}, "c": 1}),
    ],
)
def test_merge_configs(make, base, overrides, strategy, merged):
    made = make(base)
    assert merge_configs(made, make(overrides), strategy) is made
    assert made == merged


def test_merge_configs_of_nothing():
    assert merge_configs(None, None) == {}
    assert merge_configs(None, {"a": 1}) == {"a": 1}
    assert merge_configs({"a": 1}, None) == {"a": 1}


EXAMPLE = """
import caikit.config
my_config_defaults = {"foo": {"bar": 1, "baz": "two", "biz": True}}
caikit.configure(config_dict=my_config_defaults)
print(caikit.get_config().foo)
"""


@pytest.mark.parametrize(
    ("variables", "printed"),
    [
        ({}, "{'bar': 1, 'baz': 'two', 'biz': True}"),
        ({"FOO_BIZ": "false"}, "{'bar': 1, 'baz': 'two', 'biz': False}"),
        ({"CONFIG_FILES": "override.yaml"}, "{'baz': 'three', 'bar': 1, 'biz': True}"),
    ],
)
def test_documented_example(tmp_path, variables, printed):
    write(tmp_path / "override.yaml", "foo:\n baz: three\n\n")
    result = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert result.stdout.strip() == printed
