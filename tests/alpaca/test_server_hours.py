"""The local Alpaca when the market is closed, opens and closes, moves, and when its book is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import TimeInForce
from alpaca_server import AlpacaServer, Market
from alpaca_server.hours import Hours
from sdk_orders import bid, buy, refused, sell

from planfill.adapters.brokers.mock import MockSettings


def shown(client: TradingClient, order: Any) -> dict[str, Any]:
    answer: Any = client.get(f"/orders/{order.id}")
    return dict(answer)


def test_an_order_waits_for_the_open_as_accepted_and_reserves(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.close_market()
    order = buy(client, qty=1.5)
    assert str(getattr(order.status, "value", order.status)) == "accepted"
    waiting = shown(client, order)
    assert (waiting["status"], waiting["filled_qty"]) == ("accepted", "0")
    assert waiting["submitted_at"] == waiting["created_at"]
    account: Any = client.get_account()
    assert Decimal(account.buying_power) < 99_500
    assert refused(lambda: client.patch(f"/orders/{order.id}", {"limit_price": "1"}))[0] == 422
    server.open_market()
    filled = shown(client, order)
    assert filled["status"] == "filled"
    # It was stamped anew when it was routed.
    assert filled["submitted_at"] > filled["created_at"]


def test_what_waits_cannot_be_replaced_and_can_be_canceled(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.close_market()
    order = bid(client)
    assert refused(lambda: client.patch(f"/orders/{order.id}", {"limit_price": "101"})) == (
        422,
        {"code": 42210000, "message": "cannot replace order in accepted status"},
    )
    client.cancel_order_by_id(order.id)
    server.open_market()
    assert shown(client, order)["status"] == "canceled"


def test_at_the_close_the_days_orders_expire_and_others_wait(
    server: AlpacaServer, client: TradingClient
) -> None:
    today, longer = bid(client), bid(client, time_in_force=TimeInForce.GTC)
    server.close_market()
    expired = shown(client, today)
    assert (expired["status"], expired["expired_at"] is None) == ("expired", False)
    assert shown(client, longer)["status"] == "new"
    server.move("SPY", Decimal(90))
    assert shown(client, longer)["status"] == "new"
    server.open_market()
    assert shown(client, longer)["status"] == "filled"


def test_orders_for_the_opening_are_taken_before_it(server: AlpacaServer, client: TradingClient) -> None:
    server.close_market()
    assert shown(client, buy(client, time_in_force=TimeInForce.OPG))["status"] == "accepted"


def test_the_bells_ring_by_themselves() -> None:
    now = datetime.now(UTC)
    opens = now + timedelta(seconds=0.3)
    settings = {"prices": {"SPY": "400"}, "book": ":memory:", "cash": 10_000, "holdings": {}}
    with AlpacaServer(Market(settings | {"opens_at": opens})) as server, sdk(server) as client:
        order = buy(client)
        while shown(client, order)["status"] == "accepted":
            assert datetime.now(UTC) < now + timedelta(seconds=10)
        assert shown(client, order)["status"] == "filled"
        assert datetime.now(UTC) >= opens


@pytest.mark.parametrize(
    ("at", "force", "ends"),
    [
        ("2026-11-02T15:00", "day", "2026-11-02T21:00"),
        ("2026-07-01T15:00", "day", "2026-07-01T20:00"),
        ("2026-11-06T22:00", "day", "2026-11-09T21:00"),
        ("2026-11-02T15:00", "gtc", "2027-01-31T15:00"),
    ],
)
def test_an_order_ends_with_the_session_in_which_it_works(at: str, force: str, ends: str) -> None:
    found = Hours(MockSettings(prices={})).expires_at(datetime.fromisoformat(at + "Z"), force)
    assert found.astimezone(UTC) == datetime.fromisoformat(ends + "Z")


def test_the_market_moves_and_the_account_is_seen_from_inside(
    server: AlpacaServer, client: TradingClient
) -> None:
    assert server.positions() == {"MSFT": Decimal("7.5")}
    assert server.cash() == 100_000
    order = bid(client, limit=390, qty=2)
    server.move("SPY", Decimal(389))
    assert shown(client, order)["status"] == "filled"
    sell(client, "MSFT", qty=7.5)
    assert server.positions() == {"SPY": 2}
    assert server.cash() > 100_000


def test_a_book_in_a_file_is_known_after_a_restart(tmp_path: Path) -> None:
    settings = {"prices": {"SPY": "400", "KO": "50"}, "book": tmp_path / "book.db", "cash": 10_000}
    settings |= {"holdings": {"KO": "10"}}
    with AlpacaServer(Market(settings)) as server, sdk(server) as client:
        done, resting = buy(client, client_order_id="done"), bid(client, client_order_id="resting")
        assert refused(lambda: buy(client, qty=1000))[0] == 403
        assert len(server.orders()) == 2
        fills = client.get("/account/activities/FILL")
    with AlpacaServer(Market(settings)) as server, sdk(server) as client:
        taken = (422, {"code": 40010001, "message": "client_order_id must be unique"})
        for name in ("done", "resting"):
            assert refused(partial(buy, client, client_order_id=name)) == taken
        assert [order["id"] for order in server.orders()] == [str(done.id), str(resting.id)]
        assert client.get("/account/activities/FILL") == fills
        assert refused(lambda: sell(client, "SPY"))[1]["existing_order_id"] == str(resting.id)
        client.cancel_order_by_id(resting.id)
        assert shown(client, resting)["status"] == "canceled"
        assert server.positions() == {"KO": 10, "SPY": 1}


@contextmanager
def sdk(server: AlpacaServer) -> Iterator[TradingClient]:
    client = TradingClient(server.key, server.secret, url_override=server.url)
    yield client
    client._session.close()
