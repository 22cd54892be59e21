"""The local Alpaca refuses in Alpaca's words, with the numbers that belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
import requests
from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer, Fault, Market
from sdk_orders import bid, buy, refused, sell

TERMS = {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1"}
LIMIT = {"type": "limit", "limit_price": "100"}
MALFORMED = [
    ({"qty": "0"}, 40010001, "qty must be > 0"),
    ({"qty": "-3"}, 40010001, "qty must be > 0"),
    ({"qty": None}, 40010001, "qty or notional is required"),
    ({"notional": "5"}, 40010001, "only one of qty or notional is accepted"),
    ({"type": "limit"}, 40010001, "limit orders require a limit price"),
    ({"type": "limit", "limit_price": "0"}, 40010001, "limit price must be > 0"),
    ({"type": "stop"}, 40010001, "stop orders require a stop price"),
    (
        {"type": "stop_limit", "limit_price": "1"}, 40010001,
        "stop limit orders require both stop and limit price",
    ),
    ({"limit_price": "1"}, 40010001, "market orders require no stop or limit price"),
    ({"stop_price": "1"}, 40010001, "market orders require no stop or limit price"),
    ({"type": "nonsense"}, 40010001, "invalid order type"),
    ({"side": "hold"}, 40010001, "invalid side"),
    ({"time_in_force": "ever"}, 40010001, "invalid time_in_force"),
    ({"client_order_id": "x" * 129}, 40010001, "client_order_id must be no more than 128 characters"),
    ({"symbol": "LEHMQ"}, 40010001, "asset LEHMQ is not active"),
    ({"symbol": "NOSUCH"}, 42210000, 'asset "NOSUCH" not found'),
    (
        LIMIT | {"limit_price": "290.123"}, 42210000,
        "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    ({"qty": None, "notional": "5.123"}, 42210000, "notional value must be limited to 2 decimal places"),
    ({"qty": None, "notional": "0.5"}, 40010001, "notional must be >= 1.00"),
    ({"qty": "1.5", "time_in_force": "gtc"}, 42210000, "fractional orders must be DAY orders"),
    ({"qty": "1.5", "order_class": "bracket"}, 42210000, "fractional orders must be simple orders"),
    (
        {"side": "sell", "symbol": "KO", "qty": "1.5"}, 42210000,
        "fractional orders cannot be sold short",
    ),
    ({"extended_hours": True}, 42210000, "extended hours order must be DAY or GTC limit orders"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "text"), MALFORMED, ids=lambda value: str(value)[:40])
def test_what_is_malformed_is_refused_with_422(
    client: TradingClient, change: dict[str, Any], code: int, text: str
) -> None:
    assert refused(lambda: client.post("/orders", TERMS | change)) == (422, {"code": code, "message": text})
    assert client.get_orders() == []


def forbidden(message: str, **extras: Any) -> tuple[int, dict[str, Any]]:
    return 403, {"code": 40310000, "message": message, **extras}


def test_prices_below_a_dollar_have_four_decimals(client: TradingClient) -> None:
    assert bid(client, "CENTS", limit=0.5023, qty=3).limit_price == "0.5023"
    assert refused(lambda: bid(client, "CENTS", limit=0.50231, qty=3))[0] == 422


def test_a_buy_beyond_the_buying_power_is_told_both_figures(client: TradingClient) -> None:
    bid(client, limit=100, qty=990)
    assert refused(lambda: bid(client, limit=100, qty=11)) == forbidden(
        "insufficient buying power", buying_power="1000", cost_basis="1100"
    )
    assert refused(lambda: buy(client, "QQQ", notional=1500)) == forbidden(
        "insufficient buying power", buying_power="1000", cost_basis="1500"
    )


def test_a_sale_beyond_the_holding_is_told_what_there_is(client: TradingClient) -> None:
    assert refused(lambda: sell(client, "MSFT", qty=9)) == forbidden(
        "insufficient qty available for order (requested: 9, available: 7.5)",
        available="7.5", existing_qty="7.5", held_for_orders="0", symbol="MSFT",
    )  # fmt: skip


def test_shares_that_orders_hold_are_not_available(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    first = sell(client, "MSFT", qty=7)
    assert refused(lambda: sell(client, "MSFT", qty=1.25)) == forbidden(
        "insufficient qty available for order (requested: 1.25, available: 0.5)",
        available="0.5", existing_qty="7.5", held_for_orders="7", symbol="MSFT",
        related_orders=[str(first.id)],
    )  # fmt: skip
    assert refused(lambda: client.close_position("MSFT"))[1]["held_for_orders"] == "7"


def test_whole_shares_that_nobody_has_are_a_short_sale(client: TradingClient) -> None:
    assert refused(lambda: sell(client, "KO")) == forbidden("account is not allowed to short")


def test_a_part_of_a_share_that_has_none_is_refused(client: TradingClient) -> None:
    assert refused(lambda: buy(client, "NVR", qty=1.5)) == forbidden('asset "NVR" is not fractionable')
    assert refused(lambda: buy(client, "NVR", notional=50)) == forbidden('asset "NVR" is not fractionable')


def test_an_order_on_the_other_side_of_an_open_one_is_a_wash_trade(client: TradingClient) -> None:
    resting = bid(client, "MSFT")
    assert refused(lambda: sell(client, "MSFT")) == forbidden(
        "potential wash trade detected. use complex orders",
        existing_order_id=str(resting.id),
        reject_reason="opposite side limit order exists",
    )


def test_an_order_of_less_than_a_dollar_is_refused_and_a_sale_is_not(client: TradingClient) -> None:
    too_little = "cost basis must be >= minimal amount of order 1"
    assert refused(lambda: buy(client, "CENTS")) == forbidden(too_little)
    buy(client, "CENTS", qty=2)
    sell(client, "CENTS", qty=1)


def test_opg_orders_have_their_hours(client: TradingClient) -> None:
    assert refused(lambda: client.post("/orders", TERMS | {"time_in_force": "opg"})) == forbidden(
        "opg orders must be submitted after 7:00pm and before 9:28am"
    )


def test_a_blocked_account_does_not_trade() -> None:
    market = Market(
        {"prices": {"SPY": "100"}, "book": ":memory:", "cash": 1000, "holdings": {}, "blocked": "by us"}
    )
    with AlpacaServer(market) as server:
        client = TradingClient(server.key, server.secret, url_override=server.url)
        assert refused(lambda: buy(client)) == forbidden("account is not authorized to trade")
        assert client.get_account().trading_blocked  # type: ignore[union-attr]
        client._session.close()


@pytest.fixture
def plain(server: AlpacaServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers.update({"APCA-API-KEY-ID": server.key, "APCA-API-SECRET-KEY": server.secret})
        yield session


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"qty": "many"}'])
def test_what_is_no_order_is_a_bad_request(server: AlpacaServer, plain: requests.Session, body: str) -> None:
    assert plain.post(f"{server.url}/v2/orders", data=body).status_code == 400


def test_every_answer_has_an_id_of_its_own_and_says_what_is_left(
    market: Market, plain: requests.Session
) -> None:
    with AlpacaServer(market, requests_per_minute=3, window_s=3600) as server:
        answers = [plain.get(f"{server.url}/v2/clock") for _ in range(5)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
        assert len({a.headers["X-Request-ID"] for a in answers}) == 5
        assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0", "0"]
        assert {a.headers["X-RateLimit-Limit"] for a in answers} == {"3"}
        assert all(int(a.headers["X-RateLimit-Reset"]) % 3600 == 0 for a in answers)
        assert answers[-1].json() == {"code": 42910000, "message": "rate limit exceeded"}
        # Prices have limits of their own.
        quotes = plain.get(f"{server.url}/v2/stocks/quotes/latest?symbols=SPY")
        assert (quotes.status_code, quotes.headers["X-RateLimit-Remaining"]) == (200, "200")


def test_prices_have_a_rate_of_their_own(market: Market, plain: requests.Session) -> None:
    with AlpacaServer(market, data_requests_per_minute=1, window_s=3600) as server:
        path = f"{server.url}/v2/stocks/trades/latest?symbols=SPY"
        answers = [plain.get(path) for _ in range(2)]
        assert [a.status_code for a in answers] == [200, 429]
        assert answers[1].json() == {"message": "too many requests."}
        assert plain.get(f"{server.url}/v2/clock").status_code == 200


def test_a_bucket_fills_again_while_nobody_asks(market: Market, plain: requests.Session) -> None:
    with AlpacaServer(market, requests_per_minute=2, bucket=True, window_s=0.2) as server:
        answers = [plain.get(f"{server.url}/v2/clock").status_code for _ in range(3)]
        until = monotonic() + 5
        while answers[-1] == 429:
            assert monotonic() < until
            answers.append(plain.get(f"{server.url}/v2/clock").status_code)
        assert answers[:2] == [200, 200]
        assert answers[-1] == 200


def test_dates_and_counts_that_are_none_are_refused(server: AlpacaServer, plain: requests.Session) -> None:
    for path in ("calendar?start=soon", "orders?limit=many", "account/activities?page_size=all"):
        assert plain.get(f"{server.url}/v2/{path}").status_code == 422


def test_too_many_is_said_otherwise_where_prices_are(server: AlpacaServer, plain: requests.Session) -> None:
    server.faults.once("quotes", Fault.RATE_LIMITED)
    answer = plain.get(f"{server.url}/v2/stocks/quotes/latest?symbols=SPY")
    assert (answer.status_code, answer.json()) == (429, {"message": "too many requests."})


def test_without_keys_the_proxy_answers_in_html(server: AlpacaServer) -> None:
    answer = requests.get(f"{server.url}/v2/account", timeout=5)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")


def test_wrong_keys_are_not_authorized(server: AlpacaServer) -> None:
    client = TradingClient(server.key, "another", url_override=server.url)
    assert refused(client.get_account) == (401, {"message": "unauthorized."})
    client._session.close()


def test_connections_are_kept(server: AlpacaServer, client: TradingClient) -> None:
    for _ in range(5):
        client.get_clock()
    assert server.connections == 1


def test_dollars_are_told_to_the_cent_at_most(client: TradingClient) -> None:
    _, body = refused(lambda: bid(client, limit=100.07, qty=1000))
    assert Decimal(body["cost_basis"]) == Decimal(100070)


def test_a_round_trip_takes_its_time_and_a_new_connection_two_more(market: Market) -> None:
    with AlpacaServer(market, rtt_s=0.05) as server, requests.Session() as session:
        session.headers.update({"APCA-API-KEY-ID": server.key, "APCA-API-SECRET-KEY": server.secret})
        took = []
        for _ in range(2):
            began = monotonic()
            assert session.get(f"{server.url}/v2/clock").status_code == 200
            took.append(monotonic() - began)
        assert took[0] >= 0.15
        assert took[1] >= 0.05
        assert server.connections == 1
