from __future__ import annotations

import time

from caikit.runtime.engine import RequestContext


def test_parts_are_made_once_and_late():
    made = []

    def make(name, value):
        made.append(name)
        return value

    context = RequestContext(
        headers=lambda: make("headers", {"x-request-id": "abc"}), native=lambda: make("native", object())
    )
    assert made == []
    assert context.request_id == "abc"
    assert context.native is context.native
    assert context.headers == {"x-request-id": "abc"}
    assert made == ["headers", "native"]


def test_request_id_is_made_up_when_it_is_missing_or_odd():
    for headers in ({}, {"x-request-id": "a\nb"}, {"x-request-id": "x" * 500}):
        context = RequestContext(headers=headers)
        assert len(context.request_id) == 32
        assert context.request_id == context.request_id


def test_time_remaining():
    assert RequestContext(headers={}).time_remaining is None
    remaining = RequestContext(headers={}, deadline=time.monotonic() + 5).time_remaining
    assert remaining is not None
    assert 4 < remaining <= 5


def test_there_may_be_no_native_context():
    assert RequestContext(headers={}).native is None
