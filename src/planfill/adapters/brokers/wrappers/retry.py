"""Retrying: what certainly was not placed is sent again, what may have been is looked for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenacity import AsyncRetrying, retry_if_exception, wait_exponential_jitter

from planfill.application.ports.broker import Broker
from planfill.domain.errors import (
    BrokerConnectionError,
    BrokerUnavailable,
    NotPermitted,
    OrderHidden,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
)
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.application.ports.clock import Clock
    from planfill.application.run import Sending
    from planfill.domain.order import Order
    from planfill.domain.report import ExecutionReport
    from planfill.domain.values import ClientOrderId

_WAIT: Final = wait_exponential_jitter(multiplier=0.25, max=5, jitter=0.25)


class Retry(Broker):
    """
    Brings an order to the broker once, however many sends that takes, until the order's time is over.

    The same client order id is sent again only when the order certainly is not there: the request had no
    effect, or the broker says that it has no such order for longer than it may lag behind. "Could not ask"
    never becomes "not placed". A refusal is final; but where an earlier send is in doubt it may be the
    second one that was refused, so the first is looked for.
    """

    def __init__(self, inner: Broker, sending: Sending, clock: Clock) -> None:
        self._inner = inner
        self._sending = sending
        self._clock = clock

    async def place_order(self, order: Order) -> ExecutionReport:
        """Send the order until its fate is known or its time is over; raises what was known last."""
        return await _Delivery(order, self._inner, self._sending, self._clock).deliver()

    async def get_order_status(self, client_order_id: ClientOrderId) -> ExecutionReport:
        """Report on the order as it is now."""
        return await self._inner.get_order_status(client_order_id)

    async def cancel_order(self, client_order_id: ClientOrderId) -> None:
        """Ask the broker to cancel the order."""
        await self._inner.cancel_order(client_order_id)


class _Delivery:
    """One order on its way to the broker, and what has become of the sends so far."""

    def __init__(self, order: Order, inner: Broker, sending: Sending, clock: Clock) -> None:
        self._order = order
        self._inner = inner
        self._sending = sending
        self._clock = clock
        self._in_doubt = sending.may_be_there(order)
        self._failure = ""

    async def deliver(self) -> ExecutionReport:
        """Send once; where that certainly had no effect, again and again until the time is over."""
        try:
            return await self._send()
        except BrokerUnavailable as e:
            if not _certainly_not_placed(e) or self._sending.is_over(self._order):
                raise
        return await self._until_over(_certainly_not_placed)(self._send)

    async def _send(self) -> ExecutionReport:
        """Send the order; raises ``BrokerUnavailable`` only if it certainly is not there."""
        try:
            return await self._inner.place_order(self._order)
        except OutcomeUnknown as e:
            self._in_doubt, self._failure = True, f"{e}; the broker has no such order"
            if found := await self._find(hidden=isinstance(e, OrderHidden)):
                return found
            raise BrokerUnavailable(self._failure) from e
        except OrderRejected:
            if self._in_doubt and (found := await self._find()):
                return found
            raise
        except NotPermitted as e:
            if not self._failure:
                raise
            # The gate speaks of what the failure has led to: it is the failure that people must know.
            msg = f"{self._failure}; {e}"
            raise NotPermitted(Reason.BROKER_UNAVAILABLE, msg) from e
        except BrokerUnavailable as e:
            self._failure = str(e)
            raise

    async def _find(self, *, hidden: bool = False) -> ExecutionReport | None:
        """
        Look for the order until it is found, or certainly not there: None; never that if it is ``hidden``.

        Raises:
            OutcomeUnknown: Its time is over, and neither is known.

        """
        name, since = self._order.client_order_id, self._clock.monotonic()

        def is_certain(absent: OrderNotFound) -> bool:
            waited = self._clock.monotonic() - since >= self._sending.certainty_s
            return waited and not hidden and absent.tells_of(self._order.quoted_at)

        def undecided(error: BaseException) -> bool:
            absent = isinstance(error, OrderNotFound) and not is_certain(error)
            return absent or isinstance(error, BrokerConnectionError)

        try:
            return await self._until_over(undecided)(self._inner.get_order_status, name)
        except (OrderNotFound, BrokerConnectionError) as e:
            if isinstance(e, OrderNotFound) and is_certain(e):
                return None
            msg = f"nobody knows whether the broker has the order: {e}"
            raise OutcomeUnknown(msg) from e

    def _until_over(self, again: Callable[[BaseException], bool]) -> AsyncRetrying:
        return AsyncRetrying(
            sleep=self._clock.sleep,
            wait=_WAIT,
            retry=retry_if_exception(again),
            stop=lambda _: self._sending.is_over(self._order),
            reraise=True,
        )


def _certainly_not_placed(error: BaseException) -> bool:
    return isinstance(error, BrokerUnavailable) and not isinstance(error, NotPermitted)
