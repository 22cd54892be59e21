"""What went wrong in production, over the wire: scenarios by their numbers, at the local Alpaca."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from alpaca_answers import ANSWERS
from alpaca_server import AlpacaServer, Fault
from alpaca_venue import AlpacaVenue
from at_alpaca import a_manager, an_alpaca, positions, use
from loguru import logger
from stage import a_plan, buy, sell

from planfill.adapters.brokers.alpaca.outcomes import DuplicateOrderId
from planfill.domain import errors as err
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.testing.venue import a_new_order

PLAN = a_plan(buy("SPY", "1000"), buy("QQQ", "1000"))


pytestmark = pytest.mark.usefixtures("in_a_fresh_folder")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlpacaServer]:
    with an_alpaca() as server:
        use(server, monkeypatch)
        yield server


def execute(plan: dict[str, Any] = PLAN) -> ExecutionResult:
    with a_manager() as execution:
        return execution.execute_rebalance_plan(plan)


def placed(server: AlpacaServer) -> list[str]:
    """List the names of the orders at the server."""
    return sorted(order["client_order_id"] for order in server.orders())


def all_filled_once(server: AlpacaServer, result: ExecutionResult) -> bool:
    """Tell whether both lines are filled, by one order each."""
    filled = [line.outcome for line in result.lines] == [LineOutcome.FILLED] * len(result.lines)
    return filled and placed(server) == sorted(str(line.client_order_id) for line in result.lines)


@pytest.mark.parametrize("fault", [Fault.EMPTY_200, Fault.UNREADABLE, Fault.NO_ID, Fault.FUTURE_STATUS])
def test_scenario_1_an_answer_that_says_nothing_is_looked_up_and_reported_once(
    server: AlpacaServer, fault: Fault
) -> None:
    server.faults.once("place", fault, fault)
    assert all_filled_once(server, execute())


@pytest.mark.parametrize(
    "fault", [Fault.ANSWER_504, Fault.ANSWER_504_HTML, Fault.ANSWER_500_EMPTY, Fault.RESET, Fault.HANG]
)
def test_scenario_2_an_order_accepted_without_an_answer_is_no_second_order(
    server: AlpacaServer, fault: Fault
) -> None:
    server.faults.once("place", fault, fault)
    assert all_filled_once(server, execute())
    assert server.count("place") == 2


@pytest.mark.parametrize(
    "fault", [Fault.LOST_REQUEST, Fault.UNAVAILABLE, Fault.RATE_LIMITED_BARE, Fault.DELIVERED_LATE]
)
def test_scenario_2_an_order_that_was_not_accepted_is_sent_again_under_its_name(
    server: AlpacaServer, fault: Fault
) -> None:
    server.faults.once("place", fault)
    assert all_filled_once(server, execute())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"ap": 0}, Reason.BAD_PRICE), ({"bp": 0}, Reason.BAD_PRICE), ({"ap": 0, "bp": 0}, Reason.BAD_PRICE),
        ({"ap": -1}, Reason.BAD_PRICE), ({"ap": 399, "bp": 401}, Reason.CROSSED_PRICE),
        ({"t": "an hour ago"}, Reason.STALE_PRICE),
        ({"t": None}, Reason.BAD_PRICE), ({"ap": "dear"}, Reason.BAD_PRICE), (None, Reason.NO_PRICE),
    ],
    ids=str,
)  # fmt: skip
def test_scenario_7_a_quote_that_is_none_becomes_no_order(
    server: AlpacaServer, said: dict[str, Any] | None, reason: Reason
) -> None:
    if said == {"t": "an hour ago"}:
        said = {"t": f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
    server.market.quoted["SPY"] = said
    spy, qqq = execute().lines
    assert (spy.outcome, spy.reason) == (LineOutcome.SKIPPED, reason)
    assert qqq.outcome is LineOutcome.FILLED
    assert [order["symbol"] for order in server.orders()] == ["QQQ"]


def test_scenario_7_quotes_that_are_null_become_no_orders(server: AlpacaServer) -> None:
    server.faults.always("quotes", Fault.NULL_QUOTES)
    assert {line.reason for line in execute().lines} == {Reason.NO_PRICE}
    assert server.orders() == []


def test_scenario_10_a_fill_without_a_price_is_priced_later_and_never_0(server: AlpacaServer) -> None:
    server.faults.once("orders", *[Fault.UNPRICED] * 8)
    result = execute()
    assert all_filled_once(server, result)
    assert all(line.average_price and line.filled_usd > 900 for line in result.lines)


def test_scenario_10_a_status_from_the_future_counts_as_working(server: AlpacaServer) -> None:
    server.faults.once("orders", *[Fault.FUTURE_STATUS] * 8)
    assert all_filled_once(server, execute())


def test_scenario_12_what_does_not_reach_for_a_whole_share_is_an_outcome_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = ["NVR", "SPY"]
    with an_alpaca(not_fractionable=whole, holdings={"SPY": "0.3"}) as server:
        use(server, monkeypatch)
        result = execute(a_plan(buy("NVR", "40"), sell("SPY", "120")))
        assert [(line.outcome, line.reason) for line in result.lines] == [
            (LineOutcome.SKIPPED, Reason.ROUNDS_TO_ZERO)
        ] * 2
        assert server.count("place") == 0


@pytest.mark.parametrize(
    "fault",
    [Fault.FEED_SILENT, Fault.FEED_DROPS, Fault.FEED_REPEATS, Fault.FEED_REORDERS, Fault.FEED_REFUSED],
)
def test_scenario_13_whatever_the_stream_does_the_orders_are_followed(
    server: AlpacaServer, fault: Fault
) -> None:
    server.faults.always("stream", fault)
    assert all_filled_once(server, execute())


def test_scenario_13_a_stream_that_another_program_has_costs_nothing_but_speed(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_manager() as other:
        assert other.execute_rebalance_plan(a_plan(buy("IWM", "100"), plan_id="plan-2")).success
        assert server.stream_is_heard
        monkeypatch.setenv("PLANFILL_LEDGER__URL", "memory://")
        assert execute(a_plan(buy("GLD", "100"), plan_id="plan-3")).success
        assert [order["status"] for order in server.orders()] == ["filled", "filled"]


def test_scenario_16_a_foreign_order_that_holds_the_shares_is_told_and_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with an_alpaca(holdings={"SPY": "10"}) as server:
        use(server, monkeypatch)
        server.hold_fills()
        foreign = _by_hand(server, side="sell", qty="10", type="limit", limit_price="900")
        result = execute(a_plan(sell("SPY", "4000")))
        assert result.lines[0].reason is Reason.NOT_HELD
        assert server.count("place") == 0
        assert [(order["id"], order["status"]) for order in server.orders()] == [(foreign, "new")]
        assert positions(server) == {"SPY": Decimal(10)}


def test_scenario_16_a_foreign_opposite_order_is_found_before_sending_as_a_wash_trade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with an_alpaca(holdings={"SPY": "10"}) as server:
        use(server, monkeypatch)
        server.hold_fills()
        foreign = _by_hand(server, side="sell", qty="5", type="limit", limit_price="900")
        (line,) = execute(a_plan(buy("SPY", "1000"))).lines
        assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.WASH_TRADE)
        assert foreign in line.detail
        assert server.count("place") == 0


def test_a_dollar_that_rounds_to_less_than_alpacas_minimum_is_not_sent(server: AlpacaServer) -> None:
    (line,) = execute(a_plan(buy("QQQ", "1.00"))).lines
    assert (line.outcome, line.reason) == (LineOutcome.BLOCKED, Reason.TOO_SMALL)
    assert server.count("place") == 0


@pytest.mark.parametrize(
    ("shown", "alerted"), [(100, False), (1, True), (-1, True), ("?", True), (None, True)]
)
def test_the_sizes_that_alpaca_shows_are_compared_with_the_order(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, shown: object, *, alerted: bool
) -> None:
    use(server, monkeypatch, execution__max_quote_size_pct="50")
    server.market.quoted["SPY"] = {"as": shown}
    assert all_filled_once(server, execute())
    log = [json.loads(line) for line in Path("planfill.log").read_text(encoding="utf-8").splitlines()]
    said = [line["message"] for line in log if line["event"] == "alerted"]
    assert [one.startswith("SPY: THIN_QUOTE") for one in said] == [True] * alerted


def test_shares_of_what_alpaca_does_not_split_are_cut_to_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with an_alpaca(not_fractionable=["SPY"]) as server:
        use(server, monkeypatch)
        whole, none = (execute(a_plan(buy("SPY", usd), plan_id=f"of-{usd}")) for usd in ("900", "300"))
        assert whole.lines[0].filled_quantity == 2
        assert none.lines[0].reason is Reason.ROUNDS_TO_ZERO
        assert server.count("place") == 1


@pytest.mark.parametrize(("status", "code", "text", "kind"), ANSWERS)
async def test_scenario_18_every_refusal_is_its_own_error_over_the_wire(
    status: int, code: int, text: str, kind: type[err.ExecutionError]
) -> None:
    with AlpacaVenue() as venue:
        body = json.dumps({"code": code, "message": text}).encode()
        venue.server.faults.say("place", status, body)
        family = venue.family()
        expected = err.OrderHidden if kind is DuplicateOrderId else kind
        with pytest.raises(expected) as caught:
            await family.broker.place_order(a_new_order(venue.symbol, at=venue.clock.now()))
        assert type(caught.value) is expected
        assert family.close is not None
        await family.close()
        assert venue.server.count("place") == 1


def _by_hand(server: AlpacaServer, **terms: str) -> str:
    """Place an order as a person would, on Alpaca's own page."""
    return server.place_by_hand({"symbol": "SPY", "time_in_force": "day", **terms})


@pytest.mark.parametrize("kind", ["account", "clock", "assets", "quotes"])
@pytest.mark.parametrize("fault", [Fault.ANSWER_504, Fault.RESET, Fault.RATE_LIMITED_BARE])
def test_an_answer_about_account_or_market_that_is_lost_stops_nothing(
    server: AlpacaServer, kind: str, fault: Fault
) -> None:
    server.faults.once(kind, fault, *([fault] if fault is Fault.ANSWER_504 else []))
    assert all_filled_once(server, execute())


def test_prices_that_nobody_answers_for_close_the_lines_and_send_nothing(server: AlpacaServer) -> None:
    server.faults.always("quotes", Fault.UNAVAILABLE)
    assert {line.reason for line in execute().lines} == {Reason.BROKER_UNAVAILABLE}
    assert server.orders() == []


def test_the_market_clock_failing_closes_it(server: AlpacaServer) -> None:
    server.faults.always("clock", Fault.UNAVAILABLE)
    result = execute()
    assert result.status is ExecutionStatus.REFUSED
    assert {line.reason for line in result.lines} == {Reason.MARKET_CLOSED}
    assert server.orders() == []


def test_keys_that_alpaca_does_not_know_stop_the_plan_before_any_order(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "not-the-secret-of-anybody")
    result = execute()
    assert result.status is ExecutionStatus.REFUSED
    assert "unauthorized" in (result.detail or "")
    assert server.orders() == []


def test_account_and_url_are_logged_at_the_start(server: AlpacaServer) -> None:
    execute()
    log = [json.loads(line) for line in Path("planfill.log").read_text(encoding="utf-8").splitlines()]
    began = next(line["message"] for line in log if line["event"] == "execution_started")
    assert f"received for alpaca:paper:PA0000001 at {server.url} by " in began
    assert server.secret not in Path("planfill.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", [Fault.FEED_REFUSED])
def test_scenario_13_a_stream_that_is_refused_is_a_warning(server: AlpacaServer, fault: Fault) -> None:
    server.faults.always("stream", fault)
    said: list[str] = []
    sink = logger.add(said.append, level="WARNING", format="{message}")
    assert all_filled_once(server, execute())
    logger.remove(sink)
    assert any("another program has it" in line and "asking alone" in line for line in said)


async def test_a_running_loop_stays_free_while_alpaca_does_not_answer(server: AlpacaServer) -> None:
    server.faults.once("place", Fault.HANG, Fault.HANG)
    ticks = 0
    with a_manager() as execution:
        async with anyio.create_task_group() as group:

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await anyio.sleep(0.01)
                    ticks += 1

            group.start_soon(tick)
            result = await execution.execute_rebalance_plan_async(PLAN)
            group.cancel_scope.cancel()
    assert all_filled_once(server, result)
    assert ticks > 20
