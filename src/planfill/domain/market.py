"""What the market and the broker say before an order is made: quotes, instruments, session, account."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from planfill.domain.identity import AccountKey
from planfill.domain.order import OrderType, Side
from planfill.domain.outcome import Reason
from planfill.domain.values import Money, Name, Price, Quantity, Symbol, Value


class Quote(Value, frozen=True):
    """
    The best bid and ask of one instrument at one moment, and how many shares are shown at each.

    The sizes are None where the source does not say them.
    A price of 0 or below and a crossed market are refused: they never become an order. Whether it is
    stale is a question to the clock.
    """

    symbol: Symbol
    bid: Annotated[Price, Field(gt=0)]
    ask: Annotated[Price, Field(gt=0)]
    at: AwareDatetime
    source: Name
    bid_size: Annotated[Quantity, Field(ge=0)] | None = None
    ask_size: Annotated[Quantity, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _not_crossed(self) -> Self:
        if self.bid > self.ask:
            msg = f"crossed: bid {self.bid} is above ask {self.ask}"
            raise ValueError(msg)
        return self

    @property
    def mid(self) -> Price:
        """The middle of bid and ask."""
        return Price((self.bid + self.ask) / 2)

    def near(self, side: Side) -> Price:
        """The price at which a marketable order of this side would trade now."""
        return self.ask if side is Side.BUY else self.bid

    def near_size(self, side: Side) -> Quantity | None:
        """The shares shown at that price."""
        return self.ask_size if side is Side.BUY else self.bid_size


class NoQuote(Value, frozen=True):
    """Why there is no usable quote of a symbol; ``detail`` keeps what the source said."""

    symbol: Symbol
    reason: Reason = Reason.NO_PRICE
    detail: str = ""


class Instrument(Value, frozen=True):
    """
    What the broker takes for one symbol; increments in shares and in dollars a share.

    ``min_order_usd`` is the least that an order may be worth, but for a sale of all that can be sold.
    """

    symbol: Symbol
    tradable: bool = True
    fractionable: bool = True
    quantity_increment: Annotated[Quantity, Field(gt=0)] = Quantity(Decimal("0.000000001"))
    price_increment: Annotated[Price, Field(gt=0)] = Price(Decimal("0.01"))
    sub_dollar_price_increment: Annotated[Price, Field(gt=0)] = Price(Decimal("0.0001"))
    min_order_usd: Annotated[Money, Field(ge=0)] = Money(Decimal(0))

    @property
    def lot(self) -> Quantity:
        """The smallest step of a quantity that the broker takes."""
        return self.quantity_increment if self.fractionable else Quantity(Decimal(1))

    def within(self, capabilities: Capabilities) -> Instrument:
        """Give the same where the broker takes fractions at all; else in whole shares only."""
        if capabilities.fractions or not self.fractionable:
            return self
        return Instrument.model_validate({**dict(self), "fractionable": False})

    def tick(self, price: Price, side: Side) -> Price:
        """Round a limit price to a tick, away from crossing: a buy's down, a sell's up."""
        step = self.price_increment if price >= 1 else self.sub_dollar_price_increment
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        return Price((price / step).to_integral_value(rounding) * step)


class MarketSession(Value, frozen=True):
    """The regular session: open now or not, and its next open and close, in UTC."""

    is_open: bool
    opens_at: AwareDatetime | None = None
    closes_at: AwareDatetime | None = None


class Account(Value, frozen=True):
    """
    The broker's word on the account, in dollars of its currency.

    ``cash_usd`` is trade-date cash with today's proceeds, ``settled_usd`` what has settled,
    ``buying_power_usd`` Reg T buying power, ``open_buys_usd`` what open buy orders, ours included, may
    still cost. ``blocked`` says why the account may not trade, or is empty.
    """

    key: AccountKey
    cash_usd: Money
    settled_usd: Money
    buying_power_usd: Money
    open_buys_usd: Money
    currency: str = "USD"
    blocked: str = ""


class Capabilities(Value, frozen=True):
    """
    What a broker declares of itself; times in seconds.

    "Not there" counts only after ``max_delivery_delay_s``, which without ``unique_ids`` is how long what was
    sent may be on its way, and after ``read_lag_s``, how long a look-up may miss an order it has.
    ``concurrency`` is how many orders the adapter sends at once; one more would wait in it, past the gate.
    """

    unique_ids: bool
    read_lag_s: float = 0
    max_delivery_delay_s: float = 0
    fractions: bool = True
    notional: bool = False
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = None
    order_types: tuple[OrderType, ...] = (OrderType.MARKET, OrderType.LIMIT)

    @property
    def certainty_s(self) -> float:
        """
        How long after a look-up a second one proves that an order is not there.

        The sum: what arrives as late as it can stays invisible as long again as look-ups lag.
        """
        return self.max_delivery_delay_s + self.read_lag_s
