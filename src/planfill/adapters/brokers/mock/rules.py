"""When the exchange refuses an order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.mock.prices import NoPrice
from planfill.adapters.brokers.mock.ticket import EXACT, LOT
from planfill.domain.errors import (
    InsufficientFundsError,
    InsufficientQuantityError,
    NotFractionableError,
    NotTradableError,
    OrderRejected,
)
from planfill.domain.market import Instrument
from planfill.domain.order import Side
from planfill.domain.values import Money, Price, Quantity, cents

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.balances import Balances
    from planfill.adapters.brokers.mock.prices import Prices
    from planfill.adapters.brokers.mock.settings import MockSettings
    from planfill.domain.order import Order

_ONE: Final = Decimal(1)
_LEAST_USD: Final = Decimal(1)
_ANY: Final = Instrument(symbol="ANY")
_BPS: Final = Decimal(10_000)
_SPARE_FEE_USD: Final = Decimal("0.01")


def fee(settings: MockSettings, quantity: Decimal, dollars: Decimal) -> Money:
    """Charge a fill, to the cent."""
    if not settings.fee_bps and not settings.fee_usd_per_share:
        return Money(Decimal(0))
    return cents(quantity * settings.fee_usd_per_share + dollars * settings.fee_bps / _BPS)


def needs(settings: MockSettings, quantity: Decimal, dollars: Decimal) -> Money:
    """Tell what a buy may cost at most: its dollars, and its fees however they are rounded."""
    charge = fee(settings, quantity, dollars)
    return Money(EXACT.add(dollars, charge + _SPARE_FEE_USD if charge else charge))


def instrument(symbol: str, settings: MockSettings) -> Instrument:
    """Describe a symbol that the exchange has."""
    return Instrument(
        symbol=symbol,
        tradable=symbol not in settings.not_tradable,
        fractionable=symbol not in settings.not_fractionable,
        quantity_increment=LOT,
        min_order_usd=Money(_LEAST_USD),
    )


def refusal(
    order: Order, cost_price: Price, settings: MockSettings, prices: Prices, balances: Balances
) -> OrderRejected | None:
    """Say why the order is refused, or that it is not; ``cost_price`` is what a share may cost at most."""
    if settings.blocked:
        return OrderRejected(f"account is blocked: {settings.blocked}")
    if order.symbol in settings.not_tradable:
        return NotTradableError(f"asset {order.symbol} is not tradable")
    fractional = order.quantity is None or EXACT.remainder(order.quantity, _ONE) != 0
    if fractional and order.symbol in settings.not_fractionable:
        return NotFractionableError(f"asset {order.symbol} is not fractionable")
    if why := _malformed(order, prices):
        return OrderRejected(why)
    if order.side is Side.SELL:
        return _cannot_sell(order, balances, prices, fractional=fractional)
    return _cannot_buy(order, cost_price, settings, balances, fractional=fractional)


def reserve_price(order: Order, prices: Prices, *, steps: int) -> Price:
    """Tell what a share may cost at most, as far as can be told now."""
    return order.limit_price or prices.fill(order.symbol, order.side, steps) or Price(Decimal(0))


def _malformed(order: Order, prices: Prices) -> str:
    if order.quantity is not None and EXACT.remainder(order.quantity, LOT):
        return f"quantity {order.quantity} has more than 9 decimals"
    if order.limit_price is not None:
        sub_penny = order.limit_price != _ANY.tick(order.limit_price, order.side)
        return f"limit price {order.limit_price}: sub-penny increment" if sub_penny else ""
    spread = prices.of(order.symbol)
    return f"no market for {order.symbol}: {spread.detail}" if isinstance(spread, NoPrice) else ""


def _cannot_sell(
    order: Order, balances: Balances, prices: Prices, *, fractional: bool
) -> OrderRejected | None:
    if order.quantity is None:
        return OrderRejected("a sale takes shares, not dollars")
    sellable = balances.sellable(order.symbol)
    if order.quantity > sellable:
        return InsufficientQuantityError(
            f"insufficient quantity: {order.quantity} of {order.symbol} requested, {sellable} available"
        )
    spread = prices.of(order.symbol)
    price = order.limit_price if isinstance(spread, NoPrice) else spread.ask
    # What is left of a position can be sold however little it is worth.
    if fractional and price and order.quantity < sellable and _is_too_little(order.quantity, price):
        return OrderRejected(f"order amount below the minimum of ${_LEAST_USD}")
    return None


def _cannot_buy(
    order: Order, price: Price, settings: MockSettings, balances: Balances, *, fractional: bool
) -> OrderRejected | None:
    if order.quantity is None:
        dollars, shares = order.notional or Decimal(0), (order.notional or Decimal(0)) / price
    else:
        dollars, shares = EXACT.multiply(order.quantity, price), order.quantity
    if fractional and cents(dollars) < _LEAST_USD:
        return OrderRejected(f"order amount below the minimum of ${_LEAST_USD}")
    cost, free = needs(settings, shares, dollars), balances.free_usd()
    if cost > free:
        return InsufficientFundsError(
            f"insufficient buying power: {cents(cost)} needed, {cents(free)} available"
        )
    return None


def _is_too_little(quantity: Quantity, price: Price) -> bool:
    return cents(EXACT.multiply(quantity, price)) < _LEAST_USD
