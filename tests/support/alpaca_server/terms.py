"""The terms of a new order: read as they are written, and refused in Alpaca's order and words."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from alpaca_server.errors import INVALID, UNPROCESSABLE, Refused, forbidden, invalid
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.values import ClientOrderId, Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from planfill.adapters.brokers.mock import MockSettings

_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES: Final = {"market": OrderType.MARKET, "limit": OrderType.LIMIT}
# What Alpaca has and the exchange behind this one has not.
_OTHER_TYPES: Final = {"stop", "stop_limit", "trailing_stop"}
_TIMES_IN_FORCE: Final = {"day", "gtc", "opg", "cls", "ioc", "fok"}
_LONGEST_NAME: Final = 128


class Terms(NamedTuple):
    """What is asked for."""

    name: str
    symbol: str
    side: str
    kind: str
    time_in_force: str
    extended_hours: bool
    quantity: Decimal | None
    notional: Decimal | None
    limit: Decimal | None
    stop: Decimal | None
    order_class: str

    @property
    def is_fractional(self) -> bool:
        """Whether it asks for less than whole shares."""
        return self.quantity is None or self.quantity % 1 != 0

    def order(self, now: datetime) -> Order:
        """Give the order as the exchange takes it."""
        return Order(
            client_order_id=ClientOrderId(self.name),
            symbol=self.symbol,
            side=_SIDES[self.side],
            order_type=_TYPES[self.kind],
            quantity=None if self.quantity is None else Quantity(self.quantity),
            notional=None if self.notional is None else Money(self.notional),
            limit_price=None if self.limit is None else Price(self.limit),
            quoted_at=now,
        )


def read(body: Mapping[str, Any], unnamed: str) -> Terms:
    """Read the body of a request; an order without a name is given one, as Alpaca does."""
    return Terms(
        name=str(body.get("client_order_id") or unnamed),
        symbol=str(body.get("symbol", "")),
        side=str(body.get("side")),
        kind=str(body.get("type")),
        time_in_force=str(body.get("time_in_force")),
        extended_hours=body.get("extended_hours") is True,
        order_class=str(body.get("order_class") or "simple"),
        quantity=_number(body, "qty"),
        notional=_number(body, "notional"),
        limit=_number(body, "limit_price"),
        stop=_number(body, "stop_price"),
    )


def check(terms: Terms) -> None:
    """Refuse what no account could have; raises ``Refused``."""
    quantity, notional, limit, stop = terms.quantity, terms.notional, terms.limit, terms.stop
    sub_penny = f"invalid limit_price {limit}. sub-penny increment does not fulfill minimum pricing criteria"
    by_hour = terms.kind == "limit" and terms.time_in_force in {"day", "gtc"}
    rules = (
        (len(terms.name) > _LONGEST_NAME, INVALID, "client_order_id must be no more than 128 characters"),
        (terms.side not in _SIDES, INVALID, "invalid side"),
        (terms.kind not in {*_TYPES, *_OTHER_TYPES}, INVALID, "invalid order type"),
        (terms.time_in_force not in _TIMES_IN_FORCE, INVALID, "invalid time_in_force"),
        (quantity is not None and notional is not None, INVALID, "only one of qty or notional is accepted"),
        (quantity is None and notional is None, INVALID, "qty or notional is required"),
        (quantity is not None and quantity <= 0, INVALID, "qty must be > 0"),
        (terms.kind == "limit" and limit is None, INVALID, "limit orders require a limit price"),
        (
            terms.kind == "market" and (limit is not None or stop is not None), INVALID,
            "market orders require no stop or limit price",
        ),
        (terms.kind == "stop" and stop is None, INVALID, "stop orders require a stop price"),
        (
            terms.kind == "stop_limit" and None in {limit, stop}, INVALID,
            "stop limit orders require both stop and limit price",
        ),
        (limit is not None and limit <= 0, INVALID, "limit price must be > 0"),
        (_digits(notional, 2), UNPROCESSABLE, "notional value must be limited to 2 decimal places"),
        (notional is not None and notional < 1, INVALID, "notional must be >= 1.00"),
        (
            terms.extended_hours and not by_hour, UNPROCESSABLE,
            "extended hours order must be DAY or GTC limit orders",
        ),
        (
            _digits(limit, 2 if limit is not None and limit >= 1 else 4), UNPROCESSABLE,
            sub_penny,
        ),
        (
            terms.is_fractional and terms.time_in_force != "day", UNPROCESSABLE,
            "fractional orders must be DAY orders",
        ),
        (
            terms.is_fractional and terms.order_class != "simple", UNPROCESSABLE,
            "fractional orders must be simple orders",
        ),
        (terms.kind in _OTHER_TYPES, UNPROCESSABLE, f"this local Alpaca has no {terms.kind} orders"),
    )  # fmt: skip
    for broken, code, text in rules:
        if broken:
            raise invalid(text, code)


def check_asset(terms: Terms, settings: MockSettings, *, exists: bool) -> None:
    """Refuse what is not traded here, or not like this; raises ``Refused``."""
    if not exists:
        raise invalid(f'asset "{terms.symbol}" not found', UNPROCESSABLE)
    if terms.symbol in settings.not_tradable:
        raise invalid(f"asset {terms.symbol} is not active")
    if terms.is_fractional and terms.symbol in settings.not_fractionable:
        raise forbidden(f'asset "{terms.symbol}" is not fractionable')


def _digits(number: Decimal | None, most: int) -> bool:
    return number is not None and number != round(number, most)


def _number(body: Mapping[str, Any], name: str) -> Decimal | None:
    """Read a number however it is written: 1.0, "1", 1e-09."""
    value = body.get(name)
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation as e:
        raise Refused(400, 40010000, f"{name} is no number") from e
