"""A halt: who wanted that nothing more is sent, since when, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from planfill.domain.events import Halted, Unhalted
from planfill.domain.identity import AccountKey
from planfill.domain.values import Value

if TYPE_CHECKING:
    from planfill.domain.events import Recorded


class Halt(Value, frozen=True):
    """
    Nothing is sent, or with ``reduce_only`` nothing but sells, until somebody lifts it.

    ``account`` is None where it holds for all accounts; ``at`` is in UTC.
    """

    by: str
    at: AwareDatetime
    reason: str
    reduce_only: bool = False
    account: AccountKey | None = None

    def __str__(self) -> str:
        """Say what it stops, whose it is, and how it ends; in one sentence."""
        where = "any account" if self.account is None else f"account {self.account}"
        what = "nothing is bought" if self.reduce_only else "nothing is sent"
        whose = f"halted by {self.by} at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"
        return f"{whose}; {what} on {where} until {unhalt(self.account)}"


def unhalt(account: AccountKey | None) -> str:
    """Write the command that lifts a halt."""
    return "planfill unhalt" if account is None else f"planfill unhalt --account {account}"


def halt_after(halt: Halt | None, recorded: Recorded, account: AccountKey | None) -> Halt | None:
    """Give the halt of an account (None: of all) after an event of its stream."""
    match recorded.event:
        case Halted() as event:
            return Halt(
                by=event.by,
                at=recorded.at,
                reason=event.reason,
                reduce_only=event.reduce_only,
                account=account,
            )
        case Unhalted():
            return None
        case _:
            return halt


def strictest(*halts: Halt | None) -> Halt | None:
    """Give the halt that counts where there are several: the one that lets least through, then the oldest."""
    found = (halt for halt in halts if halt is not None)
    return min(found, key=lambda halt: (halt.reduce_only, halt.at), default=None)
