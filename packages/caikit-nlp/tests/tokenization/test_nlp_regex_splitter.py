"""Sentences by a regular expression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import caikit_nlp
from caikit_nlp.modules.tokenization import RegexSentenceSplitter


def test_each_match_is_a_token(sentence_pattern: str) -> None:
    text = "Hello there. It costs 3.50 dollars!  Really?"
    found = RegexSentenceSplitter.bootstrap(sentence_pattern).run(text)
    assert [(token.start, token.end, token.text) for token in found.results] == [
        (0, 12, "Hello there."),
        (13, 35, "It costs 3.50 dollars!"),
        (37, 44, "Really?"),
    ]
    assert found.token_count is None
    assert RegexSentenceSplitter(r"\w+").run("").results == []


def test_a_saved_folder(tmp_path: Path) -> None:
    RegexSentenceSplitter.bootstrap(r"\d+").save(str(tmp_path))
    assert r"regex_str: \d+" in (tmp_path / "config.yml").read_text()
    assert [token.text for token in caikit_nlp.load(str(tmp_path)).run("a1b22").results] == ["1", "22"]


def test_refusals() -> None:
    number: Any = 7
    with pytest.raises(TypeError):
        RegexSentenceSplitter(number)
    with pytest.raises(ValueError, match=r"expected a regular expression, got '\('"):
        RegexSentenceSplitter("(")
    with pytest.raises(TypeError):
        RegexSentenceSplitter("a").run(number)
