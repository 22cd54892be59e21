"""Comparing an execution with the broker's own record: plan + fills = broker."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Final

from planfill.domain.balancing import CLOCK_SKEW, Before, compare_cash, compare_positions
from planfill.domain.errors import LedgerCorrupt
from planfill.domain.identity import ExecutionKey, stem_in, stem_of
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.records import BrokerRecord, is_open, quantity_of, shares, told, usd
from planfill.domain.state import Phase
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from planfill.domain.events import ExecutionStarted
    from planfill.domain.report import ExecutionReport, Fill
    from planfill.domain.state import ExecutionState, OrderState
    from planfill.domain.values import BrokerOrderId

_CENT: Final = Decimal("0.01")
# Told to four decimals, an average price is off by half of the last one.
_AVERAGE_USD: Final = Decimal("0.00005")
_ENDED: Final = frozenset({Phase.ENDED, Phase.REFUSED})


def since(state: ExecutionState) -> datetime:
    """
    Tell from when on the broker's lists must be read.

    Raises:
        LedgerCorrupt: The execution does not begin with its plan.

    """
    return _begun(state)[1] - CLOCK_SKEW


def compare(
    state: ExecutionState, record: BrokerRecord, stems: Collection[str] = ()
) -> tuple[Difference, ...]:
    """
    Find what the broker has otherwise than the ledger; nothing is invented, nothing is mended.

    ``stems`` are those of the other executions in the ledger: their orders are not foreign.

    Raises:
        LedgerCorrupt: The execution does not begin with its plan.

    """
    started, at = _begun(state)
    stem = stem_of(ExecutionKey(account=started.account, plan_id=started.plan.plan_id))
    own: set[BrokerOrderId] = set()
    found: list[Difference] = []
    for order in state.orders.values():
        listed = _listed(order, record)
        own.update(one.broker_order_id for one in listed)
        own.update([order.report.broker_order_id] if order.report else [])
        found += _of_order(order, listed, record)
    found += _unknown(stem, own, record)
    before = Before(at, started.cash_usd, frozenset(own))
    if started.positions is not None:
        found += compare_positions(before, started.positions, state.lines, record)
    found += compare_cash(before, record)
    found += _foreign(state, at, own, {stem, *stems}, record)
    return tuple(found)


def _listed(order: OrderState, record: BrokerRecord) -> tuple[ExecutionReport, ...]:
    """Find an order at the broker, and what somebody replaced it by; the first, where two bear its name."""
    if order.report is not None and (known := record.reports.get(order.report.broker_order_id)):
        return record.chain(known)
    name = order.order.client_order_id
    return next((record.chain(one) for one in record.orders if one.client_order_id == name), ())


def _of_order(
    order: OrderState, listed: tuple[ExecutionReport, ...], record: BrokerRecord
) -> Iterator[Difference]:
    symbol, side, name = order.order.symbol, order.order.side, order.order.client_order_id

    def differs(kind: Discrepancy, ours: str, theirs: str) -> Difference:
        return Difference(kind=kind, symbol=symbol, client_order_id=name, ours=ours, theirs=theirs)

    quantity = order.report.filled_quantity if order.report else ZERO_SHARES
    if not listed:
        if quantity:
            yield differs(Discrepancy.ORDER_MISSING, f"{shares(quantity)} filled", "no such order")
        return
    if order.phase is Phase.NOT_SENT:
        yield differs(Discrepancy.ORDER_UNKNOWN, "never placed", told(listed[0]))
        return
    if order.phase in _ENDED and is_open(listed[-1]):
        yield differs(Discrepancy.ORDER_OPEN, f"ended, {shares(quantity)} filled", told(listed[-1]))
    fills = record.fills_of(one.broker_order_id for one in listed)
    fills = [fill for fill in fills if (fill.symbol, fill.side) == (symbol, side)]
    if quantity_of(fills) != quantity:
        yield differs(Discrepancy.FILLED_QUANTITY, shares(quantity), shares(quantity_of(fills)))
    elif order.report is not None and order.report.average_price is not None:
        ours, theirs = quantity * order.report.average_price, _value(fills)
        if abs(ours - theirs) > _CENT + quantity * _AVERAGE_USD:
            yield differs(Discrepancy.FILLED_VALUE, usd(ours), usd(theirs))


def _unknown(stem: str, own: Collection[BrokerOrderId], record: BrokerRecord) -> Iterator[Difference]:
    """Find orders that bear a name of ours and are not in the ledger."""
    for one in record.orders:
        if stem_in(one.client_order_id) == stem and one.broker_order_id not in own:
            yield Difference(
                kind=Discrepancy.ORDER_UNKNOWN,
                symbol=one.symbol,
                client_order_id=one.client_order_id,
                ours="no such order",
                theirs=told(one),
            )


def _foreign(
    state: ExecutionState,
    at: datetime,
    own: Collection[BrokerOrderId],
    stems: Collection[str],
    record: BrokerRecord,
) -> Iterator[Difference]:
    """Find what is open or was filled since, in the symbols of the plan, and is of no execution we know."""
    open_now = (one for one in record.orders if is_open(one))
    filled = (fill for fill in record.fills if fill.filled_at >= at)
    both: Iterable[ExecutionReport | Fill] = chain(open_now, filled)
    met = {one.broker_order_id: one for one in both if one.symbol in state.lines}
    for name, one in met.items():
        report = record.reports.get(name)
        if name in own or (report and stem_in(report.client_order_id) in stems):
            continue
        yield Difference(
            kind=Discrepancy.FOREIGN_ORDER,
            symbol=one.symbol,
            client_order_id=report.client_order_id if report else None,
            ours="no such order",
            theirs=told(report)
            if report
            else f"{one.side}, {shares(quantity_of(record.fills_of([name])))} filled",
        )


def _value(fills: list[Fill]) -> Decimal:
    return sum((fill.quantity * fill.price for fill in fills), Decimal(0))


def _begun(state: ExecutionState) -> tuple[ExecutionStarted, datetime]:
    if state.started is None or state.started_at is None:
        msg = "the execution does not begin with its plan"
        raise LedgerCorrupt(msg)
    return state.started, state.started_at
