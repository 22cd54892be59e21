"""The account at IB: whose it is, its money, what it holds."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib.asked import POSITIONS
from planfill.adapters.brokers.ib.contracts import symbol_of
from planfill.adapters.brokers.ib.fills import STOCK
from planfill.adapters.brokers.ib.gateway import may_pass
from planfill.adapters.brokers.ib.numbers import number
from planfill.adapters.brokers.ib.orders import Working, look_at_open
from planfill.application.ports.market import BrokerAccount, MarketData
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.identity import AccountKey
from planfill.domain.market import Account, Quote
from planfill.domain.values import ZERO_USD, Money, Quantity, cents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.gateway import Gateway

_CASH, _SETTLED, _POWER, _FREE = "TotalCashValue", "SettledCash", "BuyingPower", "AvailableFunds"
_FIGURES: Final = (_CASH, _SETTLED, _POWER, _FREE)
# The others count what is held in other money too, as if it were changed: that buys nothing in dollars.
_DOLLARS: Final = "TotalCashBalance"
_TAGS: Final = ",".join((*_FIGURES, "$LEDGER:USD"))
# Reg T lets an account buy for twice what is free; by day IB lets it buy for four times as much.
_REG_T: Final = 2


class IbAccount(BrokerAccount):
    """Reads what the gateway knows; IB brings its figures up to date on a fill, else every three minutes."""

    def __init__(self, gateway: Gateway, market_data: MarketData) -> None:
        self._gateway = gateway
        self._market_data = market_data

    async def get_account(self) -> Account:
        """Read the open buys, then the account: what fills between the two counts twice, not never."""
        working = await self._gateway.ask("open orders", look_at_open)
        open_buys = await self._cost([one for one in working if one.order.action == "BUY"])
        return await self._gateway.ask("account", lambda connection: _account(connection, open_buys))

    async def get_sellable(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what no open sale locks; those are read first, so that what fills meanwhile counts twice."""
        return await self.sellable(symbols, may_pass)

    async def sellable(
        self,
        symbols: Collection[str],
        again: Callable[[BaseException], bool],
        *,
        contract: int | None = None,
    ) -> dict[str, Quantity]:
        """Tell the same, asking as often as ``again`` says; of the ``contract`` of that number, if any."""
        working = await self._gateway.ask("open orders", look_at_open, again)
        held = await self._gateway.ask(
            "positions", lambda connection: _positions(connection, symbols, contract), again
        )
        for one in working:
            symbol = symbol_of(one.contract)
            if one.contract.secType == STOCK and one.order.action != "BUY" and symbol in held:
                held[symbol] = Quantity(max(Decimal(0), held[symbol] - one.left))
        return {symbol: shares for symbol, shares in held.items() if shares}

    async def get_positions(self, symbols: Collection[str]) -> Mapping[str, Quantity]:
        """Tell what is held."""
        return await self._gateway.ask("positions", lambda connection: _positions(connection, symbols))

    async def _cost(self, buys: Sequence[Working]) -> Money:
        """Add up what open buys may still take, at their limits, else at the ask."""
        limits = {id(one): number(one.order.lmtPrice) for one in buys}
        unpriced = {symbol_of(one.contract) for one in buys if not limits[id(one)]}
        quotes = await self._market_data.get_current_prices(unpriced) if unpriced else {}
        total = Decimal(0)
        for one in buys:
            quote = quotes.get(symbol_of(one.contract))
            price = limits[id(one)]
            if not price and isinstance(quote, Quote) and one.contract.secType == STOCK:
                price = quote.ask
            if not price or one.contract.currency not in {"", "USD"}:
                msg = f"nobody says what the open buy of {symbol_of(one.contract)} may cost in dollars"
                raise BrokerConnectionError(msg)
            # An order in dollars, which a person may have placed, is for no shares that IB tells.
            dollars = number(one.order.cashQty) or ZERO_USD
            total += max(dollars, one.left * price * Decimal(one.contract.multiplier or 1))
        return cents(total)


async def _account(connection: Connection, open_buys: Money) -> Account:
    told = await _summary(connection)
    (cash, currency), figures = told[_CASH], {tag: value for tag, (value, _) in told.items()}
    cash = min(cash, figures.get(_DOLLARS, cash))
    free = figures.get(_FREE, cash)
    power = min(figures.get(_POWER, free), _REG_T * free) - open_buys
    return Account(
        key=AccountKey(broker="ib", environment=connection.environment, number=connection.account),
        cash_usd=cents(cash),
        # An account of which IB does not say what has settled has nothing that certainly has.
        settled_usd=cents(min(figures.get(_SETTLED, Decimal(0)), cash)),
        buying_power_usd=cents(power),
        open_buys_usd=open_buys,
        currency=currency,
    )


async def _summary(connection: Connection) -> dict[str, tuple[Decimal, str]]:
    """Read the figures of the account, each with its currency; raises ``ValueError`` without cash."""
    client, subscribed = connection.client, list[int]()

    def ask(number_: int) -> None:
        subscribed.append(number_)
        client.reqAccountSummary(number_, "All", _TAGS)

    try:
        rows = await connection.numbered(ask)
    finally:
        # Two of these subscriptions at a time are all that IB allows.
        for number_ in subscribed:
            await connection.pace.turn()
            with suppress(ConnectionError):
                client.cancelAccountSummary(number_)
    found = {}
    for account, tag, value, currency in rows:
        is_asked = tag in _FIGURES or (tag == _DOLLARS and currency == "USD")
        if account == connection.account and is_asked and (figure := number(value)) is not None:
            found[tag] = figure, currency
    if _CASH not in found:
        msg = f"it has no {_CASH}"
        raise ValueError(msg)
    return found


async def _positions(
    connection: Connection, symbols: Collection[str], of: int | None = None
) -> dict[str, Quantity]:
    client = connection.client
    # The turn of what ends it, which must be said before somebody else asks: it would end that as well.
    await connection.pace.turn()
    rows = await connection.unnumbered(POSITIONS, client.reqPositions)
    with suppress(ConnectionError):
        client.cancelPositions()
    found: dict[str, Quantity] = {}
    for account, contract, shares in rows:
        held, symbol = number(shares), symbol_of(contract)
        is_share = contract.secType == STOCK and contract.currency == "USD" and of in {None, contract.conId}
        if account == connection.account and is_share and symbol in symbols and held is not None:
            # What was told last counts. A short position is negative: there is nothing to sell.
            found[symbol] = Quantity(max(Decimal(0), held))
    return {symbol: held for symbol, held in found.items() if held}
