"""One answer for all who ask the same in one moment; never one from before an order of ours."""

from __future__ import annotations

from typing import Any

import pytest

from planfill.adapters.brokers.alpaca.moment import Moment
from planfill.domain.errors import BrokerConnectionError
from planfill.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio


class Alpaca:
    """Answers with how many questions there were."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    async def get(self, path: str, **_: str) -> int:
        if self.is_down:
            raise ConnectionError(path)
        self.asked.append(path)
        return len(self.asked)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def moment(clock: VirtualClock) -> Moment:
    return Moment(clock)


@pytest.fixture
def alpaca() -> Any:
    return Alpaca()


async def test_nothing_is_shared_that_was_not_asked_ahead(moment: Moment, alpaca: Any) -> None:
    moment.begin()
    answers = [await moment.ask(alpaca, "/account") for _ in range(2)]
    assert answers == [1, 2]


async def test_all_who_ask_the_same_get_one_answer(moment: Moment, alpaca: Any) -> None:
    moment.begin()
    moment.ask_ahead(alpaca, "/orders", status="open")
    assert [await moment.ask(alpaca, "/orders", status="open") for _ in range(3)] == [1, 1, 1]
    assert await moment.ask(alpaca, "/orders", status="all") == 2


async def test_after_a_second_it_is_asked_anew(moment: Moment, alpaca: Any, clock: VirtualClock) -> None:
    moment.begin()
    moment.ask_ahead(alpaca, "/account")
    await clock.sleep(0.9)
    assert await moment.ask(alpaca, "/account") == 1
    await clock.sleep(0.1)
    assert await moment.ask(alpaca, "/account") == 2
    assert moment.began_at is None


async def test_account_and_session_are_forgotten_and_prices_are_not(moment: Moment, alpaca: Any) -> None:
    moment.begin()
    for path in ("/account", "/positions", "/orders", "/clock", "/assets", "/stocks/quotes/latest"):
        moment.ask_ahead(alpaca, path)
    await moment.aclose()
    moment.forget()
    assert moment.began_at is None
    before = len(alpaca.asked)
    for path in ("/assets", "/stocks/quotes/latest"):
        await moment.ask(alpaca, path)
    assert len(alpaca.asked) == before
    for path in ("/account", "/positions", "/orders", "/clock"):
        await moment.ask(alpaca, path)
    assert alpaca.asked[before:] == ["/account", "/positions", "/orders", "/clock"]


async def test_a_failure_is_told_to_whoever_asks_and_to_nobody_else(moment: Moment, alpaca: Any) -> None:
    moment.begin()
    alpaca.is_down = True
    moment.ask_ahead(alpaca, "/account")
    await moment.aclose()
    for _ in range(2):
        with pytest.raises(BrokerConnectionError):
            await moment.ask(alpaca, "/account")
    assert alpaca.asked == []
