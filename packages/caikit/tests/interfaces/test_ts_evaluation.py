"""How good predictions were, in frames, objects, messages and JSON."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caikit.core.data_model import ProducerId
from caikit.interfaces.ts.data_model import EvaluationRecord, EvaluationResult, Id

FRAME = pd.DataFrame(
    {"series": ["a", "b"], "part": [1, 2], "mse": [0.5, 0.25], "mae": [1.0, 2.0], "offset": [3, 4]}
)


@pytest.mark.parametrize(("value", "member"), [("a", "text"), ("", "text"), (1, "index"), (0, "index")])
def test_ids(value: Any, member: str) -> None:
    made = Id(value)
    assert made.value == value
    assert made.which_oneof("value") == member
    assert made.to_dict() == {member: value}
    assert Id.from_proto(made.to_proto()) == made == Id.from_json(made.to_json())


def test_records_wrap_ids() -> None:
    record = EvaluationRecord(["a", 1, Id("b")], [0.5, math.nan], "overall")
    assert record.id_values == [Id("a"), Id(1), Id("b")]
    assert record.offset == Id("overall")
    assert record.to_json() == (
        '{"id_values": [{"text": "a"}, {"index": 1}, {"text": "b"}], '
        '"metric_values": [0.5, "NaN"], "offset": {"text": "overall"}}'
    )
    for read in (
        EvaluationRecord.from_proto(record.to_proto()),
        EvaluationRecord.from_json(record.to_json()),
    ):
        assert read.to_json() == record.to_json()
    empty = EvaluationRecord()
    assert (empty.id_values, empty.metric_values, empty.offset) == (None, None, None)
    assert EvaluationRecord.from_proto(empty.to_proto()).id_values == []


@pytest.mark.parametrize("offset", [None, "offset"])
@pytest.mark.parametrize("ids", [["series", "part"], ["series"], []])
def test_round_trips(ids: list[str], offset: str | None) -> None:
    frame = FRAME[[*ids, "mse", "mae", *([offset] if offset else [])]]
    result = EvaluationResult(
        df=frame, id_cols=ids, metric_cols=["mse", "mae"], offset_col=offset, producer_id=("me", "1")
    )
    assert result.producer_id == ProducerId("me", "1")
    pd.testing.assert_frame_equal(result.as_pandas(), frame)
    for read in (
        EvaluationResult.from_proto(result.to_proto()),
        EvaluationResult.from_json(result.to_json()),
        pickle.loads(pickle.dumps(result)),
    ):
        assert read == result
        assert read.to_json() == result.to_json()
        pd.testing.assert_frame_equal(read.as_pandas(), frame)
    assert len(result.records) == 2
    assert (result.id_cols, result.metric_cols, result.offset_col) == (ids, ["mse", "mae"], offset or "")
    assert result.records[0].metric_values == [0.5, 1.0]
    assert result.records[1].offset == (Id(4) if offset else None)


def test_metrics_are_the_other_columns() -> None:
    result = EvaluationResult(df=FRAME, id_cols="series", offset_col="offset")
    assert result.metric_cols == ["part", "mse", "mae"]
    assert result.records[0].id_values == [Id("a")]


def test_records_by_hand() -> None:
    records = [EvaluationRecord(["a"], [0.5], 1), EvaluationRecord(["b"], [0.25], "all")]
    result = EvaluationResult(records, ["k"], ["mse"], "offset")
    assert result.as_pandas().to_dict("list") == {"k": ["a", "b"], "mse": [0.5, 0.25], "offset": [1, "all"]}
    assert EvaluationResult.from_proto(result.to_proto()) == result
    assert EvaluationResult.from_proto(EvaluationResult().to_proto()).as_pandas().empty
    assert list(EvaluationResult([], ["k"], ["mse"]).as_pandas()) == ["k", "mse"]


def test_assigned_records_count() -> None:
    result = EvaluationResult(df=FRAME, id_cols=["series"], metric_cols=["mse"])
    result.records = result.records[1:]
    assert result.as_pandas().to_dict("list") == {"series": ["b"], "mse": [0.25]}


def test_ids_that_are_neither_texts_nor_integers() -> None:
    frame = pd.DataFrame({"k": pd.to_datetime(["2024-01-02"]), "n": [0.5], "m": [np.nan]})
    result = EvaluationResult(df=frame, id_cols=["k", "n"], metric_cols=["m"])
    assert result.records[0].id_values == [Id("2024-01-02 00:00:00"), Id("0.5")]
    assert '"metric_values": ["NaN"]' in result.to_json()


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"expected columns of the data frame, .*, got \['none'\]"):
        EvaluationResult(df=FRAME, id_cols=["none"])
    with pytest.raises(TypeError, match="expected records or a data frame for an evaluation, got both"):
        EvaluationResult([], df=FRAME)
    with pytest.raises(
        TypeError, match="expected EvaluationRecord in the records of an evaluation, got dict"
    ):
        EvaluationResult([{"metric_values": [1.0]}])
    wrong = EvaluationResult([EvaluationRecord(["a"], [1.0, 2.0])], ["k"], ["mse"])
    with pytest.raises(
        ValueError, match=r"expected values for the columns \['mse'\] in a record, got \[1.0, 2.0\]"
    ):
        wrong.as_pandas()
