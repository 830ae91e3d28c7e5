"""What stands in for spans and tracers while tracing is off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class NoSpan:
    """Takes whatever a span takes, and forgets it."""

    def __enter__(self) -> NoSpan:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def is_recording(self) -> bool:
        return False

    def get_span_context(self) -> None:
        """No span, no context."""

    def _ignore(self, *args: Any, **kwargs: Any) -> None:
        pass

    set_attribute = set_attributes = add_event = add_link = _ignore
    set_status = update_name = record_exception = end = _ignore


class NoTracer:
    """Starts spans that are none."""

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> NoSpan:
        return NO_SPAN

    @contextlib.contextmanager
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Iterator[NoSpan]:
        yield NO_SPAN


NO_SPAN = NoSpan()
NO_TRACER = NoTracer()
