"""Every control, set low and tripped on purpose against a mock exchange of its own: which of them held."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from planfill.adapters.brokers.mock import MockBroker, MockSettings, On, Script
from planfill.adapters.brokers.mock.faults import Fail, FillLate, FillOnly, IgnoreCancel, Refuse
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.execute import ExecutePlan
from planfill.application.heeding import account_stream
from planfill.application.stopping import StopSignal
from planfill.bootstrap.live_account import LIVE_ACCOUNT, live
from planfill.domain.drill import Drill, DrillReport
from planfill.domain.errors import BrokerUnavailable
from planfill.domain.events import StageChanged
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.reading import read_plan
from planfill.domain.stages import Stage
from planfill.domain.values import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planfill.application.ports.clock import Clock
    from planfill.domain.result import ExecutionResult, OrderResult

PRICES: Final = {"SPY": "400", "QQQ": "300", "GLD": "170", "IWM": "200", "TLT": "140"}
_BUYS: Final = (("BUY", "SPY", "6000"), ("BUY", "QQQ", "3000"))
_MANY: Final = tuple(("BUY", symbol, "100") for symbol in PRICES)
_SWAP: Final = (("SELL", "SPY", "4000"), ("BUY", "QQQ", "3900"))
_LOST: Final = Fail(BrokerUnavailable("nobody answers"))


class Case(NamedTuple):
    """
    How a control is tripped: the settings, and a plan that exceeds them.

    ``lines`` are action, symbol and dollars; ``again`` means that the plan was executed a moment before,
    under another name. ``reason`` is what it ends with; ``mock`` and ``faults`` are the exchange's. With
    ``live`` the account is live, and at that stage.
    """

    control: str
    settings: Mapping[str, Any]
    lines: tuple[tuple[str, str, str], ...] = _BUYS
    reason: Reason = Reason.LIMIT
    again: bool = False
    mock: Mapping[str, Any] = {}
    faults: tuple[On, ...] = ()
    live: Stage | None = None

    def plan(self, now: str, plan_id: str) -> dict[str, Any]:
        """Write the plan."""
        items = [
            {"action": action, "symbol": symbol, "trade_amount": usd if action == "BUY" else f"-{usd}"}
            for action, symbol, usd in self.lines
        ]
        return {
            "plan_id": plan_id,
            "correlation_id": plan_id,
            "timestamp": now,
            "total_portfolio_value": "100000",
            "items": items,
        }


def _limit(name: str, value: Any, **rest: Any) -> Case:  # noqa: ANN401 - as settings are
    return Case(f"limits.{name}", {f"limits.{name}": value}, **rest)


def _rollout(name: str, live: Stage, **settings: Any) -> Case:  # noqa: ANN401 - as settings are
    figures = {f"rollout.{field}": value for field, value in {"allow_live": True, **settings}.items()}
    return Case(f"rollout.{name}", figures, reason=Reason.ROLLOUT, live=live)


CASES: Final = (
    _limit("max_order_usd", "5000"),
    _limit("max_order_pct", "5"),
    _limit("max_order_shares", "10"),
    _limit("max_plan_usd", "8999"),
    _limit("max_plan_orders", 1),
    _limit("max_net_buy_usd", "8999"),
    _limit("max_daily_usd", "17999", again=True),
    _limit("max_daily_orders", 3, again=True),
    _limit("max_daily_plans", 1, again=True),
    _limit("max_orders_per_minute", 3, again=True),
    _limit("allow_symbols", ["QQQ"]),
    _limit("deny_symbols", ["SPY"]),
    _limit("duplicate_window_s", 60, again=True, reason=Reason.DUPLICATE_ORDER),
    Case(
        "limits.breaker_halt_pct",
        {"limits.breaker_halt_pct": 40, "limits.breaker_min_sample": 2},
        lines=_MANY, reason=Reason.BREAKER, faults=(On("place_order", Refuse()),),
    ),
    Case(
        "limits.breaker_rejections",
        {"limits.breaker_rejections": 2, "execution.concurrency": 1},
        lines=_MANY, reason=Reason.BREAKER, faults=(On("place_order", Refuse()),),
    ),
    Case(
        "limits.breaker_errors",
        {"limits.breaker_errors": 2, "execution.concurrency": 1, "execution.order_deadline_s": 2},
        lines=_MANY, reason=Reason.BREAKER, faults=(On("place_order", _LOST),),
    ),
    Case(
        "limits.breaker_unresolved",
        {
            "limits.breaker_unresolved": 1, "execution.sequencing": "plan_order",
            "execution.order_deadline_s": 0.2, "execution.cancel_grace_s": 0.2, "execution.poll_s": 0.05,
        },
        lines=(("BUY", "IWM", "4000"), *_SWAP), reason=Reason.BREAKER,
        faults=(
            On("place_order", FillOnly(Quantity(Decimal("0.1"))), symbol="IWM"),
            On("place_order", FillLate(seconds=0.5), symbol="SPY"),
            On("cancel_order", _LOST, symbol="IWM"),
            On("cancel_order", IgnoreCancel(), symbol="SPY"),
        ),
    ),
    Case(
        "limits.max_shortfall_usd", {"limits.max_shortfall_usd": 30},
        lines=_SWAP, reason=Reason.SHORTFALL, mock={"slippage_bps": 100},
    ),
    Case(
        "limits.max_shortfall_bps", {"limits.max_shortfall_bps": 50},
        lines=_SWAP, reason=Reason.SHORTFALL, mock={"slippage_bps": 100},
    ),
    _rollout("allow_live", Stage.LIVE, allow_live=False),
    _rollout("promote", Stage.PAPER),
    _rollout("canary_symbols", Stage.CANARY, canary_symbols=["QQQ"], canary_max_usd="9000"),
    _rollout("canary_max_usd", Stage.CANARY, canary_max_usd="5000"),
    _rollout("canary_orders_a_day", Stage.CANARY, canary_orders_a_day=1, canary_max_usd="9000"),
    _rollout("ramp", Stage.LIVE, ramp=[5, 100]),
)  # fmt: skip


async def drill(clock: Clock) -> DrillReport:
    """Trip every control on a mock exchange and a ledger that nobody else has; nothing else is touched."""
    return DrillReport(at=clock.now(), drills=tuple([await _drill(case, clock) for case in CASES]))


async def _drill(case: Case, clock: Clock) -> Drill:
    exchange = {"prices": PRICES, "book": ":memory:", "cash": "50000", "holdings": {"SPY": "10"}, **case.mock}
    broker = MockBroker(MockSettings.model_validate(exchange), clock, Script(*case.faults))
    ledger = MemoryLedger()
    sections: dict[str, dict[str, Any]] = {
        "limits": {}, "execution": {"max_plan_age_s": 0}, "rollout": {},
    }  # fmt: skip
    for name, value in case.settings.items():
        section, _, field = name.partition(".")
        sections[section][field] = value
    family = broker.brokerage() if case.live is None else live(broker.brokerage())
    execute = ExecutePlan(
        brokerage=family, ledger=ledger, cursors=ledger, clock=clock,
        policy=Policy.model_validate(sections), listeners=(), wrap=stack, holder="planfill limits check",
    )  # fmt: skip

    async def run(plan_id: str) -> ExecutionResult:
        return await execute(read_plan(case.plan(clock.now().isoformat(), plan_id)), StopSignal())

    if case.live is not None:
        await ledger.append(
            account_stream(LIVE_ACCOUNT),
            [StageChanged(stage=case.live, by=execute.holder, reason="a drill")],
            at=clock.now(),
        )
    if case.again:
        await run("before")
    return _judged(case, await run("drill"))


def _judged(case: Case, result: ExecutionResult) -> Drill:
    stopped = [line for line in result.lines if line.reason is case.reason]
    said = result.detail or "; ".join(f"{line.symbol}: {_said(line)}" for line in stopped)
    setting = ", ".join(f"{name} = {value}" for name, value in case.settings.items())
    return Drill(
        control=case.control,
        setting=setting,
        stopped=bool(stopped),
        what=f"{result.status}: {said}" if stopped else f"{result.status}: nothing was stopped",
    )


def _said(line: OrderResult) -> str:
    """Give what a line says of itself; one that was only cut says it in dollars."""
    told = line.detail.removeprefix(f"{line.symbol}: ")
    return told or f"traded ${line.filled_usd} of ${line.planned_usd}"
