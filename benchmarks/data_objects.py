"""Data objects beside protobuf messages and other libraries: CPU microseconds of each operation.

Every answer is compared with what went in before anything is timed. All libraries run in the same process, in
interleaved rounds, with the garbage collector on; the fastest round is shown, and the ratios are the figures to quote.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import report
from objects import shapes
from objects.imports import measure_imports
from objects.shapes import OPERATIONS, SHAPES, Shape, Way
from objects.timing import Timing, measure

LIBRARIES = {
    "caikit": "caikit_objects",
    "upb": "upb_messages",
    "pydantic": "pydantic_models",
    "msgspec": "msgspec_structs",
    "dataclass": "dataclasses_orjson",
}
PEERS = {"pydantic": "pydantic", "msgspec": "msgspec", "dataclass": "orjson"}
"""What may be missing, and the module that it needs."""
COLUMNS = ["caikit", "upb", "upb bare", "pydantic", "msgspec", "dataclass"]


@dataclass(frozen=True)
class Aim:
    library: str
    factor: float


AIMS = {
    shapes.TO_BYTES: Aim("upb", 2),
    shapes.FROM_BYTES: Aim("upb", 2),
    shapes.TO_JSON: Aim("pydantic", 1),
    shapes.FROM_JSON: Aim("pydantic", 1),
}


@dataclass(frozen=True)
class Row:
    shape: Shape
    operation: str
    timings: dict[str, Timing]

    @property
    def aim(self) -> Aim | None:
        aim = AIMS.get(self.operation)
        return aim if aim and aim.library in self.timings else None

    def ratio(self, statistic: str) -> float:
        assert self.aim is not None
        ours, other = self.timings["caikit"], self.timings[self.aim.library]
        return float(getattr(ours, statistic) / getattr(other, statistic))


def main() -> None:
    options = arguments()
    ways = installed_ways()
    timings = measure(ways, options.rounds, options.milliseconds)
    rows = rows_of(ways, timings)
    imports = measure_imports(options.import_rounds)
    print(data_table(rows))
    print(import_table(imports))
    libraries = report.versions("caikit", "protobuf", "pydantic", "msgspec", "orjson", "numpy")
    figures = {"versions": libraries, "rows": [as_figures(row) for row in rows], "imports": imports}
    report.write(options.output, figures)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="runs of each operation (25; quick: 10)")
    parser.add_argument("--milliseconds", type=float, help="length of one run (25; quick: 10)")
    parser.add_argument("--import-rounds", type=int, help="processes for each import (10; quick: 3)")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "data_objects.json")
    options = parser.parse_args()
    defaults = {"rounds": (25, 10), "milliseconds": (25, 10), "import_rounds": (10, 3)}
    for name, (thorough, quick) in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else thorough)
    return options


def installed_ways() -> list[Way]:
    """Ordered so that the libraries of one row run one after the other."""
    ways: list[Way] = []
    for library, module in LIBRARIES.items():
        try:
            ways += import_module(f"objects.{module}").ways()
        except ModuleNotFoundError as problem:
            if problem.name != PEERS.get(library):
                raise
            print(f"{library} is left out: {problem.name} is not installed; `make bench-data` brings it\n")
    return sorted(ways, key=lambda way: (SHAPES.index(way.shape), OPERATIONS.index(way.operation)))


def rows_of(ways: list[Way], timings: list[Timing]) -> list[Row]:
    pairs = zip(ways, timings, strict=True)
    grouped = itertools.groupby(pairs, key=lambda pair: (pair[0].shape.name, pair[0].operation))
    rows = []
    for (_, operation), members in grouped:
        of_row = list(members)
        rows.append(Row(of_row[0][0].shape, operation, {way.library: timing for way, timing in of_row}))
    return rows


def data_table(rows: list[Row]) -> str:
    header = ["CPU microseconds", "", *COLUMNS, "aim", "ratio", "of medians", ""]
    lines = []
    for row in rows:
        cells = [microseconds(row.timings.get(column)) for column in COLUMNS]
        lines.append([row.shape.name, row.operation, *cells, *verdict(row)])
    return report.table(header, lines, texts=2)


def microseconds(timing: Timing | None) -> str:
    return "-" if timing is None else f"{timing.min:,.2f}" if timing.min < 100 else f"{timing.min:,.0f}"


def verdict(row: Row) -> list[str]:
    if row.aim is None:
        return ["", "", "", ""]
    ratio = row.ratio("min")
    met = ratio <= row.aim.factor
    return [
        f"<= {row.aim.factor:g} x {row.aim.library}",
        f"{ratio:.2f}",
        f"{row.ratio('median'):.2f}",
        "met" if met else "MISSED",
    ]


def import_table(imports: dict[str, dict[str, Any]]) -> str:
    header = ["In a fresh process", "CPU ms", "median", "modules", "loads numpy"]
    rows = [
        [
            statement,
            f"{figures['cpu_milliseconds']['min']:.1f}",
            f"{figures['cpu_milliseconds']['median']:.1f}",
            str(figures["modules"]),
            "yes" if figures["numpy"] else "no",
        ]
        for statement, figures in imports.items()
    ]
    return report.table(header, rows)


def as_figures(row: Row) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "shape": row.shape.name,
        "operation": row.operation,
        "cpu_microseconds": {library: asdict(timing) for library, timing in row.timings.items()},
    }
    if row.aim is not None:
        figures["aim"] = asdict(row.aim)
        figures["ratio"] = {name: row.ratio(name) for name in ("min", "median")}
    return figures


if __name__ == "__main__":
    main()
