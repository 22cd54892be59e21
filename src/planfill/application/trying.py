"""The trial order of ``planfill doctor``: placed far from the market, found by our name for it, canceled."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.domain.errors import ExecutionError, OutcomeUnknown
from planfill.domain.examination import Finding, in_order, not_in_order
from planfill.domain.market import Instrument, Quote
from planfill.domain.numerals import plain
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.policy import ExecutionPolicy
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.values import ClientOrderId, Price, Quantity

CHECK: Final = "order"
# Not ours as executions know it: an open order that begins with pf- and is in no ledger blocks the account.
PREFIX: Final = "doctor-"
# Brokers take no order below a dollar.
_LEAST_USD: Final = Decimal(2)


@dataclass(frozen=True, slots=True)
class TryOrder:
    """Whoever calls it holds the account, so that nothing is executed beside the order."""

    brokerage: Brokerage
    clock: Clock
    policy: ExecutionPolicy

    async def __call__(self, quote: Quote, instrument: Instrument) -> Finding:
        """
        Place a limit order at half the bid, and cancel it whatever happens meanwhile.

        Nothing interrupts it once it has begun: what was sent must be canceled first. That takes at most
        ``cancel_grace_s`` and the time-outs of the adapter.
        """
        order = self._order(quote, instrument)
        terms = " ".join(plain(one) for one in (order.quantity, order.limit_price) if one is not None)
        what = f"{order.client_order_id} (BUY {order.symbol} {terms.replace(' ', ' at ')})"
        if self.brokerage.limiter is not None:
            await self.brokerage.limiter.turn()
        doubt = ""
        try:
            await self.brokerage.broker.place_order(order)
        except OutcomeUnknown as e:
            doubt = str(e)
        except ExecutionError as e:
            remedy = "do what the answer says: plans would meet the same"
            return not_in_order(CHECK, f"{what} was not placed: {e}", remedy)
        except Exception as e:  # noqa: BLE001 - what an adapter did not foresee: it may have been sent
            doubt = f"{type(e).__name__} in the adapter"
        report, trouble = await self._end(order.client_order_id)
        return _verdict(what, report, "; ".join(filter(None, (doubt, trouble))))

    def _order(self, quote: Quote, instrument: Instrument) -> Order:
        limit = instrument.tick(Price(quote.bid / 2), Side.BUY)
        lot = instrument.lot if self.brokerage.capabilities.fractions else Quantity(Decimal(1))
        lots = (_LEAST_USD / limit / lot).to_integral_value(ROUND_CEILING)
        now = self.clock.now()
        return Order(
            client_order_id=ClientOrderId(f"{PREFIX}{now:%Y%m%dT%H%M%S%f}"),
            symbol=quote.symbol,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=Quantity(lots * lot),
            limit_price=limit,
            quoted_at=quote.at,
        )

    async def _end(self, name: ClientOrderId) -> tuple[ExecutionReport | None, str]:
        """Cancel until it has ended, or the grace is over; give the last report and the last trouble."""
        broker, report, trouble = self.brokerage.broker, None, ""
        give_up_at = (
            self.clock.monotonic() + self.policy.cancel_grace_s + self.brokerage.capabilities.certainty_s
        )
        while self.clock.monotonic() < give_up_at:
            try:
                report = await broker.get_order_status(name)
                trouble = ""
                if report.is_terminal:
                    break
                await broker.cancel_order(name)
            except ExecutionError as e:
                trouble = str(e)
            except Exception as e:  # noqa: BLE001 - the order must be canceled, whatever an adapter does
                trouble = f"{type(e).__name__} in the adapter"
            await self.clock.sleep(self.policy.poll_s)
        return report, trouble


def _verdict(what: str, report: ExecutionReport | None, trouble: str) -> Finding:
    by_hand = "look for it at the broker under this id, and cancel it by hand"
    if report is None:
        return not_in_order(CHECK, f"{what}: NOBODY KNOWS WHETHER IT WORKS: {trouble}", by_hand)
    named = f"{what}, {report.broker_order_id} at the broker"
    if report.filled_quantity > 0:
        sell = "sell that by hand: it was to be far from the market, so see what the quotes are worth"
        return not_in_order(CHECK, f"{named}: FILLED {plain(report.filled_quantity)} shares", sell)
    if not report.is_terminal:
        why = trouble or f"still {report.status}"
        return not_in_order(CHECK, f"{named}: THE CANCEL IS NOT CONFIRMED, IT MAY WORK: {why}", by_hand)
    if report.status is not OrderStatus.CANCELED:
        remedy = "see at the broker why it did not wait for its cancel"
        return not_in_order(CHECK, f"{named}: ended as {report.status}", remedy)
    return in_order(CHECK, f"{named}: placed, found by its client order id, canceled")
