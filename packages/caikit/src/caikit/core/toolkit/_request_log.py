"""Puts the id of the request that a thread serves, and that of the process, into every line that is logged."""

from __future__ import annotations

import copy
import logging
import os

import alog

from ..._logged_request import REQUEST, LoggedRequest


class RequestJsonFormatter(alog.AlogJsonFormatter):  # type: ignore[misc]  # alog has no types
    """JSON lines; those of a request have its `request_id`, and `trace_id` and `span_id` if it is traced."""

    def __init__(self, *, process_id: bool = False) -> None:
        super().__init__()
        self._process_id = process_id

    def format(self, record: logging.LogRecord) -> str:
        request = REQUEST.get()
        if request is not None or self._process_id:
            content = record.msg if isinstance(record.msg, dict) else {"message": record.getMessage()}
            process = {"process": os.getpid()} if self._process_id else {}
            # Other handlers get the same record.
            record = copy.copy(record)
            record.msg = {**process, **_ids(request), **content}
        return str(super().format(record))


def _ids(request: LoggedRequest | None) -> dict[str, str]:
    if request is None:
        return {}
    ids = {"request_id": request.request_id}
    traced = request.trace_ids
    if traced is not None:
        ids["trace_id"], ids["span_id"] = traced
    return ids


class RequestPrettyFormatter(alog.AlogPrettyFormatter):  # type: ignore[misc]  # alog has no types
    """Lines to read; those of a request begin with its id."""

    def __init__(self, channel_width: int, *, process_id: bool = False) -> None:
        super().__init__(channel_width)
        self._process_id = process_id

    def format(self, record: logging.LogRecord) -> str:
        request = REQUEST.get()
        beginning = f"[pid {os.getpid()}] " if self._process_id else ""
        if request is not None:
            beginning += f"[{request.request_id}] "
        if beginning:
            content = dict(record.msg) if isinstance(record.msg, dict) else {"message": record.getMessage()}
            arguments = content.pop("args", None)
            message = str(content.get("message", ""))
            content["message"] = beginning + (message % arguments if arguments else message)
            record = copy.copy(record)
            record.msg = content
        return str(super().format(record))
