"""Look into the rows of a run."""

from __future__ import annotations

from typing import Any


class Figures:
    """Of one run, as the JSON file has them."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.rows: list[dict[str, Any]] = content["rows"]

    def get(self, question: str, point: str, server: str, name: str = "cpu_us") -> float | None:
        for row in self.rows:
            if (row["question"], row["point"], row["server"]) == (question, point, server):
                value = row["figures"].get(name)
                if value is not None:
                    return float(value)
        return None

    def points(self, question: str) -> list[str]:
        """Where there are figures."""
        of_question = [row for row in self.rows if row["question"] == question and row["figures"]]
        return list(dict.fromkeys(row["point"] for row in of_question))

    def servers(self, question: str) -> list[str]:
        return list(dict.fromkeys(row["server"] for row in self.rows if row["question"] == question))

    def ratio(self, above: tuple[str, str, str, str], below: tuple[str, str, str, str]) -> float | None:
        """Of two figures, each as (question, point, server, name)."""
        top, bottom = self.get(*above), self.get(*below)
        return top / bottom if top is not None and bottom else None
