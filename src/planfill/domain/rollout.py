"""Where an account stands in its rollout, and what comes before and after that."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from planfill.domain.events import StageChanged
from planfill.domain.stages import LIVE, Stage, Terms

if TYPE_CHECKING:
    from planfill.domain.events import Recorded
    from planfill.domain.identity import AccountKey
    from planfill.domain.policy import RolloutPolicy


class Rung(NamedTuple):
    """A stage, a step of the ramp (from 0), since when, and the number of the event that says so."""

    stage: Stage = Stage.PAPER
    step: int = 0
    since: datetime | None = None
    change: int = 0

    def __str__(self) -> str:
        """Name it."""
        return f"{self.stage}, step {self.step + 1} of the ramp" if self.stage is Stage.LIVE else self.stage

    def above(self, policy: RolloutPolicy) -> Rung | None:
        """Give the next one; None at the end."""
        if self.stage is Stage.PAPER:
            return Rung(Stage.CANARY)
        step = self.step + 1 if self.stage is Stage.LIVE else 0
        return Rung(Stage.LIVE, step) if step < len(policy.ramp) else None

    def below(self) -> Rung:
        """Give the one before."""
        if self.stage is Stage.LIVE:
            return Rung(Stage.LIVE, self.step - 1) if self.step else Rung(Stage.CANARY)
        return Rung()

    def terms(self, policy: RolloutPolicy) -> Terms:
        """Say what it permits; a step that the settings do not name any more is their last."""
        if self.stage is Stage.LIVE:
            percent = policy.ramp[min(self.step, len(policy.ramp) - 1)]
            return Terms(stage=self.stage, percent=percent, change=self.change)
        return Terms(
            stage=self.stage,
            symbols=policy.canary_symbols,
            max_usd=policy.canary_max_usd,
            orders_a_day=policy.canary_orders_a_day,
            change=self.change,
        )


def rung_after(rung: Rung, recorded: Recorded) -> Rung:
    """Give where an account stands after an event of its stream."""
    event = recorded.event
    if isinstance(event, StageChanged):
        return Rung(event.stage, event.step, recorded.at, recorded.number)
    return rung


def forbidden(account: AccountKey, rung: Rung, policy: RolloutPolicy) -> str:
    """Say all that keeps an account from sending anything, and the remedy; empty where nothing does."""
    if account.environment != LIVE:
        return ""
    missing = []
    if not policy.allow_live:
        missing.append("rollout.allow_live is false: set it to true in the settings")
    if rung.stage is Stage.PAPER:
        missing.append("it has not been promoted: planfill rollout status, then planfill rollout promote")
    return f"account {account} is live, where real money is at stake; {'; '.join(missing)}" if missing else ""
