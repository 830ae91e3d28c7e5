"""Line charts and bars as one SVG, without a library for it: logarithmic axes, one colour for each server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = (
    "#0b6e4f", "#57b894", "#1f4e9c", "#7aa6e8", "#c0392b", "#e08e79", "#8e44ad",
    "#c39bd3", "#b7950b", "#5d6d7e", "#d35400", "#17202a", "#9a7d0a",
)  # fmt: skip
_FONT = 'font-family="sans-serif" font-size="11"'
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 70, 190, 40, 40


@dataclass(frozen=True)
class Chart:
    title: str
    x_name: str
    y_name: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    """By server: points with positive numbers."""


def svg(charts: Sequence[Chart]) -> str:
    servers = list(dict.fromkeys(name for chart in charts for name in chart.lines))
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(servers)}
    height = HEIGHT * len(charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_FONT}>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, chart in enumerate(charts):
        parts.append(f'<g transform="translate(0 {HEIGHT * number})">{_drawn(chart, colours)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(chart: Chart, colours: dict[str, str]) -> str:
    points = [point for line in chart.lines.values() for point in line]
    x = _Axis([each for each, _ in points], LEFT, WIDTH - RIGHT)
    y = _Axis([each for _, each in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(chart.title)}</text>',
        _text(LEFT, TOP - 6, chart.y_name),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, chart.x_name, "middle"),
    ]
    for value in x.marks:
        parts.append(_line(x.at(value), TOP, x.at(value), HEIGHT - BOTTOM))
        parts.append(_text(x.at(value), HEIGHT - BOTTOM + 14, _shown(value), "middle"))
    for value in y.marks:
        parts.append(_line(LEFT, y.at(value), WIDTH - RIGHT, y.at(value)))
        parts.append(_text(LEFT - 6, y.at(value) + 4, _shown(value), "end"))
    labels = sorted(
        ((y.at(line[-1][1]), name) for name, line in chart.lines.items() if line), key=lambda it: it[0]
    )
    lowest = 0.0
    for height, name in labels:
        lowest = max(height, lowest + 13)
        parts.append(_series(chart.lines[name], x, y, colours[name]))
        parts.append(_text(WIDTH - RIGHT + 8, lowest + 4, name, colour=colours[name]))
    return "".join(parts)


class _Axis:
    """From numbers to places, by their logarithms; whole powers of ten at the ends."""

    def __init__(self, numbers: Sequence[float], start: float, end: float) -> None:
        logarithms = [math.log10(number) for number in numbers] or [0.0]
        self._low = math.floor(min(logarithms) + 1e-9)
        self._high = max(math.ceil(max(logarithms) - 1e-9), self._low + 1)
        self._start, self._end = start, end

    @property
    def marks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, number: float) -> float:
        share = (math.log10(number) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)


def _series(line: Sequence[tuple[float, float]], x: _Axis, y: _Axis, colour: str) -> str:
    places = [(x.at(number), y.at(value)) for number, value in line]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    dots = "".join(
        f'<circle cx="{across:.1f}" cy="{down:.1f}" r="2.5" fill="{colour}"/>' for across, down in places
    )
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>{dots}'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _shown(number: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
