"""What a type checker sees of the installed wheel: strict, and each mistake that is ignored is one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from planfill import ExecutionManager
from planfill.application.ports.listener import EventListener
from planfill.domain.errors import ExecutionError, PlanInvalid
from planfill.domain.events import Recorded
from planfill.domain.result import ExecutionResult, ExecutionStatus


class Prints(EventListener):
    """Prints what happens."""

    name = "prints"

    async def on_event(self, recorded: Recorded) -> None:
        """Print one event."""
        print(recorded.number, recorded.event.kind)  # noqa: T201 - that is its use


def execute(plan: Mapping[str, object], settings: Path) -> dict[str, Decimal]:
    """Execute a plan; give what was filled, by symbol."""
    try:
        with ExecutionManager.from_settings(settings, listeners=[Prints()]) as execution:
            result = execution.execute_rebalance_plan(plan)
    except PlanInvalid as e:
        raise SystemExit("\n".join(f"{one.path}: {one.message}" for one in e.problems)) from e
    except ExecutionError as e:
        raise SystemExit(e.exit_code) from e
    if result.status is ExecutionStatus.IN_DOUBT:
        raise SystemExit(result.detail)
    return {order.symbol: order.filled_usd for order in result.orders if order.success}


async def execute_in_a_loop(execution: ExecutionManager, plan: Mapping[str, object]) -> ExecutionResult:
    """Execute a plan from a running loop."""
    return await execution.execute_rebalance_plan_async(plan)


def mistaken(execution: ExecutionManager) -> None:
    """Do what is wrong in ways that a type checker sees."""
    succeeded: str = execution.execute_rebalance_plan(None).success  # type: ignore[assignment]
    execution.resume(plan=succeeded)  # type: ignore[call-arg]
    execution.execute_rebalance_plan(None).sucess  # type: ignore[attr-defined] # noqa: B018 - see above
    ExecutionManager()  # type: ignore[call-arg]
