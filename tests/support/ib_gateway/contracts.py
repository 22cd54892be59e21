"""The stocks that are known, by conId and by IB's name, and when they trade."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from local_broker import Sessions

from ib_gateway.wire import Fields

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock import MockSettings
    from planfill.adapters.brokers.mock.exchange import Exchange

ZONE: Final = "US/Eastern"
NEW_YORK: Final = ZoneInfo(ZONE)
# Whatever has a price here, IB lists this one: its hours are the market's.
_CALENDAR: Final = "SPY"
_ORDER_TYPES: Final = "ACTIVETIM,ADJUST,DAY,GTC,LMT,MKT"
_SESSION: Final = timedelta(hours=6)
_NIGHT: Final = timedelta(hours=17)
_MINUTE: Final = timedelta(minutes=1)
_STAMP: Final = "%Y%m%d:%H%M"


@dataclass(frozen=True, slots=True)
class Stock:
    """One stock, by the exchange's symbol; IB writes its classes with a space: ``BRK B``."""

    symbol: str

    @property
    def con_id(self) -> int:
        """IB's number of it, the same at every gateway."""
        return zlib.crc32(self.symbol.encode()) % 10**8 + 1

    @property
    def name(self) -> str:
        """IB's name of it."""
        return self.symbol.replace(".", " ")

    def fields(self, exchange: str = "SMART") -> Fields:
        """Give the contract as open orders, executions and positions carry it."""
        return self.con_id, self.name, "STK", "", "0", "?", "", exchange, "USD", self.name, "NMS"


def find(exchange: Exchange, *, con_id: int = 0, name: str = "") -> Stock | None:
    """Find a stock by its number, or else by its name."""
    if con_id:
        return next((stock for stock in _all(exchange) if stock.con_id == con_id), None)
    symbol = name.replace(" ", ".").upper()
    return Stock(symbol) if symbol == _CALENDAR or (symbol and exchange.lists(symbol)) else None


def _all(exchange: Exchange) -> Iterator[Stock]:
    for symbol in {_CALENDAR, *exchange.prices.known(), *exchange.balances.shares}:
        yield Stock(symbol)


def details(req_id: str, stock: Stock, settings: MockSettings, hours: str) -> Fields:
    """Describe a stock; what is not traded any more has the venue VALUE, and no other."""
    tradable = stock.symbol not in settings.not_tradable
    whole = stock.symbol in settings.not_fractionable
    step = "1" if whole else "0.0001"
    return (
        10, req_id, stock.name, "STK", "", "0", "", "SMART" if tradable else "VALUE", "USD", stock.name,
        "NMS", "NMS", stock.con_id, "0.01",
        "", _ORDER_TYPES if tradable else "", "SMART,NYSE,NASDAQ" if tradable else "VALUE", "1", "0",
        f"{stock.name} INC", "NASDAQ" if tradable else "VALUE", "", "", "", "", ZONE, hours, hours, "", "0",
        "0", "1", "", "", "26", "", "COMMON", step, step, "100",
    )  # fmt: skip


class Hours(Sessions):
    """The session, as IB writes it."""

    def text(self, now: datetime) -> str:
        """Write the sessions to come as IB does, in New York time, to the minute."""
        opens, closes = self._settings.opens_at, self._settings.closes_at
        if self.is_open(now):
            begin, end = now - _MINUTE, closes if closes is not None and closes > now else now + _SESSION
            return _session(begin, end)
        begin = opens if opens is not None and opens > now else now + _NIGHT
        end = closes if closes is not None and closes > begin else begin + _SESSION
        return f"{now.astimezone(NEW_YORK):%Y%m%d}:CLOSED;{_session(begin, end)}"


def _session(begin: datetime, end: datetime) -> str:
    return f"{begin.astimezone(NEW_YORK):{_STAMP}}-{end.astimezone(NEW_YORK):{_STAMP}}"
