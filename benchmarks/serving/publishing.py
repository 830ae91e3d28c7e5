"""The figures of a run as tables of a page and as a chart.

python -m serving.publishing: put those of the last run into the documentation.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import report

from .aims import (
    PUBLISHED,
    PUBLISHED_DISTRIBUTIONS,
    PUBLISHED_INSTALL_MB,
    PUBLISHED_MEMORY_MB,
    PUBLISHED_START_SECONDS,
    Aim,
    all_aims,
)
from .chart import Chart, svg
from .figures import Figures
from .points import in_order, words
from .sections import SECTIONS, TITLES
from .summary import summary
from .tables import markdown, number

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "performance.svg"
MARKED = r"(<!-- {0} -->\n).*(<!-- end of {0} -->)"

AIMS_HEADER = ["what", "aim", "figure", "met?"]
ABOUT_AIMS = (
    "What the project holds itself to; nobody who uses caikit needs this. The published toolkit of the same name is not "
    "installed here. The aims that name it use what it was seen to take beside the same bare servers: {grpc:g} times bare "
    "grpcio for a small call over gRPC, {http:g} times bare uvicorn over HTTP, {grpc_stream:g} and {http_stream:g} times for "
    "streams; {start} s to start, {memory} MB of memory, {size} MB in {distributions} distributions installed.\n"
)


def write(path: Path) -> None:
    """A page and a chart beside the JSON file; what was measured of the aims on the terminal."""
    figures = Figures(json.loads(path.read_text()))
    path.with_suffix(".md").write_text(f"{summary(figures)}\n{page(figures)}")
    path.with_suffix(".svg").write_text(chart(figures))
    measured = [aim for aim in all_aims(figures) if aim.figure is not None]
    print(report.table(AIMS_HEADER, _aim_rows(measured), texts=2))
    print(f"Tables and a chart: {os.path.relpath(path.with_suffix('.md'))}, .svg")


def page(figures: Figures) -> str:
    questions = dict.fromkeys(row["question"] for row in figures.rows)
    parts = _about(figures)
    for question in questions:
        about = f"{SECTIONS[question].about}\n"
        parts += [f"## {question.capitalize()}\n", about, *_tables(figures, question)]
    return "\n".join([*parts, "## Aims of the project\n", _about_aims(), aims(figures)])


def aims(figures: Figures) -> str:
    return markdown(AIMS_HEADER, _aim_rows(all_aims(figures)), texts=2)


def _about_aims() -> str:
    return ABOUT_AIMS.format(
        grpc=PUBLISHED["calls", "gRPC"],
        http=PUBLISHED["calls", "HTTP"],
        grpc_stream=PUBLISHED["streams", "gRPC"],
        http_stream=PUBLISHED["streams", "HTTP"],
        start=PUBLISHED_START_SECONDS,
        memory=PUBLISHED_MEMORY_MB,
        size=PUBLISHED_INSTALL_MB,
        distributions=PUBLISHED_DISTRIBUTIONS,
    )


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
    points, names = in_order(figures.points(question)), SECTIONS[question].shown
    if len(points) == 1:
        header = ["", *(TITLES[name] for name in names)]
        tables = [_table(figures, question, header, [(points[0], name) for name in names])]
    else:
        tables = [
            _table(
                figures, question, [TITLES[name], *map(words, points)], [(point, name) for point in points]
            )
            for name in names
        ]
    problems = [
        f"- {row['server']}, {words(row['point'])}: {' '.join(row['problem'].split())}"
        for row in figures.rows
        if row["question"] == question and row["problem"]
    ]
    return [*tables, *problems, ""]


def _table(figures: Figures, question: str, header: list[str], columns: list[tuple[str, str]]) -> str:
    rows = []
    for server in figures.servers(question):
        values = [figures.get(question, point, server, name) for point, name in columns]
        if any(value is not None for value in values):
            rows.append([server, *map(number, values)])
    return markdown(header, rows)


def publish(figures: Figures, page_path: Path, picture: Path) -> None:
    """Put the figures into a page that has marks for them, and the chart beside it."""
    text = page_path.read_text()
    for name, content in (("summary", summary(figures)), ("figures", page(figures))):
        marked = re.compile(MARKED.format(name), re.DOTALL)
        found = marked.search(text)
        if found is None:
            raise ValueError(f"expected <!-- {name} --> and <!-- end of {name} --> in {page_path.name}")
        text = f"{text[: found.start()]}{found[1]}\n{content}\n{found[2]}{text[found.end() :]}"
    page_path.write_text(text)
    picture.write_text(chart(figures))


def main() -> None:
    publish(Figures(json.loads((report.RESULTS / "serving.json").read_text())), PAGE, PICTURE)
    print(f"{os.path.relpath(PAGE)} and {os.path.relpath(PICTURE)} have the figures of the last run")


if __name__ == "__main__":
    main()
