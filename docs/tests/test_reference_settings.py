"""The page of the settings shows the packaged defaults, and its environment variables work."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import caikit
from caikit.config.config import BASE_CONFIG_PATH, preserved

HOOK = Path(__file__).parents[1] / "hooks" / "settings.py"
TEXT = """\
# Not about the first key

# About names,
# in two lines
names: [a, b]
server:
  # The door
  port: 1

# Together
pair:
  - {left: x-y, right: null}
"""


def load_hook() -> Any:
    specification = importlib.util.spec_from_file_location("docs_settings_hook", HOOK)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look for it while it is loaded
    specification.loader.exec_module(module)
    return module


hook = load_hook()


def read(tree: Any, key: str) -> Any:
    return functools.reduce(lambda node, part: node[part], key.split("."), tree)


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        found |= leaves(value, f"{key}.") if isinstance(value, dict) and value else {key: value}
    return found


def test_reads_keys_defaults_and_comments() -> None:
    found = [(each.key, each.variable, each.default, each.comment) for each in hook.settings(TEXT)]
    assert found == [
        ("names", "NAMES", "[a, b]", "About names, in two lines"),
        ("server.port", "SERVER_PORT", "1", "The door"),
        ("pair", "PAIR", "[{left: x-y, right: null}]", "Together"),
    ]


def test_every_default_is_shown() -> None:
    text = Path(BASE_CONFIG_PATH).read_text()
    shown = {
        each.key: yaml.safe_load(each.default) for each in hook.settings(text) if each.default is not None
    }
    assert shown == leaves(yaml.safe_load(text))
    page = hook.render(text)
    assert [key for key in shown if f'<a id="{key}">' not in page] == []


def test_every_variable_works(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [
        each
        for each in hook.settings(Path(BASE_CONFIG_PATH).read_text())
        if each.key not in ("config_files", "merge_strategy")  # they steer how the others are read
    ]
    for each in settings:
        is_list = each.default is not None and each.default.startswith("[")
        text = "{documented: 1}" if each.default is None else "[documented]" if is_list else "documented"
        monkeypatch.setenv(each.variable, text)
    with preserved():
        caikit.configure(config_dict={"documentation": True})
        config = caikit.get_config()
        for each in settings:
            value = read(config, each.key)
            if each.default is None:
                assert value["documented"] == 1, each.key
            else:
                assert value in ("documented", ["documented"]), each.key
