"""One line per request, for those who turn the channel `ACCESS` to debug."""

from __future__ import annotations

import logging
from typing import Any

import alog

from .errors import shorten
from .observer import LONGEST_MODEL_ID, Listener, Observation

log = alog.use_channel("ACCESS")


class AccessLog(Listener):
    """Logs requests when they have ended, with their times in milliseconds."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol

    def finished(self, observation: Observation) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug(self._line(observation))

    def _line(self, observation: Observation) -> dict[str, Any]:
        context, operation = observation.context, observation.operation
        line = {
            "log_code": "<RUN50530381D>",
            "message": f"{self._protocol} {operation.name} {observation.status.name} "
            f"in {_milliseconds(observation.seconds)} ms",
            "protocol": self._protocol,
            "rpc_name": operation.name,
            "model_id": None if context.model_id is None else shorten(context.model_id, LONGEST_MODEL_ID),
            "status": observation.status.name,
            "request_id": context.request_id,
            "queue_ms": _milliseconds(observation.queued),
            "decode_ms": _milliseconds(observation.decode),
            "run_ms": _milliseconds(observation.work),
            "encode_ms": _milliseconds(observation.encode),
            "total_ms": _milliseconds(observation.seconds),
        }
        if observation.operation.shape.output_streaming:
            line["items"] = observation.sent
        return line


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
