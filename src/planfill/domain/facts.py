"""What the market and the broker said about the symbols of some lines, and when that was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from planfill.domain.market import Instrument, MarketSession, NoQuote, Quote
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import Quantity


class Facts(NamedTuple):
    """
    All that the checks of a line look at; everything but ``session``, ``open_orders`` and ``at`` by symbol.

    ``sellable`` is in shares; ``open_orders`` are the account's at the broker, whosever they are.
    ``second`` is what another source of prices says, where one is named.
    """

    session: MarketSession
    quotes: Mapping[str, Quote | NoQuote]
    instruments: Mapping[str, Instrument]
    sellable: Mapping[str, Quantity]
    open_orders: Sequence[ExecutionReport]
    at: datetime
    second: Mapping[str, Quote | NoQuote] | None = None

    def deadline(self, seconds: float) -> datetime:
        """Give the time until which an order may work: some seconds from now, or the close."""
        until = self.at + timedelta(seconds=seconds)
        return min(until, self.session.closes_at) if self.session.closes_at else until
