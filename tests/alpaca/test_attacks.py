"""What an adversary tried on the way to Alpaca, and got through with once."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alpaca_server import AlpacaServer, Fault
from alpaca_venue import AlpacaVenue
from at_alpaca import a_manager, an_alpaca, use
from stage import a_plan, buy

from planfill.adapters.brokers.alpaca import brokerage
from planfill.adapters.logs.redaction import redactor
from planfill.bootstrap.settings import load_settings
from planfill.domain.errors import BrokerConnectionError, OrderHidden, OutcomeUnknown, SettingsError
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Money
from planfill.testing.venue import a_new_order

PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))
SECRET = "not-a-secret-of-anybody"  # noqa: S105
NOT_THERE = b'{"code":40410000,"message":"endpoint not found"}'


pytestmark = pytest.mark.usefixtures("in_a_fresh_folder")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlpacaServer]:
    with an_alpaca() as server:
        use(server, monkeypatch)
        yield server


def execute() -> ExecutionResult:
    with a_manager() as execution:
        return execution.execute_rebalance_plan(PLAN)


async def cancel_when_placed(plan: dict[str, Any], server: AlpacaServer, placed: int) -> None:
    """Execute a plan, and cancel the call once so many orders have come."""
    with a_manager() as execution:
        call = asyncio.create_task(execution.execute_rebalance_plan_async(plan))
        while server.count("place") < placed:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_an_order_that_alpaca_has_and_does_not_show_is_neither_refused_nor_unplaced(
    status: int,
) -> None:
    with AlpacaVenue() as venue:
        family = venue.family()
        assert family.close is not None
        order = a_new_order(venue.symbol)
        await family.broker.place_order(order)
        venue.server.faults.say("ask", status, b'{"message":"not now"}')
        with pytest.raises(OrderHidden):
            await family.broker.place_order(order)
        await family.close()


@pytest.mark.parametrize("kind", ["account", "clock", "assets", "quotes", "orders"])
def test_a_404_that_is_about_no_order_ends_in_a_result(server: AlpacaServer, kind: str) -> None:
    server.faults.say(kind, 404, NOT_THERE)
    result = execute()
    assert result.status in {ExecutionStatus.REFUSED, ExecutionStatus.FAILED, ExecutionStatus.SUCCEEDED}
    assert not any("ExceptionGroup" in line.detail for line in result.lines)


def test_fill_records_that_cannot_be_read_keep_no_order_from_being_followed(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, monkeypatch, execution__order_deadline_s=3, execution__cancel_grace_s=1)
    server.faults.once("orders", *[Fault.UNPRICED] * 8)
    server.faults.always("fills", Fault.ANSWER_500_EMPTY)
    with a_manager() as execution:
        result = execution.execute_rebalance_plan(PLAN)
        server.faults.clear()
    assert result.status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_cancel_that_is_sent_elsewhere_is_none(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    use(server, monkeypatch, execution__order_deadline_s=1, execution__cancel_grace_s=5)
    server.hold_fills()
    server.faults.say("cancel", status, b"")
    server.faults.say("cancel", status, b"")
    result = execute()
    assert {line.outcome for line in result.lines} == {LineOutcome.UNFILLED}
    assert {order["status"] for order in server.orders()} == {"canceled"}


def test_a_redirect_is_named(server: AlpacaServer) -> None:
    for _ in range(3):
        server.faults.say("account", 302, b"")
    assert "HTTP 302" in execute().lines[0].detail


def test_nothing_waits_between_the_gate_and_the_wire(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, monkeypatch, alpaca__connections=1)
    server.faults.once("place", Fault.HANG)
    asyncio.run(cancel_when_placed(PLAN, server, 1))
    assert server.count("place") == 1


@pytest.mark.parametrize("variable", ["APCA_API_SECRET_KEY", "PLANFILL_ALPACA__SECRET_KEY"])
@pytest.mark.parametrize("spoilt", [f"{SECRET}\nx", f"{SECRET} x", f"{SECRET}\u2019"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, variable: str, spoilt: str
) -> None:
    monkeypatch.setenv(variable, spoilt)
    with pytest.raises(SettingsError) as caught, a_manager() as execution:
        execution.execute_rebalance_plan(PLAN)
    assert "alpaca.secret_key" in str(caught.value)
    assert server.requests == []
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("variable", ["APCA_API_SECRET_KEY", "PLANFILL_ALPACA__SECRET_KEY"])
def test_a_key_from_a_file_may_end_in_a_line_end(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f" {server.secret}\n")
    assert execute().success
    assert SECRET not in redactor({variable: f" {SECRET}\n"})(f"it says {SECRET}")


@pytest.mark.parametrize(
    "wrong",
    [{"ALPACA__SECRETKEY": SECRET}, {"ALPACA__SECRET_KEY": SECRET, "ALPACA__TRADING_URL": "http://[::1]/"}],
)
def test_no_traceback_of_wrong_settings_shows_a_secret(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setenv("PLANFILL_BROKER__ADAPTER", "alpaca")
    for name, value in wrong.items():
        monkeypatch.setenv(f"PLANFILL_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("others", "cost"),
    [
        ({"asset_class": "us_option", "symbol": "SPY261218C00400000", "limit_price": "5"}, "1000"),
        ({"type": "stop", "limit_price": None, "stop_price": "500"}, "1025"),
        ({"type": "stop", "limit_price": None, "stop_price": "5"}, "792.74"),
        ({"limit_price": "390"}, "780"),
        ({"order_class": "mleg", "side": "", "symbol": "", "asset_class": "", "limit_price": "2.5"}, "500"),
        ({"order_class": "mleg", "side": "", "symbol": "", "asset_class": "", "limit_price": "-2.5"}, "0"),
        ({"side": "sell", "limit_price": "390"}, "0"),
    ],
)
async def test_open_buys_of_others_cost_what_they_may_take(others: dict[str, Any], cost: str) -> None:
    with AlpacaVenue() as venue:
        venue.server.hold_fills()
        terms = {"symbol": venue.symbol, "side": "buy", "qty": "2", "type": "limit", "limit_price": "1"}
        venue.server.place_by_hand({**terms, "time_in_force": "day", "client_order_id": "theirs"})
        (order,) = venue.server.orders()
        venue.server.faults.say("orders", 200, json.dumps([{**order, **others}]).encode())
        family = venue.family()
        assert family.close is not None
        account = await family.account.get_account()
        assert account.open_buys_usd == Money(Decimal(cost))
        await family.close()


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("orders", {"order_class": "mleg", "side": "", "symbol": "", "limit_price": None},
         "nobody says what the open order {id} may cost"),
        ("account", {"account_number": "PA 1; drop"}, "its account_number is none"),
    ],
)  # fmt: skip
async def test_what_cannot_be_counted_is_no_account(kind: str, changed: dict[str, Any], said: str) -> None:
    with AlpacaVenue() as venue:
        venue.server.hold_fills()
        terms = {"symbol": venue.symbol, "side": "buy", "qty": "2", "type": "limit", "limit_price": "1"}
        venue.server.place_by_hand({**terms, "time_in_force": "day", "client_order_id": "theirs"})
        (order,) = venue.server.orders()
        told = [{**order, **changed}] if kind == "orders" else {"cash": "1", "id": "x", **changed}
        venue.server.faults.say(kind, 200, json.dumps(told).encode())
        family = venue.family()
        assert family.close is not None
        with pytest.raises(BrokerConnectionError) as caught:
            await family.account.get_account()
        assert said.format(id=order["id"]) in str(caught.value)
        assert "validation error" not in str(caught.value)
        await family.close()


async def test_more_orders_of_one_moment_than_a_page_holds_are_no_list() -> None:
    with AlpacaVenue() as venue:
        venue.server.hold_fills()
        terms = {"symbol": venue.symbol, "side": "buy", "qty": "2", "type": "limit", "limit_price": "1"}
        venue.server.place_by_hand({**terms, "time_in_force": "day", "client_order_id": "theirs"})
        (order,) = venue.server.orders()
        page = json.dumps([{**order, "id": str(UUID(int=number))} for number in range(500)]).encode()
        for _ in range(2):
            venue.server.faults.say("orders", 200, page)
        family = venue.family()
        assert family.close is not None
        with pytest.raises(BrokerConnectionError, match="500 orders of one moment"):
            await family.account.get_account()
        await family.close()


async def test_open_buys_beyond_the_first_page_cost_money_too() -> None:
    with AlpacaVenue() as venue:
        venue.server.hold_fills()
        terms = {"symbol": venue.symbol, "side": "buy", "qty": "1", "type": "limit", "limit_price": "1"}
        for number in range(501):
            venue.server.place_by_hand(
                {**terms, "time_in_force": "day", "client_order_id": f"theirs-{number}"}
            )
        family = venue.family()
        assert family.close is not None
        assert (await family.account.get_account()).open_buys_usd == 501
        await family.close()


class Dripping(asyncio.Protocol):
    """Answers a byte at a time, each long before anybody's patience is over, and never ends."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._head)
        self._drip()

    def _drip(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"x")
            asyncio.get_running_loop().call_later(0.05, self._drip)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["head", "body", "until closed"],
)
async def test_an_answer_that_never_ends_is_cut_off(head: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Dripping(head), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with AlpacaVenue() as venue:
        changes = {"trading_url": f"http://127.0.0.1:{port}", "timeout_s": 0.2}
        family = brokerage(venue.settings().model_copy(update=changes), venue.clock)
        assert family.close is not None
        began = venue.clock.monotonic()
        with pytest.raises(OutcomeUnknown):
            await family.broker.place_order(a_new_order(venue.symbol))
        assert venue.clock.monotonic() - began < 3
        await family.close()
    server.close()
    await server.wait_closed()


def test_an_empty_list_of_assets_is_no_list_for_the_day(server: AlpacaServer) -> None:
    server.faults.say("assets", 200, b"[]")
    with a_manager() as execution:
        assert execution.execute_rebalance_plan(PLAN).lines[0].reason is Reason.BROKER_UNAVAILABLE
        assert execution.execute_rebalance_plan({**PLAN, "plan_id": "plan-2"}).success


def test_a_refusal_that_repeats_our_keys_is_recorded_without_them(server: AlpacaServer) -> None:
    said = {"code": 40310000, "message": f"not with {server.key}", "detail": server.secret}
    server.faults.say("place", 403, json.dumps(said).encode())
    result = execute()
    assert any("not with ***" in line.detail for line in result.lines)
    kept = "".join(file.read_bytes().decode("latin-1") for file in Path().glob("planfill.*"))
    assert server.secret not in f"{kept}{result}"
    assert server.key not in f"{kept}{result}"
