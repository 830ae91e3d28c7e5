"""Sentences by a regular expression."""

from __future__ import annotations

import os
import re

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import Token, TokenizationResults
from caikit.interfaces.nlp.tasks import TokenizationTask

__all__ = ["RegexSentenceSplitter"]

error = error_handler.get(alog.use_channel("RGX_SNT_SPLT"))


@module(
    id="1e04e21b-7009-499e-abdd-41e5984c2e7d",
    name="Regex Sentence Splitter",
    version="0.1.0",
    task=TokenizationTask,
)
class RegexSentenceSplitter(ModuleBase):
    """Each match of a regular expression is a token."""

    def __init__(self, regex_str: str) -> None:
        super().__init__()
        error.type_check("<NLP48846517E>", str, regex_str=regex_str)
        self.regex_str = regex_str
        try:
            self.regex = re.compile(regex_str)
        except re.error as malformed:
            error(
                "<NLP48846518E>",
                ValueError(f"expected a regular expression, got {regex_str!r}: {malformed}"),
                malformed,
            )

    @classmethod
    def bootstrap(cls, regex_str: str) -> RegexSentenceSplitter:
        """A splitter for a regular expression."""
        return cls(regex_str)

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> RegexSentenceSplitter:
        """Load a saved splitter."""
        return cls(ModuleLoader(model_path).load_arg("regex_str"))

    def save(self, model_path: str | os.PathLike[str]) -> None:
        """Write the splitter into a directory."""
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            saver.update_config({"regex_str": self.regex_str})

    @TokenizationTask.taskmethod()
    def run(self, text: str) -> TokenizationResults:
        """The matches in a text."""
        error.type_check("<NLP48846519E>", str, text=text)
        return TokenizationResults(
            results=[
                Token(start=match.start(), end=match.end(), text=match.group())
                for match in self.regex.finditer(text)
            ]
        )
