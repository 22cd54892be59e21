"""What stands behind the façade: the use-cases, each made when it is asked for."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from planfill.application.assigning import Assign
    from planfill.application.audit import Audit
    from planfill.application.canceling import CancelPlan
    from planfill.application.examining import Examine
    from planfill.application.execute import ExecutePlan
    from planfill.application.halting import Halts
    from planfill.application.metering import Metering
    from planfill.application.ports.alerter import Heartbeat
    from planfill.application.ports.clock import Clock
    from planfill.application.preview import PreviewPlan
    from planfill.application.promoting import Rollout
    from planfill.application.queries import Executions
    from planfill.application.reconciling import Reconcile
    from planfill.application.resolving import ResolveOrder
    from planfill.application.shadowing import Shadowing
    from planfill.application.watching import Watch


class Services(Protocol):
    """The use-cases behind the façade, made when they are asked for: what is not used is not built."""

    @property
    @abstractmethod
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts in the settings; none where the settings are one account's."""

    @property
    @abstractmethod
    def chosen(self) -> str | None:
        """The account that was chosen for whatever does not name one."""

    @abstractmethod
    def of(self, account: str | None) -> Services:
        """
        Give the use-cases of one account of the settings; of the only one there is for None.

        Raises:
            AccountUnknown: There is none of this name, or one has to be named; the message lists them.

        """

    @abstractmethod
    def assign(self) -> Assign:
        """Give the use-case that gives a plan to the account, and executes it there."""

    @abstractmethod
    def clock(self) -> Clock:
        """Give the clock."""

    @abstractmethod
    def execute(self) -> ExecutePlan:
        """Give the use-case that executes plans."""

    @abstractmethod
    def preview(self) -> PreviewPlan:
        """Give the use-case that rehearses plans."""

    @abstractmethod
    def executions(self) -> Executions:
        """Give the queries."""

    @abstractmethod
    def cancel(self) -> CancelPlan:
        """Give the use-case that cancels plans."""

    @abstractmethod
    def halts(self) -> Halts:
        """Give the use-cases that halt, and lift that again."""

    @abstractmethod
    def rollout(self) -> Rollout:
        """Give the use-cases that tell and move the stage of the account."""

    @abstractmethod
    def shadowing(self) -> Shadowing:
        """Give the use-cases that compare with a shadow."""

    @abstractmethod
    def resolve(self) -> ResolveOrder:
        """Give the use-case that resolves orders."""

    @abstractmethod
    def reconcile(self) -> Reconcile:
        """Give the use-case that reconciles executions."""

    @abstractmethod
    def audit(self) -> Audit:
        """Give the use-case that verifies the ledger."""

    @abstractmethod
    def metering(self) -> Metering:
        """Give the use-case that measures executions."""

    @abstractmethod
    def examine(self) -> Examine:
        """Give the use-case that examines the set-up."""

    @abstractmethod
    def watch(self, *, aloud: bool = False) -> Watch:
        """Give the use-case that looks and alerts; ``aloud`` in the log of this process too."""

    @abstractmethod
    def heartbeat(self) -> Heartbeat | None:
        """Give whom to tell of the beginning and the end of each run, if there is one."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close what was opened."""
