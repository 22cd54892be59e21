"""What IB trades under a symbol: instruments, and the session of the market."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from ib_async.contract import Contract

from planfill.adapters.brokers.ib.asked import Refused
from planfill.adapters.brokers.ib.gateway import may_pass
from planfill.adapters.brokers.ib.numbers import number
from planfill.application.ports.market import InstrumentCatalog, MarketHours
from planfill.domain.market import Instrument, MarketSession
from planfill.domain.values import Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from ib_async.contract import ContractDetails

    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.gateway import Gateway
    from planfill.application.ports.clock import Clock

_CENT: Final = Decimal("0.01")
_NO_DEFINITION: Final = 200
# What trades all day, every day that the market does.
_CALENDAR: Final = "SPY"
_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """A share as IB trades it: by the contract's number, so that no other of that symbol is meant."""

    contract: Contract
    instrument: Instrument


class Contracts:
    """Finds the contract of each symbol, once a day."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._found_on: date | None = None
        self._found: dict[str, Listing] = {}

    async def find(
        self, symbols: Collection[str], again: Callable[[BaseException], bool] = may_pass
    ) -> dict[str, Listing]:
        """
        Find what each symbol is; one that IB does not know, or knows twice, is absent.

        Raises:
            BrokerConnectionError: IB could not be asked.

        """
        today = self._clock.now().date()
        if self._found_on != today:
            self._found, self._found_on = {}, today
        turns = asyncio.Semaphore(_AT_ONCE)

        async def look_up(symbol: str) -> None:
            async with turns:
                if listing := await self._gateway.ask(
                    f"contract {symbol}", lambda connection: _listing(connection, symbol), again
                ):
                    self._found[symbol] = listing

        unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._found]
        outcome = await asyncio.gather(*map(look_up, unknown), return_exceptions=True)
        for error in outcome:
            if error is not None:
                raise error
        return {symbol: self._found[symbol] for symbol in symbols if symbol in self._found}


class IbInstruments(InstrumentCatalog):
    """The rules of each symbol: whole shares, and a tick."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts

    async def get_instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Describe those of the symbols that IB knows."""
        found = await self._contracts.find(symbols)
        return {symbol: listing.instrument for symbol, listing in found.items()}


class IbHours(MarketHours):
    """The regular hours of a fund that trades whenever the market does; the zone is the exchange's."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    async def get_session(self) -> MarketSession:
        """Describe the session."""

        async def read(connection: Connection) -> MarketSession:
            found = await _details(connection, _CALENDAR)
            if len(found) != 1:
                msg = f"{len(found)} contracts are called {_CALENDAR}"
                raise ValueError(msg)
            return session_of(found[0].liquidHours, found[0].timeZoneId, self._clock.now())

        return await self._gateway.ask("market hours", read)


def session_of(hours: str, zone: str, now: datetime) -> MarketSession:
    """
    Read hours such as ``20261126:CLOSED;20261127:0930-20261127:1300``.

    Raises:
        ValueError: They are written otherwise, or name no session that is to come.

    """
    spans = []
    for day in filter(None, hours.split(";")):
        if not day.endswith("CLOSED"):
            opens, _, closes = day.partition("-")
            spans.append((_moment(opens, zone), _moment(closes, zone)))
    ahead = sorted(span for span in spans if span[1] > now)
    if not ahead:
        msg = f"no session to come in {hours!r}"
        raise ValueError(msg)
    opens_at, closes_at = ahead[0]
    if now < opens_at:
        return MarketSession(is_open=False, opens_at=opens_at)
    return MarketSession(is_open=True, opens_at=ahead[1][0] if ahead[1:] else None, closes_at=closes_at)


def symbol_of(contract: Contract) -> str:
    """Write a symbol as plans do: IB has a blank where others have a dot."""
    return contract.symbol.replace(" ", ".")


async def _listing(connection: Connection, symbol: str) -> Listing | None:
    found = await _details(connection, symbol)
    # One that was delisted may be there beside the one that is traded under its symbol now.
    found = [one for one in found if _is_traded(one)] or found
    if len(found) != 1:
        return None
    tick, contract = number(found[0].minTick), found[0].contract
    if contract is None or not contract.conId or tick is None or tick <= 0:
        msg = f"{symbol} has no number or no tick"
        raise ValueError(msg)
    traded = Contract(
        conId=contract.conId, symbol=contract.symbol, secType="STK", exchange="SMART", currency="USD"
    )
    # IB tells the finest tick of all prices; from a dollar on, American shares are quoted in cents.
    return Listing(
        traded,
        Instrument(
            symbol=symbol,
            tradable=_is_traded(found[0]),
            fractionable=False,
            quantity_increment=Quantity(Decimal(1)),
            price_increment=Price(max(tick, _CENT)),
            sub_dollar_price_increment=Price(tick),
        ),
    )


def _is_traded(details: ContractDetails) -> bool:
    return "SMART" in details.validExchanges.split(",")


async def _details(connection: Connection, symbol: str) -> list[ContractDetails]:
    """Ask for the shares of that symbol in dollars; none where IB says that there is no such thing."""
    wanted = Contract(symbol=symbol.replace(".", " "), secType="STK", exchange="SMART", currency="USD")
    try:
        found: list[ContractDetails] = await connection.numbered(
            lambda number: connection.client.reqContractDetails(number, wanted)
        )
    except Refused as e:
        if e.code == _NO_DEFINITION:
            return []
        raise
    return found


def _moment(written: str, zone: str) -> datetime:
    """Read ``20261127:0930``; midnight at the end of a day may be written as 2400."""
    day, hour = written.split(":")
    begins = datetime.strptime(day, "%Y%m%d").replace(tzinfo=ZoneInfo(zone))
    return (begins + timedelta(hours=int(hour[:2]), minutes=int(hour[2:]))).astimezone(UTC)
