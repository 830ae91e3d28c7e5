"""Large files read as data streams: peak memory for a small and a large file, rows per second beside Python's readers.

Each pass is a process of its own. What both readers make of the small file is compared before anything is timed.
"objects" are data objects, read as a server reads the file that a training request names; beside them stands a
dataclass, filled by hand. Linux only: the peak comes from /proc.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import report
from readers import files, plain, streams_of_caikit

READERS = Path(__file__).parent / "readers"
OURS, PYTHON = "streams_of_caikit", "plain"
FLAT_MB = 8
"""The peak may grow by this much, however large the file is."""


@dataclass(frozen=True)
class Pass:
    rows: int
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Result:
    """One reader of one kind; rows per second of CPU time."""

    rows_per_second: float
    median_rows_per_second: float
    small_peak_mb: float
    large_peak_mb: float

    @property
    def flat(self) -> bool:
        return self.large_peak_mb - self.small_peak_mb <= FLAT_MB


def main() -> None:
    options = arguments()
    results: dict[str, dict[str, Result]] = {}
    sizes = {}
    for file_format in options.formats:
        with tempfile.TemporaryDirectory(prefix="caikit-bench-") as folder:
            small, large = (
                written(Path(folder) / f"{name}.{file_format}", rows)
                for name, rows in (("small", options.small_rows), ("large", options.rows))
            )
            sizes[file_format] = large.stat().st_size / 1e6
            for reader in readers_of(file_format):
                check(reader, str(small))
                results[reader] = compare(reader, small, large, options.rounds)
    print(f"{options.small_rows:,} and {options.rows:,} rows; the large files have ", end="")
    print(", ".join(f"{size:,.0f} MB ({name})" for name, size in sizes.items()))
    print(table(results))
    figures = {
        "rows": {"small": options.small_rows, "large": options.rows},
        "readers": {reader: as_figures(pair) for reader, pair in results.items()},
    }
    report.write(options.output, figures)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller files, one round")
    parser.add_argument("--formats", nargs="+", choices=files.FORMATS, default=files.FORMATS)
    parser.add_argument("--small-rows", type=int, help="rows of the small file (10000; quick: 1000)")
    parser.add_argument("--rows", type=int, help="rows of the large file (250000; quick: 40000)")
    parser.add_argument("--rounds", type=int, help="passes over the large file (3; quick: 1)")
    parser.add_argument("--output", type=Path, default=report.RESULTS / "streams.json")
    options = parser.parse_args()
    defaults = {"small_rows": (10_000, 1000), "rows": (250_000, 40_000), "rounds": (3, 1)}
    for name, (thorough, quick) in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else thorough)
    return options


def written(path: Path, rows: int) -> Path:
    files.write(path, rows)
    return path


def readers_of(file_format: str) -> list[str]:
    return [reader for reader in plain.READERS if reader.split()[0] == file_format]


def check(reader: str, path: str) -> None:
    """Both make the same of the file, and what Python makes of it is what was written."""
    expected = [content(row) for row in plain.READERS[reader](path)]
    found = [content(row) for row in streams_of_caikit.READERS[reader](path)]
    if found != expected:
        different = next((pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]), None)
        problem = f"expected {different[0]}, got {different[1]}" if different else ""
        raise SystemExit(f"{reader}: {len(expected)} rows expected, {len(found)} read {problem}")


def content(row: Any) -> Any:
    return row if isinstance(row, (list, dict)) else tuple(getattr(row, name) for name in files.FIELDS)


def compare(reader: str, small: Path, large: Path, rounds: int) -> dict[str, Result]:
    runs: dict[str, list[Pass]] = {OURS: [], PYTHON: []}
    for _ in range(rounds):
        for module, passes in runs.items():
            passes.append(one_pass(module, reader, large))
    results = {}
    for module, passes in runs.items():
        seconds = [each.cpu_seconds for each in passes]
        results[module] = Result(
            rows_per_second=passes[0].rows / min(seconds),
            median_rows_per_second=passes[0].rows / statistics.median(seconds),
            small_peak_mb=one_pass(module, reader, small).peak_mb,
            large_peak_mb=max(each.peak_mb for each in passes),
        )
    return results


def one_pass(module: str, reader: str, path: Path) -> Pass:
    command = [sys.executable, "one_pass.py", module, reader, str(path)]
    printed = subprocess.run(
        command, cwd=READERS, stdout=subprocess.PIPE, text=True, timeout=600, check=True
    ).stdout
    return Pass(**json.loads(printed))


def table(results: dict[str, dict[str, Result]]) -> str:
    header = ["", "rows/s", "Python's", "CPU x Python's", "MB, small", "MB, large", "flat", "Python's MB"]
    rows = []
    for reader, pair in results.items():
        ours, python = pair[OURS], pair[PYTHON]
        rows.append(
            [
                reader,
                f"{ours.rows_per_second:,.0f}",
                f"{python.rows_per_second:,.0f}",
                f"{python.rows_per_second / ours.rows_per_second:.2f}",
                f"{ours.small_peak_mb:.1f}",
                f"{ours.large_peak_mb:.1f}",
                "yes" if ours.flat else "NO",
                f"{python.large_peak_mb:.1f}",
            ]
        )
    return report.table(header, rows)


def as_figures(pair: dict[str, Result]) -> dict[str, Any]:
    ours, python = pair[OURS], pair[PYTHON]
    ratio = python.rows_per_second / ours.rows_per_second
    return {"caikit": asdict(ours), "python": asdict(python), "cpu_ratio": ratio, "flat": ours.flat}


if __name__ == "__main__":
    main()
