"""A plot as SVG: lines through points, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import ceil, floor, log10
from typing import Final

Points = Sequence[tuple[float, float]]
_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 150, 40, 50
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_COLOURS: Final = ("#1b6ca8", "#c8553d", "#4a7c59", "#8e5ea2", "#b8860b", "#444444")


class _Axis:
    """Where the values of one axis are, between whole powers of ten."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self._low, high = floor(log10(min(values))), ceil(log10(max(values)))
        self._decades = max(1, high - self._low)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        return self._begin + (log10(value) - self._low) / self._decades * (self._end - self._begin)

    def ticks(self) -> Iterator[tuple[float, str]]:
        for power in range(self._low, self._low + self._decades + 1):
            yield self.at(10**power), f"{10**power:,}" if power >= 0 else f"{10**power:g}"


def chart(title: str, across: str, up: str, series: Mapping[str, Points]) -> str:
    """Draw the series; all values are above 0."""
    points = list(chain.from_iterable(series.values()))
    x = _Axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    y = _Axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, "start"),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, across),
        f'<g transform="rotate(-90 18 {_HEIGHT / 2})">{_text(18, _HEIGHT / 2, up)}</g>',
    ]
    for at, label in x.ticks():
        parts += [_rule(at, _TOP, at, _HEIGHT - _BOTTOM), _text(at, _HEIGHT - _BOTTOM + 18, label)]
    for at, label in y.ticks():
        parts += [_rule(_LEFT, at, _WIDTH - _RIGHT, at), _text(_LEFT - 8, at + 4, label, "end")]
    for number, (name, drawn) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(x.at(one), y.at(other)) for one, other in drawn]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        beside = _TOP + 16 * number + 8
        parts.append(
            f'<rect x="{_WIDTH - _RIGHT + 12}" y="{beside - 9}" width="10" height="10" fill="{colour}"/>'
        )
        parts.append(_text(_WIDTH - _RIGHT + 28, beside, name, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="#dddddd"/>'
