"""The local Alpaca's stream of trade updates is Alpaca's, to the real SDK and to a bare socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.stream import TradingStream
from alpaca_server import AlpacaServer, Fault
from sdk_orders import bid, buy
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from planfill.domain.values import Quantity

LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "weather"]}}


async def asked(socket: ClientConnection, message: object) -> Any:
    await socket.send(json.dumps(message))
    return await heard(socket)


async def heard(socket: ClientConnection) -> Any:
    frame = await asyncio.wait_for(socket.recv(), 5)
    # Paper's frames are binary.
    assert isinstance(frame, bytes)
    return json.loads(frame)


def authenticate(server: AlpacaServer, *, secret: str | None = None) -> dict[str, object]:
    keys = {"key_id": server.key, "secret_key": secret or server.secret}
    return {"action": "authenticate", "data": keys}


@asynccontextmanager
async def listening(server: AlpacaServer) -> AsyncIterator[ClientConnection]:
    async with connect(server.stream_url) as socket:
        await asked(socket, authenticate(server))
        await asked(socket, LISTEN)
        yield socket


async def test_both_forms_of_the_handshake_are_understood(server: AlpacaServer) -> None:
    for message in (authenticate(server), {"action": "auth", "key": server.key, "secret": server.secret}):
        async with connect(server.stream_url) as socket:
            assert await asked(socket, message) == {
                "stream": "authorization", "data": {"status": "authorized", "action": "authenticate"},
            }  # fmt: skip
            # Streams that there are not are left out.
            assert await asked(socket, LISTEN) == {
                "stream": "listening", "data": {"streams": ["trade_updates"]},
            }  # fmt: skip
            await socket.close()
        await server.wait_for_free_stream()


async def test_who_is_not_authorized_hears_nothing(server: AlpacaServer, client: TradingClient) -> None:
    async with connect(server.stream_url) as socket:
        denied = {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}
        assert await asked(socket, LISTEN) == denied
        answer = await asked(socket, authenticate(server, secret="another"))  # noqa: S106
        assert answer["data"] == {"status": "unauthorized", "action": "authenticate"}
        assert await asked(socket, LISTEN) == denied
        assert not server.stream_is_heard
        buy(client)
        await asked(socket, authenticate(server))
        # The order is not told before this, nor after.
        assert (await asked(socket, LISTEN))["stream"] == "listening"


async def test_listening_to_nothing_ends_the_news(server: AlpacaServer, client: TradingClient) -> None:
    async with listening(server) as socket:
        nothing = {"action": "listen", "data": {"streams": []}}
        assert await asked(socket, nothing) == {"stream": "listening", "data": {"streams": []}}
        buy(client)
        assert (await asked(socket, LISTEN))["stream"] == "listening"


async def test_an_order_is_new_and_then_filled(server: AlpacaServer, client: TradingClient) -> None:
    async with listening(server) as socket:
        # Of a fraction the time of submission does not change between the news and the look-up.
        placed = buy(client, "MSFT", qty=2.5)
        new, fill = [await heard(socket) for _ in range(2)]
        assert [m["stream"] for m in (new, fill)] == ["trade_updates"] * 2
        assert (new["data"]["event"], fill["data"]["event"]) == ("new", "fill")
        assert "price" not in new["data"]
        assert new["data"]["order"]["status"] == "new"
        assert new["data"]["order"]["filled_qty"] == "0"
        told = fill["data"]
        assert (told["qty"], told["position_qty"]) == ("2.5", "10")
        assert told["price"] == told["order"]["filled_avg_price"]
        assert told["order"] == client.get(f"/orders/{placed.id}")
        assert len(told["order"]) == 36
        assert str(UUID(told["execution_id"])) == told["execution_id"]
        assert told["timestamp"].endswith("Z")
        assert told["event_id"]


async def test_partial_fills_tell_their_own_part_and_the_order_its_sum(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.hold_fills()
    async with listening(server) as socket:
        bid(client, limit=400, qty=5)
        for shares in (Quantity(Decimal(2)), None):
            server.let_fill("SPY", shares)
        new, first, second = [(await heard(socket))["data"] for _ in range(3)]
    assert [one["event"] for one in (new, first, second)] == ["new", "partial_fill", "fill"]
    assert (first["qty"], first["order"]["filled_qty"], first["order"]["status"]) == (
        "2",
        "2",
        "partially_filled",
    )
    assert (second["qty"], second["order"]["filled_qty"], second["order"]["status"]) == ("3", "5", "filled")
    assert (first["position_qty"], second["position_qty"]) == ("2", "5")
    assert first["execution_id"] != second["execution_id"]


async def test_fills_of_one_moment_are_told_one_by_one(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    async with listening(server) as socket:
        bid(client, limit=400, qty=5)

        def both() -> None:
            server.market.desk.let_fill("SPY", Quantity(Decimal(2)))
            server.market.desk.let_fill("SPY")

        server._at(both)
        _, first, second = [(await heard(socket))["data"] for _ in range(3)]
    assert (first["event"], first["order"]["filled_qty"], first["order"]["filled_at"]) == (
        "partial_fill",
        "2",
        None,
    )
    assert (second["event"], second["order"]["filled_qty"]) == ("fill", "5")
    assert (first["position_qty"], second["position_qty"]) == ("2", "5")


async def test_a_cancel_is_told_with_what_was_filled(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    async with listening(server) as socket:
        order = bid(client, limit=400, qty=5)
        server.let_fill("SPY", Quantity(Decimal(2)))
        client.cancel_order_by_id(order.id)
        *_, told = [(await heard(socket))["data"] for _ in range(3)]
    assert (told["event"], told["order"]["status"], told["order"]["filled_qty"]) == (
        "canceled",
        "canceled",
        "2",
    )
    assert "qty" not in told


async def test_what_waits_is_accepted_first_and_new_when_the_market_opens(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.close_market()
    async with listening(server) as socket:
        buy(client)
        server.open_market()
        told = [(await heard(socket))["data"] for _ in range(3)]
    assert [one["event"] for one in told] == ["accepted", "new", "fill"]
    assert [one["order"]["status"] for one in told] == ["accepted", "new", "filled"]


async def test_a_null_instead_of_an_event_is_sent_as_it_was_seen(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.faults.once("event", Fault.FEED_NULL)
    async with listening(server) as socket:
        bid(client)
        assert await heard(socket) == {"stream": "trade_updates", "data": None}


async def test_events_come_twice_change_places_and_get_lost(
    server: AlpacaServer, client: TradingClient
) -> None:
    async with listening(server) as socket:
        server.faults.once("event", Fault.FEED_REPEATS)
        bid(client, client_order_id="twice")
        twice = [await heard(socket) for _ in range(2)]
        assert twice[0] == twice[1]
        server.faults.once("event", Fault.FEED_REORDERS)
        buy(client, client_order_id="reordered")
        assert [(await heard(socket))["data"]["event"] for _ in range(2)] == ["fill", "new"]
        server.faults.once("event", Fault.FEED_LOSES)
        buy(client, client_order_id="lost")
        assert (await heard(socket))["data"]["event"] == "fill"


async def test_a_replaced_order_is_told_under_its_old_id(server: AlpacaServer, client: TradingClient) -> None:
    old = bid(client)
    async with listening(server) as socket:
        client.patch(f"/orders/{old.id}", {"limit_price": "101"})
        told = [(await heard(socket))["data"] for _ in range(2)]
    events = {(one["event"], one["order"]["id"] == str(old.id)) for one in told}
    assert events == {("new", False), ("replaced", True)}


async def test_there_is_one_connection_and_the_second_is_refused_with_429(server: AlpacaServer) -> None:
    async with listening(server) as first:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.stream_url)
        assert refused.value.response.status_code == 429
        assert server.stream_is_heard
        await first.close()
    await server.wait_for_free_stream()
    async with listening(server):
        assert server.stream_is_heard


async def test_what_happens_while_nobody_listens_is_not_told_later(
    server: AlpacaServer, client: TradingClient
) -> None:
    async with listening(server) as socket:
        server.drop_stream()
        with pytest.raises(ConnectionClosed):
            await heard(socket)
        assert socket.close_code == 1001
    buy(client, client_order_id="missed")
    await server.wait_for_free_stream()
    async with listening(server) as socket:
        bid(client, client_order_id="told")
        assert (await heard(socket))["data"]["order"]["client_order_id"] == "told"


async def test_the_sdk_reads_it_all(server: AlpacaServer, client: TradingClient) -> None:
    stream = TradingStream(server.key, server.secret, url_override=server.stream_url)
    news = asyncio.Queue[Any]()
    stream.subscribe_trade_updates(news.put)
    running = asyncio.create_task(stream._run_forever())  # type: ignore[no-untyped-call]
    await server.wait_for_listener()
    order = bid(client)
    client.cancel_order_by_id(order.id)
    buy(client, "KO", qty=3)
    told = [await asyncio.wait_for(news.get(), 5) for _ in range(4)]
    assert [str(getattr(one.event, "value", one.event)) for one in told] == ["new", "canceled", "new", "fill"]
    assert told[3].qty == 3.0
    assert told[3].order.filled_qty == "3"
    assert told[1].order.id == order.id
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await stream.close()
