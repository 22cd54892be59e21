"""One event of each kind, as they could follow each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain import events as ev
from planfill.domain.calls import CallCount
from planfill.domain.identity import AccountKey, ExecutionKey
from planfill.domain.linting import BrokenRule
from planfill.domain.order import Order, OrderType, Side
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.plan import Action, Plan, PlanItem
from planfill.domain.policy import Policy
from planfill.domain.reconciliation import Difference, Discrepancy
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.result import ExecutionResult, ExecutionStatus, OrderResult
from planfill.domain.shadow import ShadowDifference, ShadowField
from planfill.domain.sizing import Sizing
from planfill.domain.stages import Stage
from planfill.domain.values import BrokerOrderId, ClientOrderId, Money, Price, Quantity

if TYPE_CHECKING:
    from planfill.domain.events import Event

ACCOUNT: Final = AccountKey(broker="contract", environment="paper", number="A-1")
AT: Final = datetime(2021, 3, 31, 15, 0, 0, 1, tzinfo=UTC)
_NAME: Final = ClientOrderId("pf-aaaaaaaaaaaaaaaaaaaa-0-1")
_WHOLE: Final = {"fractionable": True, "lot": [1, 0.5, None], "note": "naïve €"}


def an_execution(plan_id: str = "plan-1", account: AccountKey = ACCOUNT) -> str:
    """Name the stream of an execution."""
    return f"execution/{ExecutionKey(account=account, plan_id=plan_id)}"


def an_alert(detail: str = "look at this") -> ev.Alerted:
    """Make an event that any stream can hold and that changes nothing."""
    return ev.Alerted(severity=ev.Severity.WARNING, reason=Reason.LATE_FILL, detail=detail)


def a_start(plan_id: str = "plan-1", account: AccountKey = ACCOUNT) -> ev.ExecutionStarted:
    """Make the first event of an execution."""
    item = PlanItem(
        symbol="SPY",
        action=Action.BUY,
        trade_amount=Money(Decimal("1000.10")),
        target_weight=Decimal("0.6"),
        reference_price=Price(Decimal("400.000")),
    )
    plan = Plan(
        plan_id=plan_id,
        correlation_id="correlation-1",
        timestamp=AT,
        items=(item, PlanItem(symbol="QQQ", action=Action.HOLD)),
        total_portfolio_value=Money(Decimal("1E+4")),
        metadata=_WHOLE,
        warnings=("odd",),
    )
    return ev.ExecutionStarted(
        plan=plan,
        digest=plan.digest,
        account=account,
        cash_usd=Money(Decimal("5000.00")),
        policy=Policy(),
        holder="contract, process 1",
    )


def a_result(status: ExecutionStatus = ExecutionStatus.PARTIAL) -> ExecutionResult:
    """Make a result with one line."""
    line = OrderResult(
        symbol="SPY",
        action=Action.BUY,
        outcome=LineOutcome.PARTIALLY_FILLED,
        reason=Reason.DEADLINE,
        client_order_id=_NAME,
        broker_order_id=BrokerOrderId("B-1"),
        order_type=OrderType.MARKET,
        planned_usd=Money(Decimal("1000.10")),
        filled_usd=Money(Decimal("400.00")),
        filled_quantity=Quantity(Decimal(1)),
        average_price=Price(Decimal("400.000")),
        residual_usd=Money(Decimal("600.10")),
        residuals={Residual.UNFILLED: Money(Decimal("600.10"))},
    )
    return ExecutionResult(
        plan_id="plan-1",
        correlation_id="correlation-1",
        status=status,
        success=False,
        started_at=AT,
        finished_at=AT + timedelta(seconds=3),
        account=str(ACCOUNT),
        orders_placed=1,
        orders_filled=0,
        success_rate=0.0,
        planned_usd=line.planned_usd,
        filled_usd=line.filled_usd,
        residual_usd=line.residual_usd,
        fees_usd=Money(Decimal("0.01")),
        shortfall_usd=Money(Decimal("-0.10")),
        shortfall_bps=-0.1,
        lines=(line,),
    )


def one_of_each_kind() -> tuple[Event, ...]:
    """Make one event of each kind."""
    order = Order(
        client_order_id=_NAME,
        symbol="SPY",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Quantity(Decimal("2.500250000")),
        limit_price=Price(Decimal("401.00")),
        quoted_at=AT,
    )
    sizing = Sizing(
        price=Price(Decimal("400.0")),
        mid_price=Price(Decimal("399.995")),
        arrival_price=Price(Decimal("400.000")),
        price_source="contract",
        allotted_usd=Money(Decimal("1000.10")),
        intended_usd=Money(Decimal("1000.10")),
        available_usd=Money(Decimal("1000.10")),
        quantity=Quantity(Decimal("2.50025")),
        reason=Reason.FUNDS_CUT,
    )
    report = ExecutionReport(
        client_order_id=_NAME,
        broker_order_id=BrokerOrderId("B-1"),
        symbol="SPY",
        side=Side.BUY,
        status=OrderStatus.PARTIALLY_FILLED,
        filled_quantity=Quantity(Decimal(1)),
        average_price=Price(Decimal("400.000")),
        reported_at=AT,
        raw='{"status": "partial\\u0000"}',
    )
    deadline = AT + timedelta(minutes=2)
    difference = Difference(kind=Discrepancy.POSITION, symbol="SPY", ours="1 share", theirs="2 shares")
    return (
        a_start(),
        ev.ExecutionResumed(holder="contract, process 2"),
        ev.LineClosed(symbol="QQQ", reason=Reason.AMOUNT_ZERO, detail="nothing to trade"),
        ev.RulesBroken(
            broken=(BrokenRule(symbol="TLT", rule=Reason.NOT_TRADABLE, detail="no", remedy="leave it out"),)
        ),
        ev.FundsAllotted(
            cash_usd=Money(Decimal(5000)),
            budget_usd=Money(Decimal("4975.00")),
            allotted={"SPY": Money(Decimal("1000.10"))},
        ),
        ev.OrderRecorded(order=order, attempt=1, sizing=sizing, deadline=deadline),
        ev.OrderRequoted(order=order, deadline=deadline),
        ev.OrderReported(report=report),
        ev.OrderRefused(client_order_id=_NAME, reason=Reason.REJECTED, detail="no", raw="{}"),
        ev.OrderNotSent(client_order_id=_NAME, reason=Reason.DEADLINE),
        ev.OrderDoubted(client_order_id=_NAME, reason=Reason.OUTCOME_UNKNOWN, detail="504"),
        ev.OrderUnresolved(client_order_id=_NAME, reason=Reason.OUTCOME_UNKNOWN, detail="504"),
        ev.OrderResolved(client_order_id=_NAME, by="an operator", evidence="statement", report=report),
        ev.CancelRequested(client_order_id=_NAME, reason=Reason.DEADLINE),
        ev.CancelAsked(plan_id="plan-1", by="an operator", detail="wrong plan"),
        ev.AccountChosen(plan_id="plan-1", account="growth"),
        ev.Halted(by="an operator", reason="prices look wrong", reduce_only=True),
        ev.Unhalted(by="an operator", reason="prices are right again"),
        ev.StageChanged(stage=Stage.CANARY, by="an operator", reason="earned", evidence=("10 of 10",)),
        ev.StopRequested(reason=Reason.INTERRUPTED, detail="Ctrl-C"),
        ev.Reconciled(differences=(difference,)),
        ev.ShadowCompared(
            plan_id="plan-1",
            against="old",
            executed_at=AT,
            clean=False,
            differences=(ShadowDifference(symbol="SPY", field=ShadowField.SIDE, ours="BUY", theirs="SELL"),),
            compared_fields=(ShadowField.SIDE,),
            lines=1,
        ),
        ev.CallsCounted(
            calls=(CallCount(call="place_order", status="ok", calls=2),),
            resent=1,
            waits=3,
            waited_s=0.25,
            commits=7,
        ),
        ev.ExecutionRefused(result=a_result(ExecutionStatus.REFUSED)),
        ev.ExecutionSuspended(result=a_result(ExecutionStatus.IN_DOUBT)),
        ev.ExecutionCompleted(result=a_result()),
        an_alert("ünïcödé \u2028 \x00 \U0001f4b8"),
    )
