"""What a server says when it starts."""

from __future__ import annotations

import json


def test_one_line_says_what_is_served_and_where(golden):
    records = [json.loads(line) for line in golden.log.read_text().splitlines() if line.startswith("{")]
    told = [record for record in records if record["channel"] in ("SERVR-GRPC", "SERVER-WRAPR")]
    started = [record["message"] for record in told if record["log_code"] == "<RUN10001003I>"]
    assert len(started) == 1
    tasks, models, address = started[0].split("; ")
    assert tasks.startswith("Tasks: BlobTask, CompareTask, DocumentTask, EchoTask, FarewellTask, GreetTask,")
    assert models.startswith("models: batch, blob, compare, file, greeter,")
    assert address == f"listening on {golden.target}"
    # How it is encrypted, that it serves, and what.
    assert len(told) == 3
