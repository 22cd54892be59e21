"""What the account has: cash, shares, and what open orders hold of both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from planfill.adapters.brokers.mock.ticket import EXACT
from planfill.domain.values import ZERO_SHARES, ZERO_USD, Money, Quantity

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(slots=True)
class Balances:
    """
    Exact to the last digit: shares are the sum of the fills, cash what they cost and brought.

    ``coming`` are proceeds that do not show yet, each with the time at which they will. ``sold_usd`` are
    the proceeds of the day ``sold_on`` (UTC), which settle when it ends. ``changed`` and ``unsaved`` (of
    these symbols) say what a book has to write.
    """

    opened: bool = False
    cash_usd: Money = ZERO_USD
    shares: dict[str, Quantity] = field(default_factory=dict)
    coming: list[tuple[datetime, Money]] = field(default_factory=list)
    sold_on: date | None = None
    sold_usd: Money = ZERO_USD
    reserved_usd: Money = ZERO_USD
    unsaved: set[str] = field(default_factory=set)
    changed: bool = False
    _locked: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def open(self, shares: dict[str, Quantity], cash_usd: Money) -> None:
        """Start with these holdings."""
        self.opened = self.changed = True
        self.unsaved.update(shares)
        self.shares = {symbol: quantity for symbol, quantity in shares.items() if quantity > 0}
        self.cash_usd = cash_usd

    def free_usd(self) -> Money:
        """Cash that no open buy has reserved."""
        return Money(EXACT.subtract(self.cash_usd, self.reserved_usd))

    def settled_usd(self, now: datetime) -> Money:
        """Cash that does not come from today's sales."""
        unsettled = self.sold_usd if self.sold_on == now.date() else ZERO_USD
        return max(ZERO_USD, Money(EXACT.subtract(self.cash_usd, unsettled)))

    def sellable(self, symbol: str) -> Quantity:
        """Shares that are held and not locked by an open sale."""
        held = self.shares.get(symbol, ZERO_SHARES)
        return Quantity(held - self._locked[symbol]) if symbol in self._locked else held

    def reserve(self, dollars: Decimal) -> None:
        """Set dollars aside for an open buy, or give them back where negative."""
        self.reserved_usd = Money(EXACT.add(self.reserved_usd, dollars))

    def lock(self, symbol: str, quantity: Decimal) -> None:
        """Set shares aside for an open sale, or give them back where negative."""
        self._locked[symbol] += quantity
        if not self._locked[symbol]:
            del self._locked[symbol]

    def buy(self, symbol: str, quantity: Quantity, cost_usd: Decimal) -> None:
        """Take shares in and pay for them."""
        self._touch(symbol)
        self.shares[symbol] = Quantity(self.shares.get(symbol, ZERO_SHARES) + quantity)
        self.cash_usd = Money(EXACT.subtract(self.cash_usd, cost_usd))

    def sell(
        self, symbol: str, quantity: Quantity, net_usd: Decimal, at: datetime, shows_at: datetime
    ) -> None:
        """Give shares away; the proceeds show in cash at ``shows_at``."""
        self._touch(symbol)
        left = self.shares[symbol] - quantity
        if left:
            self.shares[symbol] = Quantity(left)
        else:
            del self.shares[symbol]
        if self.sold_on != at.date():
            self.sold_on, self.sold_usd = at.date(), ZERO_USD
        self.sold_usd = Money(EXACT.add(self.sold_usd, net_usd))
        if shows_at > at:
            self.coming.append((shows_at, Money(net_usd)))
        else:
            self.cash_usd = Money(EXACT.add(self.cash_usd, net_usd))

    def show(self, now: datetime) -> bool:
        """Credit the proceeds whose time has come; tell whether there were any."""
        due = [usd for at, usd in self.coming if at <= now]
        if due:
            self.changed = True
            self.coming = [(at, usd) for at, usd in self.coming if at > now]
            self.cash_usd = Money(EXACT.add(self.cash_usd, sum(due)))
        return bool(due)

    def all_saved(self) -> None:
        """Count all as saved."""
        self.changed = False
        self.unsaved.clear()

    def _touch(self, symbol: str) -> None:
        self.changed = True
        self.unsaved.add(symbol)
