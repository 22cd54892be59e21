"""Whatever plan, whatever the broker does: every line has one outcome, every dollar one cause."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import PRICES, Stage, a_plan

from planfill.adapters.brokers.mock.faults import (
    Fail,
    FillDuringCancel,
    FillLate,
    FillOnly,
    Hang,
    HidePrice,
    IgnoreCancel,
    LoseAnswer,
    NeverFill,
    Refuse,
    RejectLate,
)
from planfill.adapters.brokers.mock.script import Fault, On
from planfill.application.reconciling import Reconcile
from planfill.application.stopping import StopSignal
from planfill.domain.errors import BrokerUnavailable, InsufficientFundsError, OutcomeUnknown
from planfill.domain.order import Side
from planfill.domain.outcome import HARMLESS, LineOutcome
from planfill.domain.result import ExecutionStatus
from planfill.domain.values import Quantity

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SYMBOLS = sorted(PRICES)

amounts = st.decimals("0", "20000", places=2)
lines = st.fixed_dictionaries(
    {"action": st.sampled_from(["BUY", "SELL", "HOLD"]), "trade_amount": amounts},
    optional={"target_weight": st.just("0"), "priority": st.integers(1, 5)},
)
plans = st.lists(st.tuples(st.sampled_from(SYMBOLS), lines), max_size=6, unique_by=lambda line: line[0]).map(
    lambda chosen: a_plan(*({"symbol": symbol, **line} for symbol, line in chosen))
)
placing = st.sampled_from(
    [
        Fail(BrokerUnavailable("refused")),
        Fail(OutcomeUnknown("reset")),
        LoseAnswer(),
        Refuse(),
        Refuse(InsufficientFundsError("no")),
        RejectLate(),
        Hang(70),
        FillLate(90),
        NeverFill(),
        FillOnly(Quantity(Decimal("0.5"))),
        HidePrice(),
    ]
)
canceling = st.sampled_from([Fail(), IgnoreCancel(), FillDuringCancel(), LoseAnswer()])
looking = st.sampled_from([Fail(), HidePrice(), Fail(BrokerUnavailable("no answer"))])


def on(method: str, faults: st.SearchStrategy[Fault]) -> st.SearchStrategy[On]:
    """Let a fault meet the calls of a method: of one symbol or all, one call or several."""
    symbols = st.none() if method.startswith(("list", "get_acc")) else st.none() | st.sampled_from(SYMBOLS)
    return st.builds(
        On, st.just(method), faults, symbol=symbols, nth=st.integers(1, 4), times=st.integers(1, 3)
    )


scripts = st.lists(
    on("place_order", placing)
    | on("cancel_order", canceling)
    | on("list_orders", looking)
    | on("list_fills", st.just(Fail()))
    | on("get_current_prices", st.just(Fail()))
    | on("get_account", st.just(Fail()))
    | on("get_session", st.just(Fail())),
    max_size=4,
)
books = st.fixed_dictionaries(
    {
        "cash": st.decimals("0", "30000", places=2),
        "holdings": st.dictionaries(st.sampled_from(SYMBOLS), st.decimals("0.1", "60", places=7)),
        "fill_delay_s": st.sampled_from([0, 0.1, 5]),
        "partial_fills": st.sampled_from([0, 1]),
        "fee_bps": st.sampled_from([0, 3]),
        "proceeds_delay_s": st.sampled_from([0, 3, 60]),
        "not_fractionable": st.sets(st.sampled_from(SYMBOLS)),
    }
)

styles = st.fixed_dictionaries(
    {
        "style": st.sampled_from(["market", "limit", "walk"]),
        "walk_steps": st.sampled_from([2, 3]),
        "walk_step_s": st.sampled_from([1, 10]),
        "walk_end": st.sampled_from(["market", "leave"]),
    }
)


@settings(max_examples=200, deadline=None)
@given(plan=plans, script=scripts, book=books, style=styles)
def test_scenario_17_every_line_has_one_outcome_and_every_dollar_one_cause(
    plan: dict[str, Any], script: list[On], book: dict[str, Any], style: dict[str, Any]
) -> None:
    anyio.run(_check, plan, script, book, style)


async def _check(plan: dict[str, Any], script: list[On], book: dict[str, Any], style: dict[str, Any]) -> None:
    stage = Stage(*script, settings=book, **style)
    result = await stage.execute(plan)
    stage.script.clear()

    assert [line.symbol for line in result.lines] == [item["symbol"] for item in plan["items"]]
    assert result.planned_usd == sum((line.planned_usd for line in result.lines), Decimal(0))
    assert result.planned_usd == result.filled_usd + result.residual_usd
    for line in result.lines:
        assert (line.broker_order_id is None) or line.broker_order_id.startswith("MOCK")
        if line.outcome is LineOutcome.FILLED:
            assert line.filled_quantity == line.planned_quantity
        assert line.filled_quantity <= (line.planned_quantity or 0)
    if result.status is ExecutionStatus.SUCCEEDED:
        assert all(set(line.residuals) <= HARMLESS for line in result.lines)
    if result.status is not ExecutionStatus.IN_DOUBT:
        assert all(line.outcome is not LineOutcome.UNRESOLVED for line in result.lines)
        await _agrees_with_the_exchange(stage, {line.symbol: line for line in result.lines})
        stage.clock.advance(60)  # the proceeds of the last sale show by then
        reconciliation = await Reconcile(stage.use_case).after(result, StopSignal())
        refused = result.status is ExecutionStatus.REFUSED
        assert refused if reconciliation is None else not reconciliation.exit_code, reconciliation
    assert (await stage.broker.get_account()).cash_usd >= -Decimal(book["cash"]) * Decimal("0.01")


async def _agrees_with_the_exchange(stage: Stage, told: dict[str, Any]) -> None:
    """Compare what was told with the fills that the exchange itself has recorded."""
    bought: dict[tuple[str, Side], Decimal] = defaultdict(Decimal)
    for fill in await stage.broker.list_fills(LONG_AGO):
        bought[fill.symbol, fill.side] += fill.quantity
    filled = {
        (symbol, Side(line.action.value)): line.filled_quantity
        for symbol, line in told.items()
        if line.filled_quantity
    }
    assert filled == bought
