"""The figures of a run as tables of a page and as a chart.

python -m serving.publishing: put those of the last run into the documentation.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import report

from .aims import Aim, all_aims
from .chart import Chart, svg
from .figures import Figures

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "performance.svg"
MARKED = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)

SHOWN = {
    "footprint": (
        "start_s", "start_cpu_s", "resident_mb", "proportional_mb", "processes", "install_mb", "distributions",
    ),
    "calls": ("cpu_us", "requests_per_second", "p50_ms", "p99_ms"),
    "bodies": ("cpu_us", "p50_ms"),
    "vectors": ("cpu_us", "requests_per_second"),
    "streams": ("cpu_us", "requests_per_second"),
    "batching": ("requests_per_second", "cpu_us", "p99_ms"),
    "models": ("cpu_us", "p50_ms", "start_s", "proportional_mb", "kb_per_model"),
    "idle": ("cpu_us", "still_open", "bytes_each"),
    "workers": ("requests_per_second", "cpu_us", "proportional_mb"),
}  # fmt: skip
AIMS_HEADER = ["what", "aim", "figure", "met?"]
TITLES = {
    "requests_per_second": "requests/s",
    "cpu_us": "CPU us per call",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "start_s": "start s",
    "start_cpu_s": "its CPU s",
    "resident_mb": "resident MB",
    "proportional_mb": "proportional MB",
    "processes": "processes",
    "install_mb": "installed MB",
    "distributions": "distributions",
    "still_open": "still open",
    "bytes_each": "bytes each",
    "kb_per_model": "KB per model",
}


def write(path: Path) -> None:
    """A page and a chart beside the JSON file; what was measured of the aims on the terminal."""
    figures = Figures(json.loads(path.read_text()))
    path.with_suffix(".md").write_text(page(figures))
    path.with_suffix(".svg").write_text(chart(figures))
    measured = [aim for aim in all_aims(figures) if aim.figure is not None]
    print(report.table(AIMS_HEADER, _aim_rows(measured), texts=2))
    print(f"Tables and a chart: {os.path.relpath(path.with_suffix('.md'))}, .svg")


def page(figures: Figures) -> str:
    questions = dict.fromkeys(row["question"] for row in figures.rows)
    parts = [*_about(figures), "## Aims\n", aims(figures)]
    for question in questions:
        parts += [f"## {question.capitalize()}\n", *_tables(figures, question)]
    return "\n".join(parts)


def aims(figures: Figures) -> str:
    return markdown(AIMS_HEADER, _aim_rows(all_aims(figures)), texts=2)


def _aim_rows(aims: list[Aim]) -> list[list[str]]:
    return [[aim.what, aim.aim, aim.shown, aim.verdict] for aim in aims]


def chart(figures: Figures) -> str:
    return svg(
        [
            Chart(title, x_name, "CPU us per call", lines)
            for question, title, x_name in (
                ("calls", "Tiny model, by connections", "connections"),
                ("bodies", "Size of the question", "bytes"),
                ("models", "Loaded models", "models"),
                ("streams", "Streams, by their length", "tokens"),
            )
            if (lines := _lines(figures, question))
        ]
    )


def _lines(figures: Figures, question: str) -> dict[str, list[tuple[float, float]]]:
    """Points are named by a number and a word."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in figures.rows:
        number, _, rest = row["point"].partition(" ")
        cost = row["figures"].get("cpu_us")
        if row["question"] == question and cost and "," not in rest:
            lines.setdefault(row["server"], []).append((float(number), cost))
    return {server: sorted(points) for server, points in lines.items() if len(points) > 1}


def _about(figures: Figures) -> list[str]:
    content = figures.content
    versions = [
        f"{server}: {', '.join(f'{name} {version}' for name, version in found.items())}"
        for server, found in content["versions"].items()
    ]
    missing = [f"{server}: {reason}" for server, reason in content["unavailable"].items()]
    how = content["how"]
    machine = content["machine"]
    return [
        f"{content['date']}, {machine['cores']} cores ({machine['processor']}), Python {content['python']}.",
        f"Load average of the machine before: {content['load_before']:.1f}.",
        f"Medians of runs of {how['seconds']} s, {how['rounds']} of each.\n",
        *(f"- {line}" for line in [*versions, *missing]),
        "",
    ]


def _tables(figures: Figures, question: str) -> list[str]:
    """A table for each kind of figure, with a column for each point; one for all kinds if there is only one point."""
    points, names = figures.points(question), SHOWN[question]
    if len(points) == 1:
        header = ["", *(TITLES[name] for name in names)]
        tables = [_table(figures, question, header, [(points[0], name) for name in names])]
    else:
        tables = [
            _table(figures, question, [TITLES[name], *points], [(point, name) for point in points])
            for name in names
        ]
    problems = [
        f"- {row['server']}, {row['point']}: {' '.join(row['problem'].split())}"
        for row in figures.rows
        if row["question"] == question and row["problem"]
    ]
    return [*tables, *problems, ""]


def _table(figures: Figures, question: str, header: list[str], columns: list[tuple[str, str]]) -> str:
    rows = []
    for server in figures.servers(question):
        values = [figures.get(question, point, server, name) for point, name in columns]
        if any(value is not None for value in values):
            rows.append([server, *map(_number, values)])
    return markdown(header, rows)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def markdown(header: list[str], rows: list[list[str]], *, texts: int = 1) -> str:
    """The first `texts` columns are aligned to the left, numbers to the right."""
    rule = ["---"] * texts + ["---:"] * (len(header) - texts)
    lines = [header, rule, *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    content = json.loads((report.RESULTS / "serving.json").read_text())
    figures = Figures(content)
    text = PAGE.read_text()
    PAGE.write_text(MARKED.sub(lambda found: found[1] + "\n" + page(figures) + "\n" + found[2], text))
    PICTURE.write_text(chart(figures))
    print(f"{os.path.relpath(PAGE)} and {os.path.relpath(PICTURE)} have the figures of the last run")


if __name__ == "__main__":
    main()
