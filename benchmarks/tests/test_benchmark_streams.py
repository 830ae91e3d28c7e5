"""The comparison of readers: what it prints, and that it notices readers that are wrong or hold everything."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory comes from /proc")

READERS = [
    "csv rows",
    "csv dicts",
    "csv objects",
    "json dicts",
    "json objects",
    "jsonl dicts",
    "jsonl objects",
]


@pytest.mark.usefixtures("benchmarks_importable")
@pytest.mark.parametrize("reader", READERS)
def test_streams_and_python_read_the_same(reader, tmp_path) -> None:
    import streams

    path = streams.written(tmp_path / f"small.{reader.split()[0]}", rows=30)
    streams.check(reader, str(path))


@pytest.mark.usefixtures("benchmarks_importable")
def test_a_row_that_differs_ends_the_benchmark(tmp_path, monkeypatch) -> None:
    import streams

    path = streams.written(tmp_path / "small.jsonl", rows=3)
    monkeypatch.setitem(streams.plain.READERS, "jsonl dicts", lambda path: iter([{"number": 7}]))
    with pytest.raises(
        SystemExit, match=r"jsonl dicts: 1 rows expected, 3 read expected {'number': 7}, got "
    ):
        streams.check("jsonl dicts", str(path))


@pytest.mark.usefixtures("benchmarks_importable")
def test_memory_that_grows_with_the_file_is_shown(tmp_path) -> None:
    import streams

    small, large = (streams.written(tmp_path / f"{rows}.json", rows) for rows in (10, 15_000))
    result = streams.compare("json dicts", small, large, rounds=1)
    assert result[streams.OURS].flat
    assert not result[streams.PYTHON].flat
    printed = streams.table({"json dicts": result, "python alone": dict.fromkeys(result, result["plain"])})
    assert [line.split()[-2] for line in printed.splitlines()[1:]] == ["yes", "NO"]


def test_the_script_runs(run_benchmark) -> None:
    sizes = ("--small-rows", "10", "--rows", "100", "--rounds", "1")
    printed, figures = run_benchmark("streams.py", *sizes, "--formats", "jsonl")
    assert "10 and 100 rows" in printed
    assert list(figures["readers"]) == ["jsonl dicts", "jsonl objects"]
    for pair in figures["readers"].values():
        assert pair["caikit"]["rows_per_second"] > 0
        assert pair["flat"] is True
