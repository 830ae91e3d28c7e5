"""The tables of better answers fit the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.replay import better_grpc, better_http
from conformance.replay.golden import load_records
from conformance.replay.scope import NOT_SERVED_YET

TABLES: Mapping[str, Any] = {"http": better_http, "grpc": better_grpc}


@pytest.mark.parametrize("protocol", TABLES)
def test_every_marked_record_has_a_better_answer(protocol: str) -> None:
    marked = {(record["wart"], record["name"]) for record in load_records(protocol) if "wart" in record}
    table = TABLES[protocol].BETTER
    assert {(wart, name) for wart, answers in table.items() for name in answers} == marked


@pytest.mark.parametrize("protocol", TABLES)
def test_other_tables_name_records_that_are_not_marked(protocol: str) -> None:
    unmarked = {record["name"] for record in load_records(protocol) if "wart" not in record}
    assert TABLES[protocol].UNMARKED.keys() <= unmarked
    assert NOT_SERVED_YET[protocol].keys() <= unmarked
