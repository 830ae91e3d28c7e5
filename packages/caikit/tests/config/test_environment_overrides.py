"""Environment variables over settings."""

from __future__ import annotations

import math

import pytest

import caikit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        (" 9999 ", 9999),
        ("1e3", 1000.0),
        ("4.0", 4.0),
        ("-0.5", -0.5),
        ("TRUE", True),
        ("false", False),
        ("1", 1),
        ("", ""),
        (" text ", "text"),
        ("inf", math.inf),
        ("null", None),
        ("[1, two]", [1, "two"]),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("[unclosed", "[unclosed"),
        ("{0} items", "{0} items"),
        ("{name}", "{name}"),
        ("{}", {}),
        ("{1: 2}", "{1: 2}"),
        ("[!!python/name:os.system]", "[!!python/name:os.system]"),
        ("[&a [*a]]", "[&a [*a]]"),
        ("[2020-99-99]", "[2020-99-99]"),
        (100_000 * "[", 100_000 * "["),
        ("9" * 400, math.inf),
        ("nan(1)", "nan(1)"),
    ],
)
def test_values_are_converted(temp_config, monkeypatch, text, value):
    monkeypatch.setenv("ENVTEST_KEY", text)
    temp_config({"envtest": {"key": "old"}})
    assert caikit.get_config().envtest.key == value
    assert type(caikit.get_config().envtest.key) is type(value) or isinstance(value, (list, dict))


def test_names_of_variables(temp_config, monkeypatch):
    monkeypatch.setenv("NEWSEC_A_B_C_D", "1")
    monkeypatch.setenv("NEWSEC_UNKNOWN", "1")
    temp_config({"newsec": {"a-b": {"c": {"d": 0}}}})
    assert caikit.get_config().newsec == {"a-b": {"c": {"d": 1}}}


def test_defaults_and_later_sources_are_overridden(temp_config, monkeypatch):
    monkeypatch.setenv("RUNTIME_GRPC_PORT", "1234")
    temp_config({"runtime": {"grpc": {"port": 1}}})
    assert caikit.get_config().runtime.grpc.port == 1234


def test_variables_that_are_gone_leave_nothing(temp_config, monkeypatch):
    monkeypatch.setenv("ENVTEST_KEY", "2")
    temp_config({"envtest": {"key": 1}})
    monkeypatch.delenv("ENVTEST_KEY")
    assert caikit.get_config().envtest.key == 2
    temp_config({"other": 1})
    assert caikit.get_config().envtest.key == 1


def test_a_section_is_not_replaced_by_text(temp_config, monkeypatch, caplog):
    monkeypatch.setenv("ENVTEST", "text")
    temp_config({"envtest": {"key": 1}})
    assert caikit.get_config().envtest == {"key": 1}
    assert "ENVTEST" in str(caplog.records[-1].msg)


def test_a_section_takes_a_mapping(temp_config, monkeypatch):
    monkeypatch.setenv("ENVTEST", "{key: 2, more: 3}")
    monkeypatch.setenv("ENVTEST_MORE", "4")
    temp_config({"envtest": {"key": 1, "kept": 1}})
    assert caikit.get_config().envtest == {"key": 2, "kept": 1, "more": 4}


@pytest.mark.parametrize(("text", "value"), [("text", [1]), ("5", [1]), ("[2]", [2]), ("[]", [])])
def test_a_list_is_replaced_by_a_list_only(temp_config, monkeypatch, text, value):
    monkeypatch.setenv("ENVTEST_LIST", text)
    temp_config({"envtest": {"list": [1]}})
    assert caikit.get_config().envtest.list == value


def test_files_are_named_by_text_though_settings_have_a_list(temp_config, monkeypatch, caplog, tmp_path):
    path = tmp_path / "more.yml"
    path.write_text("envtest: {key: 2}")
    monkeypatch.setenv("CONFIG_FILES", str(path))
    temp_config({"config_files": [], "envtest": {"key": 1}})
    assert caikit.get_config().envtest.key == 2
    assert "is ignored" not in caplog.text


def test_merge_strategy_from_the_environment(temp_config, monkeypatch):
    temp_config({"envtest": {"a": 1}})
    monkeypatch.setenv("MERGE_STRATEGY", "override")
    temp_config({"envtest": {"b": 1}, "merge_strategy": "merge"})
    assert caikit.get_config().envtest == {"b": 1}
    temp_config({"envtest": {"c": 1}})
    assert caikit.get_config().envtest == {"b": 1, "c": 1}
