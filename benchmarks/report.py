"""What all benchmarks write: a table for people, and a JSON file with the same figures."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    return {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}


def versions(*distributions: str) -> dict[str, str]:
    """The installed ones of these."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "python": platform.python_version(), **figures}
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"Written to {os.path.relpath(path)}")


def table(header: list[str], rows: list[list[str]], *, texts: int = 1) -> str:
    """Columns as wide as they need to be; the first `texts` are aligned to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if position < texts else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
