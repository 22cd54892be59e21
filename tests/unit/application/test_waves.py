"""Under a limit of the broker's, a wave holds as many orders as can be sent while its quotes are new."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from stage import Stage, a_plan, buy

from planfill.application.ports.limiter import RequestLimiter
from planfill.application.ports.market import MarketData
from planfill.domain.market import NoQuote, Quote
from planfill.domain.result import ExecutionStatus

pytestmark = pytest.mark.anyio

SYMBOLS = ("SPY", "QQQ", "IWM", "GLD", "TLT")
MINUTE_S = 60


class Windows(RequestLimiter):
    """So many turns a minute."""

    def __init__(self, stage: Stage, turns: int) -> None:
        self.clock = stage.clock
        self.turns = turns
        self.taken: list[int] = []

    def free(self) -> int:
        return self.turns - self.taken.count(self.window())

    def window(self) -> int:
        return int(self.clock.monotonic() // MINUTE_S)

    async def ready(self) -> None:
        while not self.free():
            await self.clock.sleep((self.window() + 1) * MINUTE_S - self.clock.monotonic())

    async def turn(self, *, urgent: bool = False) -> None:
        assert not urgent
        await self.ready()
        self.taken.append(self.window())


class Costly(MarketData):
    """Prices for which a turn is taken."""

    def __init__(self, stage: Stage, windows: Windows) -> None:
        self.real = stage.brokerage.market_data
        self.windows = windows
        self.asked: list[Collection[str]] = []

    async def get_current_prices(self, symbols: Collection[str]) -> Mapping[str, Quote | NoQuote]:
        self.asked.append(symbols)
        self.windows.taken.append(self.windows.window())
        return await self.real.get_current_prices(symbols)


async def test_every_order_is_sent_on_a_new_quote() -> None:
    stage = Stage(max_quote_age_s=5)
    windows = Windows(stage, 2)
    stage.replace(limiter=windows)
    result = await stage.execute(a_plan(*(buy(symbol, "1000") for symbol in SYMBOLS)))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert windows.taken == [0, 0, 1, 1, 2]


async def test_what_asking_has_taken_is_not_counted_on() -> None:
    stage = Stage(max_quote_age_s=5)
    windows = Windows(stage, 3)
    prices = Costly(stage, windows)
    stage.replace(limiter=windows, market_data=prices)
    result = await stage.execute(a_plan(*(buy(symbol, "1000") for symbol in SYMBOLS)))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert [len(symbols) for symbols in prices.asked] == [3, 3, 1]
    assert [windows.taken.count(window) for window in range(3)] == [3, 3, 2]
