"""What is answered about the account: its dollars, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from ib_gateway.asking import Answer, Asked, Client, error
from ib_gateway.contracts import NEW_YORK, Stock
from ib_gateway.wire import Fields
from planfill.adapters.brokers.mock.prices import NoPrice, Spread
from planfill.domain.numerals import plain

if TYPE_CHECKING:
    from ib_gateway.market import Market

_CENT: Final = Decimal("0.01")
_MOST_SUMMARIES: Final = 2


def account_summary(asked: Asked) -> Answer:
    """Tell what the account has, for two requests at a time; TWS would repeat it every three minutes."""
    req_id, tags = asked.fields[2], asked.fields[4].split(",")
    if len(asked.client.summaries - {req_id}) >= _MOST_SUMMARIES:
        return (error(req_id, 322, "Maximum number of account summary requests exceeded"),)
    asked.client.summaries.add(req_id)
    said = [
        (63, 1, req_id, asked.market.number, tag, value, currency)
        for (tag, currency), value in _account(asked.market).items()
        if tag in tags or (tag == "TotalCashBalance" and any(t.startswith("$LEDGER") for t in tags))
    ]
    return *said, (64, 1, req_id)


def end_account_summary(asked: Asked) -> Answer:
    """End a subscription."""
    asked.client.summaries.discard(asked.fields[2])
    return ()


def account_updates(asked: Asked) -> Answer:
    """Tell what the account has, and what it holds."""
    number = asked.market.number
    said: list[Fields] = [
        (6, 2, tag, value, currency, number) for (tag, currency), value in _account(asked.market).items()
    ]
    exchange, now = asked.market.advanced()
    for symbol, held in exchange.balances.shares.items():
        worth = _worth(exchange.prices.of(symbol))
        contract = list(Stock(symbol).fields("NASDAQ"))
        # A portfolio says no right of an option that there is none.
        contract[5] = "0"
        said.append(
            (7, 8, *contract, plain(held), plain(worth), plain(held * worth), plain(worth), "0", "0", number)
        )
    return *said, (8, 1, f"{now.astimezone(NEW_YORK):%H:%M}"), (54, 1, number)


def account_updates_multi(asked: Asked) -> Answer:
    """Tell what the account has, under the number of the request."""
    req_id = asked.fields[2]
    said = [
        (73, 1, req_id, asked.market.number, "", tag, value, currency)
        for (tag, currency), value in _account(asked.market).items()
    ]
    return *said, (74, 1, req_id)


def positions(asked: Asked) -> Answer:
    """List what is held, and tell from now on what changes."""
    asked.client.positions = {}
    return *moved(asked.market, asked.client), (62, 1)


def moved(market: Market, client: Client) -> Answer:
    """Tell what has changed of the positions since the client was told; what is gone is told as 0."""
    if client.positions is None:
        return ()
    exchange, _ = market.advanced()
    held, told = exchange.balances.shares, client.positions
    client.positions = dict(held)
    return [
        (61, 3, market.number, *Stock(symbol).fields(""), plain(held.get(symbol, Decimal(0))), "100.0")
        for symbol in {**told, **held}
        if held.get(symbol) != told.get(symbol)
    ]


def end_positions(asked: Asked) -> Answer:
    """End the subscription."""
    asked.client.positions = None
    return ()


def _account(market: Market) -> Mapping[tuple[str, str], str]:
    """Give the values of the account, by tag and currency; those of the ledger have BASE, too."""
    exchange, now = market.advanced()
    balances = exchange.balances
    held = balances.shares.items()
    worth = sum((_worth(exchange.prices.of(symbol)) * shares for symbol, shares in held), Decimal(0))
    cash, free = _dollars(balances.cash_usd), _dollars(balances.free_usd())
    return {
        ("AccountType", ""): "INDIVIDUAL",
        ("AccountReady", ""): "true",
        ("NetLiquidation", "USD"): _dollars(balances.cash_usd + worth),
        ("GrossPositionValue", "USD"): _dollars(worth),
        ("EquityWithLoanValue", "USD"): _dollars(balances.cash_usd + worth),
        ("TotalCashValue", "USD"): cash,
        ("SettledCash", "USD"): _dollars(balances.settled_usd(now)),
        ("AccruedCash", "USD"): "0.00",
        ("AvailableFunds", "USD"): free,
        ("ExcessLiquidity", "USD"): free,
        ("BuyingPower", "USD"): free,
        ("CashBalance", "USD"): cash,
        ("TotalCashBalance", "USD"): cash,
        ("TotalCashBalance", "BASE"): cash,
        ("Currency", "USD"): "USD",
    }


def _worth(price: Spread | NoPrice) -> Decimal:
    return price.last if isinstance(price, Spread) else Decimal(0)


def _dollars(amount: Decimal) -> str:
    """Never more than there is."""
    return str(amount.quantize(_CENT, ROUND_FLOOR))
