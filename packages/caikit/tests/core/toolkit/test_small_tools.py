"""Names, hashes, platforms and logging."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from caikit.core.toolkit.compatibility import is_importable_on_platform, unsupported_platforms
from caikit.core.toolkit.name_tools import camel_to_snake_case, snake_to_upper_camel
from caikit.core.toolkit.reversible_hasher import BACKWARD_MAP, FORWARD_MAP, ReversibleHasher


@pytest.mark.parametrize(
    ("snake", "camel"),
    [
        ("foo_bar", "FooBar"),
        ("fooBar_baz", "FooBarBaz"),
        ("_foo__bar_", "FooBar"),
        ("HTTP_server", "HTTPServer"),
        ("", ""),
    ],
)
def test_snake_to_upper_camel(snake, camel):
    assert snake_to_upper_camel(snake) == camel


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("FooBar", "foo_bar"),
        ("HTTPServer", "h_t_t_p_server"),
        ("foo_Bar", "foo__bar"),
        ("Foo2Bar", "foo2_bar"),
        ("", ""),
    ],
)
def test_camel_to_snake_case(camel, snake):
    assert camel_to_snake_case(camel) == snake


def test_kebab_case():
    assert camel_to_snake_case("FooBar", kebab_case=True) == "foo-bar"


@pytest.mark.parametrize(("plain", "hashed"), [("default", "wTHxlsu"), ("LOCAL", "AJeyA"), ("é .", "é .")])
def test_reversible_hash(plain, hashed):
    assert ReversibleHasher.hash(plain) == hashed
    assert ReversibleHasher.reverse_hash(hashed) == plain


def test_hash_maps():
    assert "".join(FORWARD_MAP.values()) == "xzhwTHt7UjOsQFqvKPDulYNWdEy3e52Xka8CSA0mJ1MG6nZ-cBLfI4Rg9i_prVbo"
    assert {hashed: plain for plain, hashed in FORWARD_MAP.items()} == BACKWARD_MAP


@pytest.mark.parametrize("platforms", [sys.platform, [sys.platform], ("other", sys.platform)])
def test_unsupported_platform(platforms):
    @unsupported_platforms(platforms)
    def operation():
        """Documented."""

    message = rf"^Operation \[operation\] has not been implemented for platform \[{sys.platform}\]$"
    with pytest.raises(NotImplementedError, match=message):
        operation()
    assert operation.__doc__ == "Documented."


@pytest.mark.parametrize("platforms", ["other", [], f"{sys.platform}2"])
def test_supported_platform(platforms):
    assert unsupported_platforms(platforms)(lambda value: value)(5) == 5


@pytest.mark.parametrize("platforms", [None, 5, [5]])
def test_bad_platforms(platforms):
    with pytest.raises(TypeError):
        unsupported_platforms(platforms)


GOOD = {
    "module": "json",
    "package": "json",
    "exc_type": ImportError,
    "platforms": sys.platform,
    "platform_hint": "",
}


@pytest.mark.parametrize(
    ("changes", "importable"),
    [({}, True), ({"module": "no_such"}, False), ({"module": "no_such", "platforms": "other"}, True)],
)
def test_is_importable(changes, importable):
    assert is_importable_on_platform(**{**GOOD, **changes}) is importable


def test_hint_is_logged(caplog):
    is_importable_on_platform(**{**GOOD, "module": "no_such", "platform_hint": "install it"})
    text = str(caplog.records[0].msg)
    assert f"Module [no_such] from package [json] failed to import on platform [{sys.platform}]" in text
    assert "HINT: install it" in text


@pytest.mark.parametrize("name", list(GOOD))
def test_none_is_refused_everywhere(name):
    with pytest.raises(TypeError):
        is_importable_on_platform(**{**GOOD, "module": "no_such", name: None})


def logged(settings="", **variables):
    program = f"""
import alog, caikit
from caikit.core.toolkit import logging
{settings}
logging.configure()
alog.use_channel("OTHER").info("<TST12345678I>", "shown")
alog.use_channel("TEST").info("<TST12345678I>", "of the channel")
alog.use_channel("TEST").debug("detail")
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    ).stderr


@pytest.mark.parametrize(
    ("formatter", "line"), [("pretty", "[OTHER       :INFO"), ("json", '"level": "info"')]
)
def test_logging(formatter, line):
    lines = logged(LOG_FORMATTER=formatter)
    assert line in lines
    assert "of the channel" in lines
    assert "detail" not in lines


@pytest.mark.parametrize(
    ("log", "seen"),
    [
        ("{'level': 'DEBUG'}", {"shown", "of the channel", "detail"}),
        ("{'level': None}", {"shown", "of the channel"}),
        ("{'level': False}", set()),
        ("{'filters': 'TEST:debug'}", {"shown", "of the channel", "detail"}),
        ("{'filters': {'TEST': False}}", {"shown"}),
        ("{'filters': None}", {"shown", "of the channel"}),
    ],
)
def test_levels_and_filters(log, seen):
    lines = logged(f"caikit.configure(config_dict={{'log': {log}}})")
    assert "Traceback" not in lines
    assert {text for text in ("shown", "of the channel", "detail") if text in lines} == seen


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("{'formatter': 'bogus'}", "ValueError: expected json or pretty as log.formatter, got 'bogus'"),
        (
            "{'formatter': 'pretty', 'channel_width': 'x'}",
            "ValueError: expected a whole number as log.channel_width, got 'x'",
        ),
    ],
)
def test_wrong_logging(log, message):
    assert message in logged(f"caikit.configure(config_dict={{'log': {log}}})")
