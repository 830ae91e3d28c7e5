"""Time series over frames of Spark, where it is installed, and what they say where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from caikit.interfaces.ts.data_model import SingleTimeSeries, TimeSeries
from caikit.interfaces.ts.data_model.backends.spark_util import iteritems_workaround
from caikit.interfaces.ts.data_model.timeseries import HAVE_PYSPARK

FRAME = pd.DataFrame(
    {
        "key": ["b", "a", "b"],
        "when": pd.date_range("2024-01-01", periods=3),
        "i": [1, 2, 3],
        "vector": [[1.0, 2], [3, 4], [5, 6]],
    }
)

needs_spark = pytest.mark.skipif(
    not HAVE_PYSPARK or shutil.which("java") is None, reason="Spark and Java are not installed"
)
# Spark warns about releases of pandas that it does not know yet.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    local = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    session = SparkSession.builder.master("local[1]").config(map=local).getOrCreate()
    yield session
    session.stop()


@pytest.mark.skipif(HAVE_PYSPARK, reason="Spark is installed")
def test_spark_is_asked_for_by_the_name_of_the_extra() -> None:
    for series in (
        TimeSeries(FRAME),
        SingleTimeSeries(FRAME),
        TimeSeries.from_proto(TimeSeries(FRAME).to_proto()),
    ):
        with pytest.raises(NotImplementedError, match=r"install caikit\[interfaces-ts-pyspark\]"):
            series.as_spark()


def test_values_of_columns_of_pandas() -> None:
    column = FRAME.i
    assert iteritems_workaround(column) is column
    assert list(iteritems_workaround([1, 2])) == [1, 2]
    assert iteritems_workaround(FRAME.i, force_list=True) == [1, 2, 3]
    assert iteritems_workaround((1, 2), force_list=True) == [1, 2]


@needs_spark
@pytest.mark.timeout(120)
def test_frames_of_spark(session: Any) -> None:
    series = TimeSeries(FRAME, key_column="key", timestamp_column="when")
    spark = series.as_spark()
    assert spark.columns == list(FRAME)
    over = TimeSeries(spark, key_column="key", timestamp_column="when")
    assert len(over) == 3
    assert over.as_spark().columns == list(FRAME)
    assert over.as_spark(include_timestamps=False).columns == ["key", "i", "vector"]
    assert over == series
    assert TimeSeries.from_proto(over.to_proto()) == series
    one = SingleTimeSeries(spark, "when", ["i"])
    assert one.as_spark().columns == ["when", "i"]
    assert one == SingleTimeSeries(FRAME, "when", ["i"])
    plain = TimeSeries(spark, value_columns="i")
    numbered = plain.as_spark(include_timestamps=True, is_multi=True).collect()
    assert [row.asDict() for row in numbered] == [
        {"timestamp": n, "i": n + 1, "_TS_RESERVED": 0} for n in range(3)
    ]


@needs_spark
@pytest.mark.timeout(120)
def test_periods_in_spark(session: Any) -> None:
    frame = pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M"), "v": [1, 2]})
    rows = SingleTimeSeries(frame, "p").as_spark().collect()
    assert [row.p.isoformat() for row in rows] == ["2024-01-01T00:00:00", "2024-02-01T00:00:00"]
