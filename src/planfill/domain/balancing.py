"""Shares and cash: what was there before, and the fills since, is what is there now."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.order import Side
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.records import shares, usd
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from planfill.domain.records import BrokerRecord
    from planfill.domain.report import Fill
    from planfill.domain.values import BrokerOrderId, Money, Quantity

CLOCK_SKEW: Final = timedelta(minutes=5)
"""By so much may the broker's clock and ours differ."""
# Brokers round what they book, and what they show, to the cent.
_CENT: Final = Decimal("0.01")
# Fees that no fill tells come to less than this share of what was traded.
_UNTOLD_FEES: Final = Decimal("0.0001")


class Before(NamedTuple):
    """What the account had ``at`` the beginning; ``orders`` are ours, none of them filled by then."""

    at: datetime
    cash_usd: Money
    orders: frozenset[BrokerOrderId]

    def expected(self, before: Decimal, moves: Iterable[tuple[Fill, Decimal]]) -> list[Decimal]:
        """
        Give what should be there now: first by the clocks, then whatever may be where they differ.

        What others traded about when the execution began may be in what was read then, or not. Not in it are
        always the latest of these fills, be they none, some or all.
        """
        likely = certain = before
        perhaps: list[Decimal] = []
        for fill, amount in moves:
            if fill.broker_order_id in self.orders or fill.filled_at > self.at + CLOCK_SKEW:
                certain += amount
            else:
                perhaps.append(amount)
            if fill.broker_order_id in self.orders or fill.filled_at >= self.at:
                likely += amount
        return [likely, *accumulate(reversed(perhaps), initial=certain)]


def compare_positions(
    before: Before, held: Mapping[str, Quantity], symbols: Iterable[str], record: BrokerRecord
) -> Iterator[Difference]:
    """Compare what is held of each symbol, to the last digit; ``held`` is what was before."""
    for symbol in symbols:
        moves = [(fill, _signed(fill, fill.quantity)) for fill in record.fills_in(symbol)]
        ours = before.expected(held.get(symbol, ZERO_SHARES), moves)
        theirs = record.positions.get(symbol, ZERO_SHARES)
        if theirs not in ours:
            kind = Discrepancy.POSITION
            yield Difference(kind=kind, symbol=symbol, ours=shares(ours[0]), theirs=shares(theirs))


def compare_cash(before: Before, record: BrokerRecord) -> Iterator[Difference]:
    """
    Compare the cash.

    Tolerated are a cent for each fill, one for each of the two readings, and a basis point of what was
    traded without a word about fees.
    """
    moves = [(fill, -_signed(fill, _value(fill)) - (fill.fees_usd or 0)) for fill in record.fills]
    untold = sum(_value(fill) for fill in record.fills if fill.fees_usd is None)
    tolerance = _CENT * (len(moves) + 2) + untold * _UNTOLD_FEES
    ours, theirs = before.expected(before.cash_usd, moves), record.cash_usd
    if all(abs(theirs - one) > tolerance for one in ours):
        yield Difference(kind=Discrepancy.CASH, ours=usd(ours[0]), theirs=usd(theirs))


def _value(fill: Fill) -> Decimal:
    return fill.quantity * fill.price


def _signed(fill: Fill, amount: Decimal) -> Decimal:
    return amount if fill.side is Side.BUY else -amount
