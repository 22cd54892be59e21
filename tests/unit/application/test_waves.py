"""Under a limit of the broker's, a wave holds as many orders as can be sent while its quotes are new."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import anyio
import pytest
from stage import Stage, a_plan, buy

from planfill.application.ports.limiter import RequestLimiter
from planfill.application.ports.market import MarketData
from planfill.application.stopping import StopSignal
from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import Reason
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
    assert [len(symbols) for symbols in prices.asked] == [5, 3, 1]  # the first look is at the whole plan
    assert [windows.taken.count(window) for window in range(3)] == [3, 3, 2]


async def test_a_stop_ends_the_waiting_for_the_next_window() -> None:
    stage, stop = Stage(max_quote_age_s=5), StopSignal()
    stage.replace(limiter=Windows(stage, 2))

    async def interrupt() -> None:
        await stage.clock.sleep(10)
        stop.request(Reason.INTERRUPTED, "interrupted")

    async with anyio.create_task_group() as group:
        group.start_soon(interrupt)
        result = await stage.execute(a_plan(*(buy(symbol, "1000") for symbol in SYMBOLS)), stop)
    assert [line.reason for line in result.lines] == [None, None, *[Reason.INTERRUPTED] * 3]
    assert stage.clock.monotonic() < MINUTE_S


async def test_where_the_turns_are_gone_before_they_are_used_the_wave_waits_for_others() -> None:
    class Fickle(Windows):
        """Shows turns that somebody else takes at once."""

        def __init__(self, stage: Stage, turns: int) -> None:
            super().__init__(stage, turns)
            self.shown = [turns, turns, turns, 0]

        def free(self) -> int:
            return self.shown.pop(0) if self.shown else super().free()

    stage = Stage(max_quote_age_s=5)
    windows = Fickle(stage, 2)
    prices = Costly(stage, windows)
    stage.replace(limiter=windows, market_data=prices)
    result = await stage.execute(a_plan(buy("SPY", "1000")))
    assert result.status is ExecutionStatus.SUCCEEDED
    assert [*map(len, prices.asked)] == [1]
