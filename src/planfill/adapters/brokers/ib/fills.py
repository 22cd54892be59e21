"""IB's list of today's fills, with their fees; and what those of one order amount to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ib_async.objects import ExecutionFilter

from planfill.adapters.brokers.ib.contracts import symbol_of
from planfill.adapters.brokers.ib.numbers import number
from planfill.domain.order import Side
from planfill.domain.report import Fill
from planfill.domain.values import BrokerOrderId, Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ib_async.contract import Contract
    from ib_async.objects import CommissionReport, Execution

    from planfill.adapters.brokers.ib.connection import Connection

STOCK: Final = "STK"
_SIDES: Final = {"BOT": Side.BUY, "SLD": Side.SELL}
# A fee comes a moment after its fill.
_YOUNG: Final = timedelta(seconds=5)
_PATIENCE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Trade:
    """What the fills of one order amount to; fees are None until all are told."""

    ref: str
    perm_id: int
    client_id: int
    order_id: int
    fills: tuple[Fill, ...]

    @property
    def quantity(self) -> Decimal:
        """The shares."""
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def average(self) -> Price:
        """The average price of a share."""
        return Price(sum((fill.quantity * fill.price for fill in self.fills), Decimal(0)) / self.quantity)

    @property
    def fees_usd(self) -> Money | None:
        """The fees."""
        told = [fill.fees_usd for fill in self.fills if fill.fees_usd is not None]
        return Money(sum(told, Decimal(0))) if len(told) == len(self.fills) else None


async def read_trades(connection: Connection, now: datetime) -> list[Trade]:
    """
    Read today's fills of the account, those of one order together; shares only.

    Raises:
        Lost, Refused, ValueError: It is not known what there is.

    """
    wanted = ExecutionFilter(acctCode=connection.account)
    told: list[tuple[Contract, Execution]] = await connection.numbered(
        lambda number: connection.client.reqExecutions(number, wanted)
    )
    latest = [one for one in _latest(told) if one[0].secType == STOCK]
    await _fees(connection, [one.execId for _, one in latest if now - one.time < _YOUNG])
    fees = connection.inbox.fees
    of_order = defaultdict[tuple[int, str], list[tuple["Contract", "Execution"]]](list)
    for one in latest:
        # Of fills without IB's number nobody says that they are of one order.
        of_order[one[1].permId, "" if one[1].permId else one[1].execId].append(one)
    return [
        Trade(
            ref=many[0][1].orderRef,
            perm_id=many[0][1].permId,
            client_id=many[0][1].clientId,
            order_id=many[0][1].orderId,
            fills=tuple(_fill(contract, one, fees.get(one.execId)) for contract, one in many),
        )
        for many in of_order.values()
    ]


def in_order(trades: Iterable[Trade], since: datetime) -> Sequence[Fill]:
    """Give the fills of all since then, oldest first."""
    fills = [fill for trade in trades for fill in trade.fills if fill.filled_at >= since]
    return sorted(fills, key=lambda fill: fill.filled_at)


def _latest(told: Iterable[tuple[Contract, Execution]]) -> list[tuple[Contract, Execution]]:
    """Leave out what was corrected: a correction has the number of the fill, but for what follows the dot."""
    found: dict[str, tuple[Contract, Execution]] = {}
    for one in told:
        name, _, revision = one[1].execId.rpartition(".")
        known = found.get(name)
        if known is None or int(revision) >= int(known[1].execId.rpartition(".")[2]):
            found[name] = one
    return list(found.values())


async def _fees(connection: Connection, young: Sequence[str]) -> None:
    """Wait a moment for the fees of fills that have just happened."""
    inbox = connection.inbox
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not all(name in inbox.fees for name in young) and not inbox.closed.is_set():
                inbox.fee_told.clear()
                await inbox.fee_told.wait()
    except TimeoutError:
        return


def _fill(contract: Contract, told: Execution, fee: CommissionReport | None) -> Fill:
    price, shares = number(told.price), number(told.shares)
    if price is None or shares is None:
        msg = f"the fill {told.execId} has no price or no quantity"
        raise ValueError(msg)
    paid = number(fee.commission) if fee is not None and fee.currency == "USD" else None
    return Fill(
        fill_id=told.execId,
        broker_order_id=BrokerOrderId(str(told.permId)),
        symbol=symbol_of(contract),
        side=_SIDES[told.side],
        quantity=Quantity(shares),
        price=Price(price),
        fees_usd=None if paid is None else Money(paid),
        filled_at=told.time,
    )
