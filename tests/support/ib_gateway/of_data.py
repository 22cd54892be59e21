"""What is answered about stocks: what they are, when they trade, and their quotes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ib_gateway import contracts
from ib_gateway.asking import Answer, Asked, error
from ib_gateway.wire import Fields
from planfill.adapters.brokers.mock.prices import Spread
from planfill.domain.numerals import plain

_NO_DEFINITION: Final = (200, "No security definition has been found for the request")
_SIZE: Final = "100"
# What a nonsensical source of prices says: a bid and an ask.
_NONSENSE: Final[Mapping[str, tuple[str, str]]] = {
    "0": ("0.0", "0.0"),
    "-3": ("-3.0", "-3.0"),
    "n/a": ("20.0", "10.0"),
}


def contract_details(asked: Asked) -> Answer:
    """Describe a stock."""
    req_id, con_id, name, security = asked.fields[2:6]
    currency = asked.fields[12]
    exchange, now = asked.market.advanced()
    stock = contracts.find(exchange, con_id=int(con_id or 0), name=name)
    if stock is None or security not in {"", "STK"} or currency not in {"", "USD"}:
        return (error(req_id, *_NO_DEFINITION),)
    hours = asked.market.hours.text(now)
    return contracts.details(req_id, stock, asked.market.settings, hours), (52, 1, req_id)


def market_data(asked: Asked) -> Answer:
    """Show bid, ask and last of a stock, with their sizes; of a snapshot also its end."""
    req_id, con_id, name = asked.fields[2:5]
    exchange, now = asked.market.advanced()
    stock = contracts.find(exchange, con_id=int(con_id or 0), name=name)
    if stock is None:
        return (error(req_id, *_NO_DEFINITION),)
    spread = exchange.prices.of(stock.symbol)
    if isinstance(spread, Spread):
        bid, ask, last = str(spread.bid), str(spread.ask), str(spread.last)
    else:
        said = next((known for known in _NONSENSE if repr(known) in spread.detail), "0")
        (bid, ask), last = _NONSENSE[said], ""
    ticks: list[Fields] = [
        (58, 1, req_id, 1),
        (1, 6, req_id, 1, bid, _shown(exchange.shown), 1),
        (1, 6, req_id, 2, ask, _shown(exchange.shown), 1),
    ]
    if last:
        ticks += [(1, 6, req_id, 4, last, _SIZE, 0), (46, 6, req_id, 45, int(now.timestamp()))]
    return (*ticks, (57, 1, req_id)) if asked.fields[17] == "1" else ticks


def _shown(size: Decimal | None) -> str:
    return plain(size) if size is not None else _SIZE
