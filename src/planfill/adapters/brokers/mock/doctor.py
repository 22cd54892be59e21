"""What only the simulated exchange can check of itself: its prices and its book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.prices import Spread
from planfill.application.ports.examiner import BrokerExaminer
from planfill.domain.examination import in_order, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.adapters.brokers.mock.desk import Desk
    from planfill.domain.examination import Finding

_USUAL: Final = "SPY"
_SHOWN: Final = 5


class MockExaminer(BrokerExaminer):
    """Reads the exchange from inside; there is no network, no key and no limit to check."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        banned = desk.settings.not_tradable
        usable = sorted(s for s, known in desk.prices.known().items() if isinstance(known, Spread))
        traded = [symbol for symbol in usable if symbol not in banned]
        self.symbol = _USUAL if _USUAL in traded or not traded else traded[0]

    async def check_way(self) -> Sequence[Finding]:
        """Look at the prices and the book."""
        known = self._desk.prices.known()
        bad = sorted(symbol for symbol, one in known.items() if not isinstance(one, Spread))
        found = f"{len(known) - len(bad)} symbols from {self._desk.prices.origin}"
        if bad:
            shown = ", ".join(bad[:_SHOWN]) + (", ..." if len(bad) > _SHOWN else "")
            prices = note("prices", f"{found}, and no usable price of {shown}", "correct these in the file")
        else:
            prices = in_order("prices", found)
        return prices, self._book()

    async def check_flags(self) -> Sequence[Finding]:
        """Leave it to what the account says."""
        return ()

    async def check_clock(self) -> Sequence[Finding]:
        """Find nothing: its clock is ours."""
        return ()

    async def check_rate(self) -> Sequence[Finding]:
        """Find nothing: it takes any number of requests."""
        return ()

    def _book(self) -> Finding:
        where = (
            "in memory, gone at the end" if self._desk.settings.in_memory else str(self._desk.settings.book)
        )
        if self._desk.book.exchange.balances.opened:
            return in_order("book", where)
        return note("book", f"{where}, empty", "the first plan opens it with what it says is held")
