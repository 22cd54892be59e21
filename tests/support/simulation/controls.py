"""Limits and breakers: which of them a seed sets, how tight, and which of them has stopped something."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from simulation.dice import Fault
from simulation.timeline import START

from planfill.domain import events as ev

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# So tight that every other plan meets them.
_TIGHT: Final[Mapping[str, Sequence[Any]]] = {
    "max_order_usd": ("500", "1500", "3000"),
    "max_order_pct": ("5", "12", "25"),
    "max_order_shares": ("2", "5", "10"),
    "max_plan_usd": ("2000", "6000", "12000"),
    "max_plan_orders": (1, 2, 3),
    "max_net_buy_usd": ("100", "1000"),
    "max_daily_usd": ("3000", "8000", "15000"),
    "max_daily_orders": (2, 4, 7),
    "max_daily_plans": (1, 1, 2),
    "max_orders_per_minute": (2, 3, 5),
    "allow_symbols": (("BIL", "GLD", "IWM", "QQQ"), ("IWM", "QQQ", "SPY", "TLT", "BIL")),
    "deny_symbols": (("SPY",), ("BIL", "TLT")),
    "duplicate_window_s": (10.0, 60.0, 600.0, 600.0),
    "breaker_halt_pct": ("5", "30"),
    "breaker_rejections": (1, 2),
    "breaker_errors": (1, 1, 2, 3),
    "breaker_unresolved": (1, 1, 1, 2),
    "max_shortfall_usd": ("0.1", "1"),
    "max_shortfall_bps": ("1", "4"),
}
# They look at what other plans have done.
_LOOKING_BACK: Final = frozenset(
    {
        "max_daily_usd",
        "max_daily_orders",
        "max_daily_plans",
        "max_orders_per_minute",
        "duplicate_window_s",
    }
)
# Breakers, and the weather in which each trips: few worlds have it by themselves.
_BREAKERS: Final[Mapping[str, Mapping[Fault, float]]] = {
    "breaker_halt_pct": {Fault.REJECTED_LATE: 0.5},
    "breaker_rejections": {Fault.REJECTED: 0.5, Fault.REJECTED_LATE: 0.5},
    "breaker_errors": {Fault.REQUEST_LOST: 0.5, Fault.UNAVAILABLE: 0.5},
    "breaker_unresolved": {Fault.READ_FAILED: 0.12, Fault.REQUEST_LOST: 0.3},
    "max_shortfall_usd": {},
    "max_shortfall_bps": {},
}
CONTROLS: Final = tuple(_TIGHT)
_LIMITS: Final = tuple(name for name in CONTROLS if name not in _BREAKERS)
# What trips in few of its worlds is set in more of them.
_SHARES: Final = {
    "duplicate_window_s": 3,
    "breaker_rejections": 3,
    "breaker_unresolved": 6,
    "max_shortfall_usd": 2,
    "max_shortfall_bps": 2,
}
_LIMIT: Final = re.compile(r"\b([a-z_]+) allows ")
_SAID: Final = {
    " of another plan was the same at ": "duplicate_window_s",
    " orders failed, more than ": "breaker_halt_pct",
    " orders in a row were rejected": "breaker_rejections",
    " sends in a row were not answered": "breaker_errors",
    " nobody knows what became of them": "breaker_unresolved",
    "it has cost $": "max_shortfall_usd",
    " bps, ": "max_shortfall_bps",
}


class Controls:
    """
    What a seed sets of ``[limits]``, by a chance of its own: the other worlds stay what they are.

    ``weather`` is what its breakers wait for, and ``crashes`` how many there are at least. ``more_plans``
    are executed after the first one; ``repeated`` are those that are its copies. ``start`` is when the world
    begins, in UTC: some begin a moment before midnight, and see two days.
    """

    def __init__(self, seed: int) -> None:
        dice = random.Random(f"controls of {seed}")  # noqa: S311 - it must replay
        self.settings: dict[str, Any] = {}
        self.weather: dict[Fault, float] = {}
        self.crashes = 0
        self.more_plans, self.repeated, self.start = 0, False, START
        if dice.random() < 0.5:
            return
        chosen = set[str]()
        if dice.random() < 0.6:
            chosen.update(_some(dice, _LIMITS, dice.choice((1, 2, 3))))
        if not chosen or dice.random() < 0.25:
            chosen.update(_some(dice, tuple(_BREAKERS), dice.choice((1, 2))))
            # After so few the others are asked again; and the failure rate does not trip before they do.
            self.settings |= {"breaker_min_sample": 1, "breaker_halt_pct": 100}
            self.more_plans = dice.choice((0, 1))
        for name in CONTROLS:
            if name in chosen:
                self.settings[name] = dice.choice(_TIGHT[name])
                self.weather |= _BREAKERS.get(name, {})
        # Most that is unresolved is found by the run after a crash.
        self.crashes = 3 if "breaker_unresolved" in chosen else 0
        self.settings["on_breach"] = dice.choice(("refuse_plan", "block_line", "block_line"))
        if chosen & _LOOKING_BACK:
            self.more_plans = dice.choice((1, 1, 2))
            self.repeated = "duplicate_window_s" in chosen or dice.random() < 0.2
            if dice.random() < 0.4:
                self.start = _before_midnight(dice.uniform(0.5, 20))

    @property
    def sees_midnight(self) -> bool:
        """Tell whether another day of UTC begins while plans are executed."""
        return self.start != START


def trips(event: ev.Event) -> Iterator[str]:
    """Name the controls that an event says have stopped something."""
    match event:
        case ev.ExecutionRefused():
            said = event.result.detail
        case ev.LineClosed() | ev.OrderNotSent() | ev.StopRequested():
            said = event.detail
        case _:
            return
    yield from (name for name in _LIMIT.findall(said) if name in _TIGHT)
    yield from (name for part, name in _SAID.items() if part in said)


def _some(dice: random.Random, names: Sequence[str], count: int) -> list[str]:
    return dice.sample(names, count, counts=[_SHARES.get(name, 1) for name in names])


def _before_midnight(seconds: float) -> datetime:
    midnight = (START + timedelta(days=1)).replace(hour=0)
    return midnight - timedelta(seconds=seconds)
