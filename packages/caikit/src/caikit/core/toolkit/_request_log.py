"""Puts the id of the request that a thread serves into every line that is logged meanwhile."""

from __future__ import annotations

import copy
import logging

import alog

from ..._logged_request import REQUEST, LoggedRequest


class RequestJsonFormatter(alog.AlogJsonFormatter):  # type: ignore[misc]  # alog has no types
    """JSON lines; those of a request have its `request_id`, and `trace_id` and `span_id` if it is traced."""

    def format(self, record: logging.LogRecord) -> str:
        request = REQUEST.get()
        if request is not None:
            content = record.msg if isinstance(record.msg, dict) else {"message": record.getMessage()}
            # Other handlers get the same record.
            record = copy.copy(record)
            record.msg = {**_ids(request), **content}
        return str(super().format(record))


def _ids(request: LoggedRequest) -> dict[str, str]:
    ids = {"request_id": request.request_id}
    traced = request.trace_ids
    if traced is not None:
        ids["trace_id"], ids["span_id"] = traced
    return ids


class RequestPrettyFormatter(alog.AlogPrettyFormatter):  # type: ignore[misc]  # alog has no types
    """Lines to read; those of a request begin with its id."""

    def format(self, record: logging.LogRecord) -> str:
        request = REQUEST.get()
        if request is not None:
            content = dict(record.msg) if isinstance(record.msg, dict) else {"message": record.getMessage()}
            arguments = content.pop("args", None)
            message = str(content.get("message", ""))
            content["message"] = f"[{request.request_id}] {message % arguments if arguments else message}"
            record = copy.copy(record)
            record.msg = content
        return str(super().format(record))
