"""What the stream tells is handed on; where it tells too little, the lists are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from planfill.adapters.brokers.alpaca import feed as module
from planfill.adapters.brokers.alpaca.feed import Feed
from planfill.domain.report import OrderStatus
from planfill.domain.values import ClientOrderId
from planfill.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio

ORDER: Mapping[str, Any] = {
    "client_order_id": "pf-1", "id": "61e69015-8549-4bfd-b9c3-01e75843f47d", "symbol": "SPY", "side": "buy",
    "status": "filled", "filled_qty": "2", "filled_avg_price": "400.1", "updated_at": "2021-03-31T14:00:00Z",
}  # fmt: skip


class Stream:
    """Is connected, and says nothing by itself."""

    def subscribe_trade_updates(self, handler: Any) -> None:
        self.say = handler

    async def _start_ws(self) -> None:
        pass

    async def _consume(self) -> None:
        await anyio.sleep_forever()

    async def close(self) -> None:
        pass


@pytest.fixture
async def stream() -> Stream:
    return Stream()


@pytest.fixture
async def feed(stream: Any) -> Any:
    feed = Feed(lambda: stream, VirtualClock())
    assert await feed.wait(0) is None
    yield feed
    await feed.aclose()


def told(event: str = "fill", **order: Any) -> dict[str, Any]:
    return {"stream": "trade_updates", "data": {"event": event, "order": {**ORDER, **order}}}


async def test_what_it_tells_is_handed_on_once(feed: Feed, stream: Stream) -> None:
    await stream.say(told(filled_qty="1", status="partially_filled"))
    await stream.say(told())
    reports = await feed.wait(1)
    assert reports is not None
    assert [report.status for report in reports] == [OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]
    assert await feed.wait(0.01) is None


async def test_that_an_order_is_there_is_no_news(feed: Feed, stream: Stream) -> None:
    await stream.say(told("new", status="new", filled_qty="0", filled_avg_price=None))
    assert await feed.wait(0.01) is None


@pytest.mark.parametrize(
    "message",
    [
        {}, {"data": None}, {"data": {"event": "fill"}}, told(id="?"), told(filled_avg_price=None),
        told("replaced", status="replaced"),
    ],
    ids=["empty", "no data", "no order", "no id", "no price", "replaced"],
)  # fmt: skip
async def test_what_it_does_not_tell_whole_is_to_be_read_in_the_lists(
    message: dict[str, Any], feed: Feed, stream: Stream
) -> None:
    await stream.say(message)
    await stream.say(told())
    assert await feed.wait(1) is None
    await stream.say(told())
    assert await feed.wait(1)


async def test_what_nobody_reads_does_not_pile_up(
    feed: Feed, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    for _ in range(3):
        await stream.say(told())
    assert await feed.wait(1) is None


LISTENING: Mapping[str, Any] = {"stream": "listening", "data": {"streams": ["trade_updates"]}}


async def test_what_was_sent_before_it_is_heard_is_soon_asked_for_unless_its_end_is_told(
    feed: Feed, stream: Stream
) -> None:
    feed.expect(ClientOrderId("pf-1"))
    feed.expect(ClientOrderId("pf-2"))
    await stream.say(LISTENING)
    await stream.say(told())
    assert await feed.wait(10)
    assert await is_woken(feed, 10)  # pf-2 may have ended before
    feed.expect(ClientOrderId("pf-3"))
    assert not await is_woken(feed, 0.2)


async def test_where_all_that_was_sent_before_is_told_nothing_is_asked_for(
    feed: Feed, stream: Stream
) -> None:
    feed.expect(ClientOrderId("pf-1"))
    await stream.say(LISTENING)
    await stream.say(told())
    assert await feed.wait(10)
    assert not await is_woken(feed, 0.2)


async def test_after_it_was_away_the_lists_are_to_be_read(feed: Feed, stream: Stream) -> None:
    await stream.say(LISTENING)
    assert not await is_woken(feed, 0.05)
    await stream.say(LISTENING)
    assert await is_woken(feed, 10)


async def is_woken(feed: Feed, timeout_s: float) -> bool:
    """Tell whether whoever waits is woken, and told to read the lists."""
    began = anyio.current_time()
    assert await feed.wait(timeout_s) is None
    return anyio.current_time() - began < timeout_s
