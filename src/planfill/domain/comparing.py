"""Comparing an execution with the broker's independent record: plan + fills = broker."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.errors import LedgerCorrupt
from planfill.domain.identity import ExecutionKey, stem_in, stem_of
from planfill.domain.numerals import plain
from planfill.domain.order import Side
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.report import OrderStatus
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_SHARES, BrokerOrderId, ClientOrderId, Money, Price, Quantity, cents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from planfill.domain.events import ExecutionStarted
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.state import ExecutionState, OrderState

# Brokers round each booking, and what they show, to the cent.
_CENT: Final = Decimal("0.01")
# An average price may be told to four decimals only: it is off by half of the last one.
_AVERAGE: Final = Price(Decimal("0.00005"))
# Regulatory fees that no fill tells come to less than this share of what was traded.
_UNTOLD_FEES: Final = Decimal("0.0001")
# By so much may the broker's clock and ours differ.
_CLOCK_SKEW: Final = timedelta(minutes=5)
_ENDED: Final = frozenset({Phase.ENDED, Phase.REFUSED})


class BrokerRecord(NamedTuple):
    """What the broker has on record: orders and fills from ``since`` on, shares and cash as they are now."""

    orders: Sequence[ExecutionReport]
    fills: Sequence[Fill]
    positions: Mapping[str, Quantity]
    cash_usd: Money


def since(state: ExecutionState) -> datetime:
    """
    Tell from when on the broker's lists must be read for ``compare``.

    Raises:
        LedgerCorrupt: The execution does not begin with its plan.

    """
    return _begun(state)[1] - _CLOCK_SKEW


def compare(
    state: ExecutionState, record: BrokerRecord, siblings: Collection[str] = ()
) -> tuple[Difference, ...]:
    """
    Find what the broker has otherwise than the ledger says; nothing is invented, nothing corrected.

    ``siblings`` are the stems of the other executions in the ledger: their orders are not foreign.

    Raises:
        LedgerCorrupt: The execution does not begin with its plan.

    """
    return tuple(_Comparison(state, record, siblings).differences())


class _Comparison:
    def __init__(self, state: ExecutionState, record: BrokerRecord, siblings: Collection[str]) -> None:
        self.state = state
        self.record = record
        self.started, self.at = _begun(state)
        self.stem = stem_of(ExecutionKey(account=self.started.account, plan_id=self.started.plan.plan_id))
        self.siblings = siblings
        self.listed = defaultdict[ClientOrderId, list["ExecutionReport"]](list)
        for report in record.orders:
            self.listed[report.client_order_id].append(report)
        self.reports = {report.broker_order_id: report for report in record.orders}
        self.filled = defaultdict[BrokerOrderId, list["Fill"]](list)
        for fill in record.fills:
            self.filled[fill.broker_order_id].append(fill)
        self.mine: set[BrokerOrderId] = set()

    def differences(self) -> Iterator[Difference]:
        """Go from what is ours to what is the account's."""
        for order in self.state.orders.values():
            yield from self._order(order)
        yield from self._unknown()
        yield from self._positions()
        yield from self._cash()
        yield from self._foreign()

    def _order(self, order: OrderState) -> Iterator[Difference]:
        name, known = order.order.client_order_id, order.report
        listed = self.listed.pop(name, [])
        told = next((one for one in listed if known and one.broker_order_id == known.broker_order_id), None)
        own = told or next(iter(listed), None)
        quantity = known.filled_quantity if known else ZERO_SHARES
        symbol = order.order.symbol
        yield from self._surplus(one for one in listed if one is not own)
        if own is None:
            if known is not None:
                self.mine.add(known.broker_order_id)
            if quantity:
                yield _differs(Discrepancy.ORDER_MISSING, symbol, name, f"{_shares(quantity)} filled", "no such order")
            return
        chain = self._chain(own)
        self.mine.update(one.broker_order_id for one in chain)
        if order.phase is Phase.NOT_SENT:
            yield _differs(Discrepancy.ORDER_UNKNOWN, symbol, name, "never placed", _told(own))
            return
        works = next((one for one in chain if _is_open(one)), None)
        if works is not None and order.phase in _ENDED:
            yield _differs(Discrepancy.ORDER_OPEN, symbol, name, _ended(order), _told(works))
        fills = [
            fill
            for one in chain
            for fill in self.filled[one.broker_order_id]
            if (fill.symbol, fill.side) == (symbol, order.order.side)
        ]
        theirs = Quantity(sum((fill.quantity for fill in fills), ZERO_SHARES))
        if theirs != quantity:
            yield _differs(Discrepancy.FILLED_QUANTITY, symbol, name, _shares(quantity), _shares(theirs))
        elif known is not None and known.average_price is not None:
            ours = quantity * known.average_price
            paid = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
            if abs(ours - paid) > _CENT + quantity * _AVERAGE:
                yield _differs(Discrepancy.FILLED_VALUE, symbol, name, _usd(ours), _usd(paid))

    def _chain(self, first: ExecutionReport) -> list[ExecutionReport]:
        """Follow an order to what replaced it."""
        chain = [first]
        while (after := self.reports.get(chain[-1].replaced_by or BrokerOrderId(""))) and after not in chain:
            chain.append(after)
        return chain

    def _unknown(self) -> Iterator[Difference]:
        for name in [name for name in self.listed if stem_in(name) == self.stem]:
            yield from self._surplus(self.listed.pop(name))

    def _surplus(self, reports: Iterable[ExecutionReport]) -> Iterator[Difference]:
        for one in reports:
            self.mine.add(one.broker_order_id)
            name = one.client_order_id
            yield _differs(Discrepancy.ORDER_UNKNOWN, one.symbol, name, "no such order", _told(one))

    def _positions(self) -> Iterator[Difference]:
        if self.started.positions is None:
            return
        for symbol in self.state.lines:
            before = self.started.positions.get(symbol, ZERO_SHARES)
            moves = [(one, _signed(one, one.quantity)) for one in self.record.fills if one.symbol == symbol]
            ours = self._expected(before, moves)
            theirs = self.record.positions.get(symbol, ZERO_SHARES)
            if theirs not in ours:
                yield _differs(Discrepancy.POSITION, symbol, None, _shares(ours[0]), _shares(theirs))

    def _cash(self) -> Iterator[Difference]:
        fills, theirs = self.record.fills, self.record.cash_usd
        moves = [(one, -_signed(one, one.quantity * one.price) - (one.fees_usd or 0)) for one in fills]
        untold = sum(one.quantity * one.price for one in fills if one.fees_usd is None)
        tolerance = _CENT * (len(fills) + 2) + untold * _UNTOLD_FEES
        ours = self._expected(self.started.cash_usd, moves)
        if all(abs(theirs - one) > tolerance for one in ours):
            yield _differs(Discrepancy.CASH, "", None, _usd(ours[0]), _usd(theirs))

    def _expected(self, before: Decimal, moves: Iterable[tuple[Fill, Decimal]]) -> list[Decimal]:
        """
        Give what must be there now: first as the clocks say, then as it may be if they differ.

        What others traded about when the execution began may be in what was read then, or not. It is the
        latest of these fills that are not, however many they are.
        """
        certain, perhaps, likely = before, list[Decimal](), before
        for fill, amount in moves:
            if fill.broker_order_id in self.mine or fill.filled_at > self.at + _CLOCK_SKEW:
                certain += amount
            else:
                perhaps.append(amount)
            if fill.broker_order_id in self.mine or fill.filled_at >= self.at:
                likely += amount
        return [likely, *accumulate(reversed(perhaps), initial=certain)]

    def _foreign(self) -> Iterator[Difference]:
        traded = {
            one.broker_order_id: one
            for one in self.record.fills
            if one.filled_at >= self.at and one.symbol in self.state.lines
        }
        open_orders = {
            one.broker_order_id: one
            for one in self.record.orders
            if _is_open(one) and one.symbol in self.state.lines
        }
        for name in {**open_orders, **traded}:
            report = self.reports.get(name)
            if name in self.mine or (report and stem_in(report.client_order_id) in self.siblings):
                continue
            if report is not None:
                theirs, symbol, called = _told(report), report.symbol, report.client_order_id
            else:
                fills = self.filled[name]
                quantity = Quantity(sum((fill.quantity for fill in fills), ZERO_SHARES))
                theirs, symbol, called = f"{fills[0].side}, {_shares(quantity)} filled", fills[0].symbol, None
            yield _differs(Discrepancy.FOREIGN_ORDER, symbol, called, "no such order", theirs)


def _begun(state: ExecutionState) -> tuple[ExecutionStarted, datetime]:
    if state.started is None or state.started_at is None:
        msg = "the execution does not begin with its plan"
        raise LedgerCorrupt(msg)
    return state.started, state.started_at
