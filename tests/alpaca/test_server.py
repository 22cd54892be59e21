"""The local Alpaca answers the real SDK as Alpaca does: orders."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import uuid4

import pytest
from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import GetOrdersRequest, ReplaceOrderRequest
from alpaca_server import AlpacaServer, Fault, Market
from sdk_orders import bid, buy, refused

KEYS: Final = [
    "asset_class", "asset_id", "canceled_at", "client_order_id", "created_at", "expired_at",
    "expires_at", "extended_hours", "failed_at", "filled_at", "filled_avg_price", "filled_qty", "hwm",
    "id", "legs", "limit_price", "notional", "order_class", "order_type", "position_intent", "qty",
    "replaced_at", "replaced_by", "replaces", "side", "source", "status", "stop_price", "submitted_at",
    "subtag", "symbol", "time_in_force", "trail_percent", "trail_price", "type", "updated_at",
]  # fmt: skip
NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,9}Z")


def order_of(client: TradingClient, order_id: object) -> dict[str, Any]:
    answer: Any = client.get(f"/orders/{order_id}")
    assert isinstance(answer, dict)
    return answer


def listed(client: TradingClient, **filters: Any) -> list[str]:
    found: Any = client.get_orders(GetOrdersRequest(**filters))
    return [order.client_order_id for order in found]


def test_an_order_has_all_its_36_keys_sorted_and_its_numbers_are_strings(client: TradingClient) -> None:
    placed: Any = client.post(
        "/orders", {"symbol": "SPY", "qty": 1.0, "side": "buy", "type": "market", "time_in_force": "day"}
    )
    later = order_of(client, placed["id"])
    for order in (placed, later):
        assert isinstance(order, dict)
        assert list(order) == KEYS
        assert len(KEYS) == 36
        assert order["order_class"] == ""
        assert order["position_intent"] == "buy_to_open"
        assert order["qty"] == "1"
        assert order["source"] is order["subtag"] is order["legs"] is None
        for name in ("created_at", "submitted_at", "updated_at"):
            assert NANOSECONDS.fullmatch(order[name]), order[name]
            assert not order[name].endswith("0Z")
    assert placed["status"] == "pending_new"
    assert placed["filled_qty"] == "0"
    assert later["status"] == "filled"
    assert later["filled_qty"] == "1"
    assert isinstance(later["filled_avg_price"], str)
    assert NANOSECONDS.fullmatch(later["filled_at"])


@pytest.mark.parametrize(
    ("written", "shown"), [(1.0, "1"), ("1", "1"), (7.2273576, "7.2273576"), ("2.50", "2.5")], ids=str
)
def test_a_quantity_is_taken_as_number_and_as_string(
    client: TradingClient, written: object, shown: str
) -> None:
    terms = {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "qty": written}
    placed: Any = client.post("/orders", terms)
    assert placed["qty"] == shown


def test_a_nanoshare_written_as_the_sdk_writes_it_is_read(client: TradingClient) -> None:
    with pytest.raises(APIError, match="cost basis"):
        buy(client, qty=1e-09)


def test_an_order_in_dollars_has_no_quantity_even_when_filled(client: TradingClient) -> None:
    placed = buy(client, notional=25)
    later = order_of(client, placed.id)
    assert (placed.notional, placed.qty) == ("25", None)
    assert (later["status"], later["notional"], later["qty"]) == ("filled", "25", None)
    assert re.fullmatch(r"0\.\d{1,9}", later["filled_qty"])


def test_whole_shares_are_stamped_anew_when_they_are_routed(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.hold_fills()
    placed = buy(client)
    assert placed.submitted_at == placed.created_at
    until = monotonic() + 5
    while (later := order_of(client, placed.id))["submitted_at"] == later["created_at"]:
        assert monotonic() < until
    assert later["created_at"] < later["submitted_at"]


def test_an_order_is_found_by_either_of_its_names(client: TradingClient) -> None:
    placed = buy(client, client_order_id="mine")
    by_id: Any = client.get_order_by_id(placed.id)
    by_name: Any = client.get_order_by_client_id("mine")
    assert (by_id.client_order_id, by_name.id) == ("mine", placed.id)


def test_an_order_without_a_name_is_given_one(client: TradingClient) -> None:
    names = {buy(client).client_order_id, buy(client, client_order_id="").client_order_id}
    assert len(names) == 2
    assert "" not in names


def test_what_is_not_there_is_not_found(client: TradingClient) -> None:
    unknown = str(uuid4())
    for look in (client.get_order_by_id, client.cancel_order_by_id):
        assert refused(partial(look, unknown)) == (
            404,
            {"code": 40410000, "message": f"order not found for {unknown}"},
        )
    status, body = refused(lambda: client.get_order_by_client_id("nobody"))
    assert (status, body["code"]) == (404, 40410000)


def test_lists_are_filtered_ordered_and_cut(client: TradingClient) -> None:
    # Fractions keep the moment at which they came.
    bid(client, qty=1.5, client_order_id="open-1")
    buy(client, "QQQ", qty=1.5, client_order_id="done")
    bid(client, "KO", qty=1.5, limit=10, client_order_id="open-2")
    assert listed(client) == ["open-2", "open-1"]
    assert listed(client, status=QueryOrderStatus.CLOSED) == ["done"]
    every = {"status": QueryOrderStatus.ALL, "direction": Sort.ASC}
    assert listed(client, **every) == ["open-1", "done", "open-2"]
    assert listed(client, **every, limit=2) == ["open-1", "done"]
    assert listed(client, **every, symbols=["QQQ", "KO"]) == ["done", "open-2"]
    assert listed(client, **every, side=OrderSide.SELL) == []
    done: Any = client.get_order_by_client_id("done")
    after: Any = client.get("/orders", {"status": "all", "after_order_id": str(done.id)})
    before: Any = client.get("/orders", {"status": "all", "before_order_id": str(done.id)})
    assert [[one["client_order_id"] for one in found] for found in (after, before)] == [
        ["open-2"],
        ["open-1"],
    ]


def test_the_bounds_of_a_list_are_excluded_and_pages_follow_one_another(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.hold_fills()
    for number in range(7):
        buy(client, qty=1.5, client_order_id=f"{number}")
    every = {"status": "all", "direction": "asc", "limit": "3"}
    after: dict[str, str] = {}
    pages = []
    while page := client.get("/orders", every | after):
        pages.append([order["client_order_id"] for order in page])
        after = {"after": page[-1]["submitted_at"]}
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    fourth: Any = client.get("/orders:by_client_order_id", {"client_order_id": "3"})
    middle = fourth["submitted_at"]
    before: Any = client.get("/orders", {"status": "all", "until": middle})
    assert [order["client_order_id"] for order in before] == ["2", "1", "0"]


def test_a_microsecond_before_an_order_is_before_it_to_the_sdk_too(
    server: AlpacaServer, client: TradingClient
) -> None:
    server.hold_fills()
    placed = buy(client, qty=1.5, client_order_id="mine")
    assert placed.submitted_at is not None
    # The SDK cuts nanoseconds off: the moment that it shows is before the one that Alpaca knows.
    assert listed(client, after=placed.submitted_at) == ["mine"]
    assert listed(client, after=placed.submitted_at + timedelta(microseconds=1)) == []


def test_a_page_has_50_orders_and_never_more_than_500(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    for number in range(505):
        server._at(partial(server.market.place, terms(client_order_id=str(number), qty="0.01")))
    assert len(client.get("/orders")) == 50
    assert len(client.get("/orders", {"limit": "500"})) == 500
    assert len(client.get("/orders", {"limit": "5000"})) == 500


def terms(**given: Any) -> dict[str, Any]:
    return {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1"} | given


def test_a_cancel_is_answered_with_204_and_nothing(server: AlpacaServer, client: TradingClient) -> None:
    placed = bid(client)
    client.cancel_order_by_id(placed.id)
    assert [seen.status for seen in server.requests if seen.kind == "cancel"] == [204]
    later = order_of(client, placed.id)
    assert (later["status"], later["filled_qty"]) == ("canceled", "0")
    assert NANOSECONDS.fullmatch(later["canceled_at"])


def test_what_is_done_cannot_be_canceled(client: TradingClient) -> None:
    placed = buy(client)
    assert refused(lambda: client.cancel_order_by_id(placed.id)) == (
        422,
        {"code": 42210000, "message": 'order is already in "filled" state'},
    )


def test_all_are_canceled_at_once_with_a_status_each(server: AlpacaServer, client: TradingClient) -> None:
    ids = {bid(client).id, bid(client, "KO", limit=10).id}
    buy(client, "QQQ")
    done: Any = client.cancel_orders()
    assert [seen.status for seen in server.requests if seen.kind == "cancel all"] == [207]
    assert {(one.id, one.status) for one in done} == {(i, 200) for i in ids}
    assert listed(client) == []


def test_a_replaced_order_gives_way_to_one_with_a_new_id(client: TradingClient) -> None:
    old = bid(client, time_in_force=TimeInForce.GTC)
    new: Any = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=2, limit_price=101.5))
    before, now = order_of(client, old.id), order_of(client, new.id)
    assert before["id"] != now["id"]
    assert (before["status"], before["replaced_by"]) == ("replaced", now["id"])
    assert NANOSECONDS.fullmatch(before["replaced_at"])
    assert (now["status"], now["replaces"], now["qty"], now["limit_price"]) == (
        "new",
        before["id"],
        "2",
        "101.5",
    )
    assert now["time_in_force"] == "gtc"
    assert before["client_order_id"] != now["client_order_id"]


def test_a_replacement_that_is_refused_leaves_the_order_as_it_was(client: TradingClient) -> None:
    old = bid(client, client_order_id="mine")
    for change in ({"limit_price": "100.005"}, {"client_order_id": "mine"}, {"qty": "0"}):
        status, _ = refused(partial(client.patch, f"/orders/{old.id}", change))
        assert status == 422
    assert order_of(client, old.id)["status"] == "new"


def test_what_is_done_and_what_is_in_dollars_cannot_be_replaced(
    server: AlpacaServer, client: TradingClient
) -> None:
    done = buy(client)
    change = ReplaceOrderRequest(qty=2)
    status, body = refused(lambda: client.replace_order_by_id(done.id, change))
    assert (status, body["message"]) == (422, 'order is already in "filled" state')
    server.hold_fills()
    for terms in ({"notional": 25}, {"qty": 1.5}):
        order = buy(client, "QQQ", **terms)
        status, _ = refused(partial(client.replace_order_by_id, order.id, change))
        assert status == 422


def test_a_name_is_used_up_even_after_a_restart(market: Market, client: TradingClient) -> None:
    buy(client, client_order_id="mine")
    taken = (422, {"code": 40010001, "message": "client_order_id must be unique"})
    assert refused(lambda: buy(client, client_order_id="mine")) == taken
    client.cancel_order_by_id(bid(client, client_order_id="canceled").id)
    with AlpacaServer(market) as restarted:
        again = TradingClient(restarted.key, restarted.secret, url_override=restarted.url)
        for name in ("mine", "canceled"):
            assert refused(partial(buy, again, client_order_id=name)) == taken
        found: Any = again.get_order_by_client_id("mine")
        assert found.status is OrderStatus.FILLED
        again._session.close()


def test_a_name_that_was_refused_is_free(client: TradingClient) -> None:
    assert refused(lambda: buy(client, qty=1000, client_order_id="mine"))[0] == 403
    assert buy(client, client_order_id="mine").client_order_id == "mine"


def test_a_pending_cancel_is_shown_until_it_is_done(server: AlpacaServer, client: TradingClient) -> None:
    placed = bid(client)
    server.faults.once("cancel", Fault.PENDING_CANCEL)
    client.cancel_order_by_id(placed.id)
    statuses = [order_of(client, placed.id)["status"]]
    until = monotonic() + 5
    while statuses[-1] == "pending_cancel":
        assert monotonic() < until
        statuses.append(order_of(client, placed.id)["status"])
    assert statuses[0] == "pending_cancel"
    assert statuses[-1] == "canceled"
