"""Each fault of the local Alpaca, as the bare SDK shows it to whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any, Final

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer, Fault
from pydantic import ValidationError
from sdk_orders import bid, buy, refused

# What the call raises, and whether the order is at Alpaca nevertheless.
SEEN: Final[list[tuple[Fault, type[Exception], bool]]] = [
    (Fault.ANSWER_504, APIError, True),
    (Fault.ANSWER_504_HTML, APIError, True),
    (Fault.ANSWER_500, APIError, True),
    (Fault.ANSWER_500_EMPTY, APIError, True),
    (Fault.ANSWER_502_HTML, APIError, True),
    (Fault.EMPTY_200, TypeError, True),
    (Fault.EMPTY_204, TypeError, True),
    (Fault.MOVED, TypeError, True),
    (Fault.UNREADABLE, requests.exceptions.JSONDecodeError, True),
    (Fault.MOVED_HTML, requests.exceptions.JSONDecodeError, True),
    (Fault.NO_ID, ValidationError, True),
    (Fault.MISSING_ID, ValidationError, True),
    (Fault.ERROR_200, ValidationError, True),
    (Fault.FUTURE_STATUS, ValidationError, True),
    (Fault.RESET, requests.exceptions.ConnectionError, True),
    (Fault.LOST_REQUEST, requests.exceptions.ConnectionError, False),
    (Fault.UNAVAILABLE, APIError, False),
    (Fault.UNAVAILABLE_HTML, APIError, False),
    (Fault.UNAVAILABLE_EMPTY, APIError, False),
    (Fault.FORBIDDEN, APIError, False),
    (Fault.RATE_LIMITED, APIError, False),
    (Fault.RATE_LIMITED_BARE, APIError, False),
]


@pytest.fixture
def client(client: TradingClient) -> TradingClient:
    # The SDK would send a POST again after 504 and 429, three seconds later; it has no public switch.
    client._retry = 0
    return client


@pytest.mark.parametrize(("fault", "raised", "is_there"), SEEN, ids=lambda value: str(value)[:50])
def test_what_the_sdk_raises_does_not_tell_whether_the_order_is_there(
    server: AlpacaServer, client: TradingClient, fault: Fault, raised: type[Exception], *, is_there: bool
) -> None:
    server.faults.once("place", fault)
    with pytest.raises(raised) as caught:
        buy(client, client_order_id="mine")
    assert type(caught.value) is raised
    assert [order["client_order_id"] for order in server.orders()] == ["mine"] * is_there
    assert server.count("place") == 1
    assert server.faults.met == {fault: 1}


def test_an_answer_that_never_comes_is_waited_for_and_the_order_is_there(server: AlpacaServer) -> None:
    server.faults.once("place", Fault.HANG)
    terms = {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1"}
    keys = {"APCA-API-KEY-ID": server.key, "APCA-API-SECRET-KEY": server.secret}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{server.url}/v2/orders", json=terms, headers=keys, timeout=0.4)
    assert len(server.orders()) == 1


def test_sent_again_after_504_the_sdk_reports_a_refusal_of_an_order_that_is_there(
    server: AlpacaServer, client: TradingClient
) -> None:
    client._retry, client._retry_wait = 3, 0
    server.faults.once("place", Fault.ANSWER_504)
    status, body = refused(lambda: buy(client, client_order_id="mine"))
    assert (status, body["message"]) == (422, "client_order_id must be unique")
    assert server.count("place") == 2
    assert [order["status"] for order in server.orders()] == ["filled"]


@pytest.mark.parametrize("fault", [Fault.ANSWER_500_EMPTY, Fault.ANSWER_502_HTML])
def test_errors_without_json_have_no_code(server: AlpacaServer, client: TradingClient, fault: Fault) -> None:
    server.faults.once("place", fault)
    with pytest.raises(APIError) as caught:
        buy(client)
    with pytest.raises(ValueError, match="Expecting value"):
        _ = caught.value.code


def test_a_script_counts_the_requests_of_a_symbol(server: AlpacaServer, client: TradingClient) -> None:
    server.faults.on("place", Fault.UNAVAILABLE, symbol="KO", nth=2)
    server.faults.on("ask", Fault.ANSWER_500, symbol="KO")
    buy(client, "SPY")
    first = buy(client, "KO")
    with pytest.raises(APIError):
        buy(client, "KO")
    other = buy(client, "KO")
    with pytest.raises(APIError):
        client.get_order_by_id(first.id)
    found: Any = client.get_order_by_id(other.id)
    assert found.client_order_id == other.client_order_id
    server.faults.on("cancel", Fault.UNAVAILABLE, nth=2, times=2)
    orders = [bid(client) for _ in range(4)]
    done = [_passes(client.cancel_order_by_id, order.id) for order in orders]
    assert done == [True, False, False, True]


def test_the_same_seed_throws_the_same_faults(server: AlpacaServer, client: TradingClient) -> None:
    def thrown(seed: int) -> list[bool]:
        server.faults.storm(seed, {"account": {Fault.UNAVAILABLE: 0.5}})
        return [_passes(client.get_account) for _ in range(20)]

    assert thrown(1) == thrown(1) != thrown(2)
    server.faults.clear()
    assert all(_passes(client.get_account) for _ in range(5))


def test_a_filled_order_may_have_no_price_yet(server: AlpacaServer, client: TradingClient) -> None:
    placed = buy(client)
    server.faults.once("ask", Fault.UNPRICED)
    early: Any = client.get_order_by_id(placed.id)
    later: Any = client.get_order_by_id(placed.id)
    assert (early.status.value, early.filled_qty, early.filled_avg_price) == ("filled", "1", None)
    assert later.filled_avg_price is not None


def test_an_order_may_be_missed_for_a_while(server: AlpacaServer, client: TradingClient) -> None:
    server.faults.once("place", Fault.NOT_VISIBLE)
    buy(client, client_order_id="mine")
    assert refused(lambda: client.get_order_by_client_id("mine"))[0] == 404
    assert client.get("/orders", {"status": "all"}) == []
    assert len(server.orders()) == 1


def test_a_cancel_may_be_pending_and_then_the_order_fills(
    server: AlpacaServer, client: TradingClient
) -> None:
    order = bid(client, qty=2)
    server.faults.once("cancel", Fault.FILL_WHILE_PENDING)
    client.cancel_order_by_id(order.id)
    found: list[Any] = [client.get_order_by_id(order.id)]
    assert refused(lambda: client.patch(f"/orders/{order.id}", {"qty": "3"}))[1]["message"] == (
        "order pending cancel"
    )
    until = monotonic() + 5
    while found[-1].status.value == "pending_cancel":
        assert monotonic() < until
        found.append(client.get_order_by_id(order.id))
    assert (found[0].status.value, found[-1].status.value, found[-1].filled_qty) == (
        "pending_cancel", "filled", "2",
    )  # fmt: skip


def test_the_clock_may_fail_and_drift(server: AlpacaServer, client: TradingClient) -> None:
    right: Any = client.get_clock()
    server.faults.once("clock", Fault.UNAVAILABLE, Fault.CLOCK_DRIFTS)
    assert not _passes(client.get_clock)
    drifted: Any = client.get_clock()
    assert timedelta(seconds=90) <= drifted.timestamp - right.timestamp < timedelta(seconds=120)


def test_quotes_may_be_of_no_use(server: AlpacaServer, data: StockHistoricalDataClient) -> None:
    def quotes(fault: Fault | None = None) -> Any:
        if fault:
            server.faults.once("quotes", fault)
        return data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["SPY", "KO"]))

    good = quotes()["SPY"]
    assert quotes(Fault.ZERO_QUOTES)["SPY"].ask_price == 0
    crossed = quotes(Fault.CROSSED_QUOTES)["KO"]
    assert crossed.bid_price > crossed.ask_price
    assert good.timestamp - quotes(Fault.STALE_QUOTES)["SPY"].timestamp > timedelta(minutes=59)
    assert quotes(Fault.NO_QUOTES) == {}
    with pytest.raises(AttributeError):
        quotes(Fault.NULL_QUOTES)
    server.market.quoted["KO"] = None
    assert set(quotes()) == {"SPY"}


def test_a_refusal_stays_what_it_is_whatever_was_to_be_shown(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.faults.once("place", Fault.MISSING_ID)
    assert refused(lambda: buy(client, "NOSUCH"))[1]["message"] == 'asset "NOSUCH" not found'


def _passes(ask: Callable[..., object], *arguments: object) -> bool:
    try:
        ask(*arguments)
    except APIError:
        return False
    return True
