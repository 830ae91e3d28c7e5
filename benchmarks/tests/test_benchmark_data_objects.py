"""The comparison of data objects: what is compared, what it prints, and that wrong answers end it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

SHORTEST = ("--rounds", "1", "--milliseconds", "0.1", "--import-rounds", "1")
FULL_SHAPES = ["small nested object", "1000 small objects", "768 floats, list", "768 floats, Vector1D"]
BYTES = ["to bytes", "from bytes"]
JSON = ["to JSON", "from JSON"]


@pytest.fixture(scope="module")
def short_run(run_benchmark):
    return run_benchmark("data_objects.py", *SHORTEST)


def test_every_operation_on_every_shape_has_a_row_and_a_ratio(short_run) -> None:
    printed, figures = short_run
    rows = {(row["shape"], row["operation"]): row for row in figures["rows"]}
    expected = [(shape, operation) for shape in FULL_SHAPES for operation in ["build", *BYTES, *JSON]]
    array = [("768 floats, array", operation) for operation in ("build", "to bytes", "to JSON")]
    assert sorted(rows) == sorted(expected + array)
    for (shape, operation), row in rows.items():
        timings = row["cpu_microseconds"]
        assert timings.keys() >= {"caikit", "upb"} | ({"upb bare"} if operation in BYTES else {"msgspec"})
        assert all(0 < timing["min"] <= timing["median"] for timing in timings.values())
        if operation in BYTES:
            assert row["aim"] == {"library": "upb", "factor": 2}
            assert row["ratio"]["min"] > 0
            assert f"{row['ratio']['min']:.2f}" in line_of(printed, shape, operation)
    for peer in ("pydantic", "orjson"):
        if find_spec(peer) is None:
            assert f"{peer} is not installed; `make bench-data` brings it" in printed


def test_a_plain_import_and_whether_it_loads_numpy_are_shown(short_run) -> None:
    printed, figures = short_run
    assert figures["imports"]["import caikit"]["cpu_milliseconds"]["min"] > 0
    assert figures["imports"]["import caikit"]["numpy"] is False
    assert line_of(printed, "import caikit", "").endswith(" no")


@pytest.mark.skipif(find_spec("pydantic") is None, reason="pydantic is not installed")
def test_json_is_compared_with_pydantic(short_run) -> None:
    _, figures = short_run
    of_json = [row for row in figures["rows"] if row["operation"] in JSON]
    assert [row["aim"] for row in of_json] == [{"library": "pydantic", "factor": 1}] * 9


@pytest.mark.usefixtures("benchmarks_importable")
def test_a_library_with_a_wrong_answer_is_not_timed() -> None:
    from objects import shapes
    from objects.timing import WrongAnswerError, measure

    def wrong() -> dict[str, list[float]]:
        return {"values": [*shapes.FLOATS[:-1], 1.5]}

    way = shapes.Way("nonsense", shapes.FLOAT_LIST, shapes.FROM_JSON, wrong, lambda answer: answer)
    with pytest.raises(WrongAnswerError, match=r"nonsense, 768 floats, list, from JSON: expected .*, got "):
        measure([way], rounds=1, milliseconds=0.1)


def line_of(printed: str, *starts: str) -> str:
    (line,) = [
        line for line in printed.splitlines() if line.split("  ")[0] == starts[0] and starts[1] in line
    ]
    return line
