"""Tables in Markdown."""

from __future__ import annotations


def number(value: float | None) -> str:
    """Three digits of it, all of those before the point."""
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
