"""The year as a picture (SVG): the value of the portfolio day by day, and what each rebalancing cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from trading_engine.engine import Month

if TYPE_CHECKING:
    from trading_engine.market import Market

_WIDTH, _HEIGHT = 760, 460
_LEFT, _RIGHT = 80, 740
_TOP, _MIDDLE, _BOTTOM = 50, 290, 420
"""The value stands between the first two, the cost between a little under the second and the last."""
_BARS: Final = 330
_BAR: Final = 16
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_BLUE, _RED, _GREY = "#1b6ca8", "#c8553d", "#dddddd"
_STEPS: Final = (1, 2, 5)
_TICKS: Final = 5


def draw(market: Market, months: Sequence[Month]) -> str:
    """Draw the months, of which there are at least two."""
    days = daily_values(market, months)
    first, last = days[0][0], days[-1][0]
    values = _Scale(min(v for _, v in days), max(v for _, v in days), _MIDDLE, _TOP)
    costs = _Scale(0, max(float(month.result.shortfall_usd) for month in months), _BOTTOM, _BARS)

    def across(day: date) -> float:
        return _LEFT + _BAR + (day - first).days / (last - first).days * (_RIGHT - _LEFT - 2 * _BAR)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, f"Momentum portfolio, rebalanced monthly, {first} to {last}", "start", size=14),
        _text(_LEFT, _TOP - 10, "value, dollars", "start"),
        _text(_LEFT, _BARS - 10, "execution cost of each rebalancing, dollars", "start"),
    ]
    for scale in (values, costs):
        for value in scale.ticks():
            y = scale.at(value)
            parts += [_rule(_LEFT, y, _RIGHT, y), _text(_LEFT - 8, y + 4, f"{value:,.0f}", "end")]
    points = " ".join(f"{across(day):.1f},{values.at(value):.1f}" for day, value in days)
    parts.append(f'<polyline points="{points}" fill="none" stroke="{_BLUE}" stroke-width="2"/>')
    for month in months:
        x, top = across(month.day), costs.at(float(month.result.shortfall_usd))
        y = values.at(float(month.after.value(month.prices)))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_BLUE}"/>')
        parts.append(
            f'<rect x="{x - _BAR / 2:.1f}" y="{top:.1f}" width="{_BAR}" '
            f'height="{_BOTTOM - top:.1f}" fill="{_RED}"/>'
        )
        parts.append(_text(x, _BOTTOM + 18, f"{month.day:%b}"))
    return "\n".join([*parts, "</svg>", ""])


def daily_values(market: Market, months: Sequence[Month]) -> list[tuple[date, float]]:
    """Value the portfolio at the close of every day, from the first rebalancing to the last."""
    values = []
    for month, following in pairwise(months):
        held = market.days(month.day, following.day)[:-1]
        values += [(day, float(month.after.value(market.prices(day)))) for day in held]
    last = months[-1]
    return [*values, (last.day, float(last.after.value(last.prices)))]


class _Scale:
    """Where values are, between a lowest and a highest, both of them round numbers."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._step = _round_step((high - low) / _TICKS)
        self._low, self._high = low // self._step, -(-high // self._step)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        part = (value / self._step - self._low) / (self._high - self._low)
        return self._begin + part * (self._end - self._begin)

    def ticks(self) -> list[float]:
        return [number * self._step for number in range(int(self._low), int(self._high) + 1)]


def _round_step(step: float) -> float:
    """Give the next number of the form 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 <= step:
        power *= 10
    return next((one * power for one in _STEPS if one * power >= step), 10 * power)


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{_GREY}"/>'
