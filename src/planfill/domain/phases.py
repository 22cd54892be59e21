"""What a run is at, as its events tell."""

from __future__ import annotations

from typing import Final

from planfill.domain import events as ev
from planfill.domain.order import Side

CHECKS: Final = "checks"
SELLS: Final = "sells"
FUNDS: Final = "funds"
BUYS: Final = "buys"
PHASES: Final = (CHECKS, SELLS, FUNDS, BUYS)
"""In their order; a pipelined run goes back and forth between sells, funds and buys."""


def phase_after(phase: str, event: ev.Event) -> str:
    """Give what a run is at after an event: orders are sells or buys from the moment they are recorded."""
    match event:
        case ev.ExecutionStarted() | ev.ExecutionResumed():
            return CHECKS
        case ev.OrderRecorded() | ev.OrderRequoted():
            return BUYS if event.order.side is Side.BUY else SELLS
        case ev.FundsAllotted():
            return FUNDS
        case _:
            return phase
