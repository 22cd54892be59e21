"""Shadow runs: what is executed already, compared with what somebody else made of the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from planfill.application.heeding import account_stream
from planfill.application.opening import replay
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import Ledger
from planfill.application.ports.shadow import Shadow, Shadowed
from planfill.application.queries import Executions
from planfill.domain.errors import Problem, SettingsError, ShadowFailed
from planfill.domain.events import ShadowCompared
from planfill.domain.result import ExecutionStatus
from planfill.domain.shadow import ShadowOrder
from planfill.domain.shadowing import clean_days, compare_orders, latest_runs, orders_of
from planfill.domain.values import Value

if TYPE_CHECKING:
    from planfill.domain.identity import AccountKey
    from planfill.domain.plan import Plan
    from planfill.domain.state import ExecutionState

_NOTHING_TO_COMPARE: Final = frozenset({ExecutionStatus.REFUSED, ExecutionStatus.IN_DOUBT})


class ShadowReport(Value, frozen=True):
    """The shadow runs of one account that count, oldest first, and the days that were clean, in UTC."""

    account: str
    clean_days: tuple[date, ...]
    runs: tuple[ShadowCompared, ...]


@dataclass(frozen=True, slots=True)
class Shadowing:
    """The use-cases; ``shadows`` are those of the settings, by name."""

    ledger: Ledger
    clock: Clock
    executions: Executions
    shadows: Mapping[str, Shadow]

    def named(self, name: str) -> Shadow:
        """
        Find a shadow.

        Raises:
            SettingsError: There is none of this name.

        """
        if name not in self.shadows:
            known = f"known are {', '.join(sorted(self.shadows))}" if self.shadows else "there is none"
            message = f"no such shadow in the settings; {known}: add the table [shadow.{name}]"
            raise SettingsError([Problem(path=f"shadow.{name}", message=message)])
        return self.shadows[name]

    async def orders(self, plan_id: str) -> tuple[ShadowOrder, ...]:
        """
        Tell what became of each line of the latest execution of a plan.

        Raises:
            PlanUnknown: The ledger knows no execution of it.
            ShadowFailed: It was refused, or has not ended: there is nothing to compare.

        """
        return orders_of((await self._executed(plan_id))[2])

    async def compare(self, plan_id: str, against: str, account: str | None = None) -> ShadowCompared:
        """
        Compare the latest execution of a plan with what a shadow made of it, and keep what came of that.

        Of the executions on ``account``, where one is named.

        A shadow that fails is what came of it. The same found again is not recorded again.

        Raises:
            SettingsError: There is no shadow of this name.
            PlanUnknown: The ledger knows no execution of it.
            ShadowFailed: It was refused, or has not ended: there is nothing to compare.

        """
        shadow = self.named(against)
        executed_on, plan, state = await self._executed(plan_id, account)
        document = plan.model_dump(mode="json", exclude_none=True, exclude={"warnings"})
        quotes = {one.order.symbol: one.sizing.mid_price or one.sizing.price for one in state.orders.values()}
        told = {
            "plan_id": plan_id,
            "against": against,
            "executed_at": state.result and state.result.finished_at,
        }
        try:
            theirs = await shadow.orders(Shadowed(document, str(executed_on), quotes))
        except ShadowFailed as e:
            event = ShadowCompared.model_validate({**told, "clean": False, "trouble": str(e)})
        except Exception as e:  # noqa: BLE001 - whatever a shadow says, the execution stands
            trouble = f"{type(e).__name__} in what it says"
            event = ShadowCompared.model_validate({**told, "clean": False, "trouble": trouble})
        else:
            verdict = compare_orders(orders_of(state), theirs, shadow.tolerances)
            event = ShadowCompared.model_validate({**told, **dict(verdict), "clean": not verdict.differences})
        stream = account_stream(executed_on)
        known = [one.event for one in await self.ledger.read(stream)]
        same = [one for one in known if isinstance(one, ShadowCompared) and one.plan_id == plan_id]
        if event not in [one for one in same if one.against == against][-1:]:
            await self.ledger.append(stream, [event], at=self.clock.now())
        return event

    async def report(self) -> tuple[ShadowReport, ...]:
        """Tell of every account with shadow runs which they are, and which days were clean."""
        found = []
        for account in dict.fromkeys(one.key.account for one in await self.executions.all()):
            events = await self.ledger.read(account_stream(account))
            if runs := latest_runs(events):
                found.append(ShadowReport(account=str(account), clean_days=clean_days(events), runs=runs))
        return tuple(found)

    async def _executed(
        self, plan_id: str, account: str | None = None
    ) -> tuple[AccountKey, Plan, ExecutionState]:
        key, plan = await self.executions.plan(plan_id, account)
        state = await replay(self.ledger, key)
        status = state.result.status if state.result and state.finished else ExecutionStatus.IN_DOUBT
        if status in _NOTHING_TO_COMPARE:
            msg = f"plan {plan_id!r} has nothing to compare: its execution is {status}"
            raise ShadowFailed(msg)
        return key.account, plan, state
