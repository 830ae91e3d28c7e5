"""Classes of the spans of a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import alog

from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    Token,
    TokenClassificationResult,
    TokenClassificationStreamResult,
)

from ._parts import Classifier, Splitter

__all__ = ["classify_stream"]

error = error_handler.get(alog.use_channel("FILT_STREAM"))

Keep = Callable[[TokenClassificationResult], bool]


def classify_stream(
    pieces: Iterable[str], splitter: Splitter, classifier: Classifier, keep: Keep
) -> Iterator[TokenClassificationStreamResult]:
    """The results for each span as soon as a later one begins, so that no more text can belong to it."""
    text = ""
    spans: list[Token] = []
    released = position = 0
    for piece in pieces:
        error.type_check("<NLP38357927E>", str, text_stream=piece)
        text += piece
        spans = splitter.spans(text)
        complete = spans[released:-1]
        released += len(complete)
        for span, found in _classified(text, complete, classifier, position):
            yield from _results(found, span.end, keep)
            position = span.end
    rest = spans[released:]
    for span, found in _classified(text, rest, classifier, position):
        yield from _results(found, span.end, keep)
        position = span.end
    if not spans:
        yield from _results(_after(text, classifier, position), len(text), keep)


def _classified(
    text: str, spans: list[Token], classifier: Classifier, position: int
) -> Iterator[tuple[Token, list[TokenClassificationResult]]]:
    """Each span with what is in it."""
    if classifier.needs_spans:
        yield from zip(spans, classifier.of_spans(spans), strict=True)
        return
    for span in spans:
        # Never more of the text than up to the span, so that the pieces it came in make no difference.
        yield span, _after(text[: span.end], classifier, position)
        position = span.end


def _after(text: str, classifier: Classifier, position: int) -> list[TokenClassificationResult]:
    """What ends in a text behind a position."""
    if classifier.needs_spans or not text:
        return []
    return [each for each in classifier.in_text(text) if position < each.end <= len(text)]


def _results(
    found: list[TokenClassificationResult], end: int, keep: Keep
) -> Iterator[TokenClassificationStreamResult]:
    kept = [each for each in found if keep(each)]
    for each in kept:
        yield TokenClassificationStreamResult(results=[each], processed_index=each.end)
    if not any(each.end == end for each in kept):
        yield TokenClassificationStreamResult(results=[], processed_index=end)
