"""The account at Alpaca: whose it is, its money, what it holds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from planfill.adapters.brokers.alpaca.reading import readable
from planfill.adapters.brokers.alpaca.records import OPEN, open_orders
from planfill.adapters.brokers.alpaca.wire import Unreadable, amount, list_of
from planfill.application.ports.market import BrokerAccount, MarketData
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account, NoQuote, Quote
from planfill.domain.values import ZERO_USD, Money, Quantity, cents

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from planfill.adapters.brokers.alpaca.moment import Moment
    from planfill.adapters.brokers.alpaca.transport import Transport

# What blocks an account, and how people should read it.
FLAGS: Final = {
    "account_blocked": "the account is blocked",
    "trading_blocked": "trading is blocked",
    "trade_suspended_by_user": "its owner has suspended trading",
}


# Shares in an option's contract.
_A_CONTRACT: Final = Decimal(100)
# Alpaca turns a stop into a stop limit, so much higher where its price is below $50, or not.
_ABOVE_STOP: Final = (Decimal("1.04"), Decimal("1.025"))
_CHEAP: Final = Decimal(50)


class AlpacaAccount(BrokerAccount):
    """Reads what is there; a field that Alpaca has removed is not missed."""

    def __init__(self, trading: Transport, environment: str, market_data: MarketData, moment: Moment) -> None:
        self._trading = trading
        self._moment = moment
        self._environment = environment
        self._market_data = market_data

    def ask_ahead(self) -> None:
        """Begin to ask for all that is asked here."""
        self._moment.ask_ahead(self._trading, "/account")
        self._moment.ask_ahead(self._trading, "/positions")
        self._moment.ask_ahead(self._trading, "/orders", **OPEN)

    async def get_account(self) -> Account:
        """
        Read the open buys, then the account: what fills between the two is counted twice, not forgotten.

        When a plan is taken up no order of ours works, and both are asked for at the same time.
        """
        found = await open_orders(self._trading, self._moment)
        told = await self._moment.ask(self._trading, "/account")
        with readable("account"):
            # An order of several legs has no side of its own: it may cost its net price.
            open_buys = [order for order in found if order.get("side") != "sell"]
            return self._account(told, await self._cost(open_buys))

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what of each symbol no open order holds."""
        return await self._positions(symbols, "qty_available")

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what is held of each symbol."""
        return await self._positions(symbols, "qty")

    async def _positions(self, symbols: Collection[str], field: str) -> dict[str, Quantity]:
        found = {}
        with readable("positions"):
            for position in list_of(await self._moment.ask(self._trading, "/positions")):
                symbol, held = position.get("symbol"), amount(position, field)
                # A short position is negative: there is nothing to sell.
                if symbol in symbols and held is not None and held > 0:
                    found[str(symbol)] = Quantity(held)
        return found

    def _account(self, told: Any, open_buys: Money) -> Account:
        if not isinstance(told, dict) or not isinstance(told.get("account_number"), str):
            msg = "it has no account_number"
            raise Unreadable(msg)
        money = {
            name: amount(told, name) for name in ("cash", "non_marginable_buying_power", "regt_buying_power")
        }
        cash = money["cash"]
        if cash is None:
            msg = "it has no cash"
            raise Unreadable(msg)
        blocked = [words for flag, words in FLAGS.items() if told.get(flag)]
        if told.get("status", "ACTIVE") != "ACTIVE":
            blocked.append(f"its status is {told['status']}")
        try:
            key = AccountKey(broker="alpaca", environment=self._environment, number=told["account_number"])
        except ValidationError as e:
            msg = "its account_number is none"
            raise Unreadable(msg) from e
        settled, power = money["non_marginable_buying_power"], money["regt_buying_power"]
        return Account(
            key=key,
            cash_usd=Money(cash),
            settled_usd=Money(cash if settled is None else min(settled, cash)),
            buying_power_usd=Money(cash if power is None else power),
            open_buys_usd=open_buys,
            currency=str(told.get("currency", "USD")),
            blocked=", ".join(blocked),
        )

    async def _cost(self, orders: list[dict[str, Any]]) -> Money:
        """Add up what open buys may still take: their dollars, or what they buy at its limit, stop or ask."""
        unpriced = {
            str(o["symbol"])
            for o in orders
            if not (_is_of_legs(o) or amount(o, "notional") or amount(o, "limit_price"))
        }
        quotes = await self._market_data.get_current_prices(unpriced) if unpriced else {}
        total = Decimal(0)
        for order in orders:
            dollars, filled = amount(order, "notional"), amount(order, "filled_qty") or Decimal(0)
            if dollars is not None:
                total += dollars - filled * (amount(order, "filled_avg_price") or Decimal(0))
                continue
            quote = quotes.get(str(order["symbol"]))
            price = amount(order, "limit_price") or _stopped(order, quote)
            if price is None:
                what = f"buy of {order['symbol']}" if order.get("symbol") else f"order {order.get('id')}"
                msg = f"nobody says what the open {what} may cost"
                raise Unreadable(msg)
            options = _is_of_legs(order) or order.get("asset_class") == "us_option"
            multiplier = _A_CONTRACT if options else Decimal(1)
            # Legs that bring more than they cost have a negative price.
            cost = ((amount(order, "qty") or Decimal(0)) - filled) * price * multiplier
            total += max(ZERO_USD, cost)
        return cents(max(ZERO_USD, total))


def _is_of_legs(order: Mapping[str, Any]) -> bool:
    return order.get("order_class") == "mleg"


def _stopped(order: Mapping[str, Any], quote: Quote | NoQuote | None) -> Decimal | None:
    """Say at what price a buy without a limit may trade: the ask, or above its stop, which it waits for."""
    if not isinstance(quote, Quote):
        return None
    stop = amount(order, "stop_price") or Decimal(0)
    return max(quote.ask, stop * _ABOVE_STOP[stop >= _CHEAP])
