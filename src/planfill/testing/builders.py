"""
Values with valid defaults: a test says only what it is about.

Numbers may be written as ``3`` or ``"7.2273576"``; they become Decimals. Everything is about SPY at about
$100, at ``START``, on the account ``PAPER``, unless the test says otherwise.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from planfill.domain.events import ExecutionStarted, OrderRecorded, Recorded
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account, Instrument, MarketSession, Quote
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.plan import Plan, PlanItem
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy
from planfill.domain.reading import read_plan
from planfill.domain.report import ExecutionReport, Fill, OrderStatus
from planfill.domain.sizing import Sizing
from planfill.domain.state import ExecutionState
from planfill.domain.values import BrokerOrderId, ClientOrderId, Money, Price, Quantity
from planfill.testing.clock import START

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from planfill.domain.events import Event

Number = Decimal | int | str
PAPER: Final = AccountKey(broker="mock", environment="paper", number="1")
STREAM: Final = "execution/mock:paper:1:plan-1"


def an_item(
    symbol: str = "SPY", action: str = "BUY", trade_amount: Number | None = 1000, **fields: object
) -> PlanItem:
    """Give one line of a plan: BUY $1000 of SPY."""
    return PlanItem.model_validate(
        {"symbol": symbol, "action": action, "trade_amount": trade_amount, **fields}
    )


def a_plan(*items: PlanItem | Mapping[str, object], **fields: object) -> Plan:
    """Give a plan of these lines, read as any other plan is."""
    document: dict[str, object] = {
        "plan_id": "plan-1",
        "correlation_id": "correlation-1",
        "timestamp": START,
        "items": items,
    }
    return read_plan(document | fields)


def a_quote(
    symbol: str = "SPY",
    bid: Number = 100,
    ask: Number | None = None,
    *,
    at: datetime = START,
    source: str = "test",
    shown: tuple[Number, Number] | None = None,
) -> Quote:
    """Give a quote; without an ask there is no spread, without ``shown`` nobody says at what sizes."""
    ask = bid if ask is None else ask
    bid_size, ask_size = (None, None) if shown is None else (Quantity(_number(size)) for size in shown)
    return Quote(
        symbol=symbol,
        bid=_price(bid),
        ask=_price(ask),
        at=at,
        source=source,
        bid_size=bid_size,
        ask_size=ask_size,
    )


def an_instrument(symbol: str = "SPY", **fields: object) -> Instrument:
    """Give an instrument that can be traded, in fractions."""
    return Instrument.model_validate({"symbol": symbol, **fields})


def a_session(*, is_open: bool = True, closes_in_s: float | None = None) -> MarketSession:
    """Give a session that is open, with no close in sight."""
    closes_at = None if closes_in_s is None else START + timedelta(seconds=closes_in_s)
    return MarketSession(is_open=is_open, closes_at=closes_at)


def an_account(cash: Number = 100_000, *, open_buys: Number = 0, **fields: object) -> Account:
    """Give an account with this cash, all of it settled."""
    values: dict[str, object] = {
        "key": PAPER,
        "cash_usd": _number(cash),
        "settled_usd": _number(cash),
        "buying_power_usd": _number(cash),
        "open_buys_usd": _number(open_buys),
    }
    return Account.model_validate(values | fields)


def a_policy(*, limits: Mapping[str, object] | None = None, **execution: object) -> Policy:
    """Give the default figures, but for these of ``[execution]`` and ``[limits]``."""
    return Policy(
        execution=ExecutionPolicy.model_validate(execution),
        limits=LimitsPolicy.model_validate(limits or {}),
    )


def an_order(
    symbol: str = "SPY",
    side: Side = Side.BUY,
    quantity: Number = 10,
    *,
    limit_price: Number | None = None,
    client_order_id: str = "",
    quoted_at: datetime = START,
) -> Order:
    """Give a market order, or with a price a limit order; its name is made of its symbol."""
    return Order(
        client_order_id=ClientOrderId(client_order_id or f"pf-{symbol}-1"),
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        quantity=Quantity(_number(quantity)),
        limit_price=None if limit_price is None else _price(limit_price),
        quoted_at=quoted_at,
    )


def a_report(
    order: Order | None = None,
    status: OrderStatus = OrderStatus.FILLED,
    filled: Number | None = None,
    price: Number | None = 100,
    **fields: object,
) -> ExecutionReport:
    """Give the broker's word on an order: all filled at $100; with nothing filled there is no price."""
    order = order or an_order()
    whole = order.quantity or Decimal(0)
    quantity = Quantity(_number(filled) if filled is not None else whole)
    values: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "broker_order_id": f"broker-{order.client_order_id}",
        "symbol": order.symbol,
        "side": order.side,
        "status": status,
        "filled_quantity": quantity,
        "average_price": None if price is None or not quantity else _price(price),
        "reported_at": START,
    }
    return ExecutionReport.model_validate(values | fields)


def a_fill(order: Order | None = None, quantity: Number = 10, price: Number = 100, **fields: object) -> Fill:
    """Give the broker's own record of one execution of an order."""
    order = order or an_order()
    values: dict[str, object] = {
        "fill_id": "fill-1",
        "broker_order_id": BrokerOrderId(f"broker-{order.client_order_id}"),
        "symbol": order.symbol,
        "side": order.side,
        "quantity": _number(quantity),
        "price": _number(price),
        "filled_at": START,
    }
    return Fill.model_validate(values | fields)


def a_sizing(quantity: Number = 10, price: Number = 100, **fields: object) -> Sizing:
    """Give a sizing that came out even: as many dollars as the shares are worth."""
    usd = Money(_number(quantity) * _number(price))
    values: dict[str, object] = {
        "price": _price(price),
        "mid_price": _price(price),
        "arrival_price": _price(price),
        "price_source": "test",
        "allotted_usd": usd,
        "intended_usd": usd,
        "available_usd": usd,
        "quantity": _number(quantity),
    }
    return Sizing.model_validate(values | fields)


def started(
    plan: Plan | None = None,
    *,
    cash: Number = 100_000,
    policy: Policy | None = None,
    positions: Mapping[str, Number] | None = None,
) -> ExecutionStarted:
    """Give the event with which an execution begins; without positions nobody knows what was held."""
    held = None if positions is None else {s: Quantity(_number(n)) for s, n in positions.items()}
    plan = plan or a_plan(an_item())
    return ExecutionStarted(
        plan=plan,
        digest=plan.digest,
        account=PAPER,
        cash_usd=Money(_number(cash)),
        policy=policy or Policy(),
        holder="test",
        positions=held,
    )


def an_order_recorded(
    order: Order | None = None, sizing: Sizing | None = None, *, deadline_s: float = 120
) -> OrderRecorded:
    """Give the event with which an order begins; its deadline counts from ``START``."""
    order = order or an_order()
    return OrderRecorded(
        order=order,
        attempt=1,
        sizing=sizing or a_sizing(order.quantity or 0),
        deadline=START + timedelta(seconds=deadline_s),
    )


def a_state(*events: Event, plan: Plan | None = None) -> ExecutionState:
    """Fold events, a second apart, into the state of an execution of this plan that began at ``START``."""
    state = ExecutionState()
    for recorded in numbered(started(plan), *events):
        state.apply(recorded)
    return state


def numbered(*events: Event, after: int = 0) -> Iterable[Recorded]:
    """Put events into a stream, a second apart."""
    for number, event in enumerate(events, start=after + 1):
        at = START + timedelta(seconds=number - 1)
        yield Recorded(STREAM, number, at, f"hash-{number}", event)


def _number(number: Number) -> Decimal:
    return Decimal(number)


def _price(number: Number) -> Price:
    return Price(Decimal(number))
