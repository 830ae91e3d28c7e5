"""When a gRPC answer is the recorded one."""

from __future__ import annotations

from collections.abc import Iterator

from .answers import GrpcAnswer
from .golden import Record
from .matching import differences, matches_text

_REQUEST_ID = "x-request-id"


def recorded_answer(record: Record) -> GrpcAnswer:
    """The answer of the recording."""
    if "responses" in record:
        responses = record["responses"]
    else:
        responses = [record["response"]] if record.get("response") is not None else []
    return GrpcAnswer(
        code=record["code"],
        details=record.get("details") or "",
        responses=responses,
        initial_metadata=record["initial_metadata"],
        trailing_metadata=record["trailing_metadata"],
    )


def compare_grpc(expected: list[GrpcAnswer], got: GrpcAnswer) -> list[str]:
    """The differences to the closest of the expected answers."""
    return min((list(_differ(answer, got)) for answer in expected), key=len)


def _differ(expected: GrpcAnswer, got: GrpcAnswer) -> Iterator[str]:
    if expected.code != got.code:
        yield f"code: expected {expected.code}, got {got.code} {got.details!r} {got.responses!r:.600}"
        return
    if expected.details is None:
        if not got.details:
            yield "details: expected a text, got none"
    elif not matches_text(expected.details, got.details or ""):
        yield f"details: expected {expected.details!r}, got {got.details!r}"
    yield from differences(expected.responses, got.responses, "responses")
    yield from differences(expected.initial_metadata, got.initial_metadata, "initial_metadata")
    # Every call has an id, which the recorded server did not know.
    trailing = [pair for pair in got.trailing_metadata if pair[0] != _REQUEST_ID]
    yield from differences(expected.trailing_metadata, trailing, "trailing_metadata")
