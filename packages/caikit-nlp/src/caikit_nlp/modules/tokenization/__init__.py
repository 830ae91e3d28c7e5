"""Cutting texts into pieces."""

from __future__ import annotations

from .regex_sentence_splitter import RegexSentenceSplitter

__all__ = ["RegexSentenceSplitter"]
