"""Orders at Alpaca."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alpaca.common.exceptions import APIError

from planfill.adapters.brokers.alpaca.outcomes import (
    DuplicateOrderId,
    look_up_error,
    read_answer,
    submit_error,
)
from planfill.adapters.brokers.alpaca.wire import SIDE, Unreadable, amount, body_of, report_of
from planfill.application.ports.broker import Broker
from planfill.domain.errors import (
    BrokerConnectionError,
    OrderConflict,
    OrderHidden,
    OrderNotFound,
    OutcomeUnknown,
)

if TYPE_CHECKING:
    from planfill.adapters.brokers.alpaca.feed import Feed
    from planfill.adapters.brokers.alpaca.moment import Moment
    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import BrokerOrderId, ClientOrderId

_NOT_CANCELABLE = 422


class AlpacaBroker(Broker):
    """Places an order once: what Alpaca has already is compared and adopted."""

    def __init__(self, trading: Transport, feed: Feed | None, moment: Moment) -> None:
        self._trading = trading
        self._moment = moment
        self._feed = feed
        # A cancel needs Alpaca's own id; one that we have seen saves a look-up.
        self._ids: dict[ClientOrderId, BrokerOrderId] = {}

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order; what became of it is what ``outcomes`` says of the answer."""
        self._moment.forget()
        try:
            answer = await self._trading.post("/orders", body_of(order))
        except Exception as e:
            error = submit_error(e)
            if isinstance(error, DuplicateOrderId):
                return await self._adopt(order)
            raise error from e
        try:
            report = report_of(answer)
        except Unreadable as e:
            raise OutcomeUnknown(str(e)) from e
        if self._feed is not None:
            self._feed.expect(order.client_order_id)
        return self._seen(report)

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order as it is now."""
        return self._read(await self._look_up(client_order_id))

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Ask for a cancel; an order that is done, or being canceled, is no error."""
        known = self._ids.get(client_order_id)
        if known is None:
            known = (await self.get_order_status(client_order_id)).broker_order_id
        self._moment.forget()
        try:
            await self._trading.delete(f"/orders/{known}")
        except Exception as e:
            if isinstance(e, APIError) and e.status_code == _NOT_CANCELABLE and read_answer(e).is_alpacas:
                return
            raise look_up_error(e) from e

    async def _adopt(self, order: Order) -> ExecutionReport:
        """Take the order that Alpaca has under this name for ours, if it is."""
        try:
            answer = await self._look_up(order.client_order_id)
        except (OrderNotFound, BrokerConnectionError) as e:
            # Whatever keeps Alpaca from showing it, the order is there: neither refused nor not placed.
            msg = f"Alpaca has an order {order.client_order_id} and does not show it: {e}"
            raise OrderHidden(msg) from e
        report = self._read(answer)
        if differences := _differences(order, answer):
            msg = f"Alpaca has another order under {order.client_order_id}: {'; '.join(differences)}"
            raise OrderConflict(msg)
        return report

    async def _look_up(self, client_order_id: ClientOrderId) -> Any:
        try:
            return await self._trading.get("/orders:by_client_order_id", client_order_id=client_order_id)
        except Exception as e:
            raise look_up_error(e) from e

    def _read(self, answer: object) -> ExecutionReport:
        try:
            return self._seen(report_of(answer))
        except Unreadable as e:
            raise OutcomeUnknown(str(e)) from e

    def _seen(self, report: ExecutionReport) -> ExecutionReport:
        self._ids[report.client_order_id] = report.broker_order_id
        return report


def _differences(order: Order, found: dict[str, Any]) -> list[str]:
    """Say where an order at Alpaca is another than ours; what it sends back as null says nothing."""
    ours = {"symbol": order.symbol, "side": SIDE[order.side]}
    told = [
        f"{name} {found[name]}, not {value}"
        for name, value in ours.items()
        if found.get(name) is not None and found[name] != value
    ]
    numbers = {"qty": order.quantity, "notional": order.notional}
    theirs = {name: amount(found, name) for name in numbers}
    return told + [
        f"{name} {theirs[name]}, not {value}"
        for name, value in numbers.items()
        if value is not None and theirs[name] is not None and theirs[name] != value
    ]
