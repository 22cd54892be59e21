"""Placing recorded orders, and finding those that an earlier run may have placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.application.rechecking import recheck
from planfill.domain import errors as err
from planfill.domain.events import Event, OrderRefused
from planfill.domain.following import alarm, answered, doubted, not_sent, unresolved
from planfill.domain.outcome import Reason
from planfill.domain.refusals import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.application.ports.broker import Broker
    from planfill.application.run import Run
    from planfill.domain.state import OrderState


async def place(run: Run, broker: Broker, orders: Sequence[OrderState]) -> None:
    """Send orders, several at once; record each answer as it comes."""

    async def send(order: OrderState) -> None:
        event = await _send(broker, order)
        await run.note(event, *alarm(order, event))

    await run.each(orders, send)


async def _send(broker: Broker, order: OrderState) -> Event:
    """Place one order; whatever comes of it is an event."""
    try:
        return answered(order, await broker.place_order(order.order))
    except err.NotPermitted as e:
        return not_sent(order, Reason(e.reason), str(e))
    except err.BrokerUnavailable as e:
        return not_sent(order, Reason.BROKER_UNAVAILABLE, str(e))
    except (err.OrderRejected, err.OrderConflict) as e:
        name, raw = order.order.client_order_id, getattr(e, "raw", "")
        return OrderRefused(client_order_id=name, reason=reason_of(e), detail=str(e), raw=raw)
    except err.BrokerConnectionError as e:
        return doubted(order, str(e))
    except Exception as e:  # noqa: BLE001 - what nobody foresaw is unknown, never failed
        return doubted(order, f"{type(e).__name__} while it was being placed")


async def recover(run: Run, broker: Broker, orders: Sequence[OrderState]) -> None:
    """
    Ask for orders that may be at the broker; what is proved absent is checked afresh and sent again.

    Nothing is proved by one look: the second comes after the broker's read lag and delivery delay.
    """
    absent: list[OrderState] = []

    async def ask(order: OrderState) -> None:
        try:
            report = await run.ask(broker.get_order_status, order.order.client_order_id)
            await run.note(answered(order, report))
        except err.OrderNotFound as e:
            if e.tells_of(order.order.quoted_at):
                absent.append(order)
            else:
                await run.note(unresolved(order, f"{e}; what was sent before today it does not tell"))
        except err.BrokerConnectionError as e:
            await run.note(unresolved(order, str(e)))

    await run.each(orders, ask)
    if absent:
        await run.clock.sleep(run.brokerage.capabilities.certainty_s)
        missing, absent = absent, []
        await run.each(missing, ask)
    await run.note(*await recheck(run, absent))
