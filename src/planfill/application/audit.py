"""Auditing the ledger: every chain recomputed, every execution rebuilt from its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planfill.application.exporting import as_lines, from_lines
from planfill.application.ports.ledger import AuditTrail
from planfill.domain.auditing import Finding, verify
from planfill.domain.errors import PlanUnknown
from planfill.domain.rebuilding import plan_in
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planfill.domain.auditing import Verified


class StreamReport(Value, frozen=True):
    """One stream that was checked: how many events stand in it, and the hash of the last."""

    stream: str
    events: int
    head: str


class AuditReport(Value, frozen=True):
    """What was checked, and everything that is not in order."""

    in_order: bool
    events: int
    streams: tuple[StreamReport, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The use-case, over what is stored."""

    trail: AuditTrail

    async def __call__(self, plan_id: str | None = None, *, against: str | None = None) -> AuditReport:
        """
        Verify the executions of one plan, or every stream there is.

        ``against`` is a head that was kept elsewhere: some event must have this hash.

        Raises:
            PlanUnknown: The ledger has no execution of the plan.
            LedgerUnavailable: The ledger cannot be read.

        """
        names = await self.trail.streams() if plan_id is None else await self._streams_of(plan_id)
        return _report({name: verify(await self.trail.stored(name)) for name in names}, against)

    async def export(self, plan_id: str) -> tuple[str, ...]:
        """
        Write the latest execution of a plan as JSON lines, as it stands; ``verify_file`` reads them.

        Raises:
            PlanUnknown: The ledger has no execution of the plan.
            LedgerUnavailable: The ledger cannot be read.

        """
        return as_lines(await self.trail.stored((await self._streams_of(plan_id))[-1]))

    async def _streams_of(self, plan_id: str) -> list[str]:
        names = [name for name in await self.trail.streams() if plan_in(name) == plan_id]
        if not names:
            msg = f"the ledger knows no plan {plan_id!r}: planfill list shows those it knows"
            raise PlanUnknown(msg)
        return names


def verify_file(
    lines: Iterable[str], plan_id: str | None = None, *, against: str | None = None
) -> AuditReport:
    """
    Rebuild an execution from what ``Audit.export`` wrote, and verify it as if it stood in the ledger.

    Raises:
        PlanUnknown: It is not the execution of this plan.

    """
    stored, problems = from_lines(lines)
    if plan_id is not None and plan_in(stored.name) != plan_id:
        msg = f"the file holds {stored.name or 'no execution'}, and not one of plan {plan_id!r}"
        raise PlanUnknown(msg)
    unread = tuple(Finding(stream=stored.name, number=None, problem=problem) for problem in problems)
    found = verify(stored)
    return _report({stored.name: found._replace(findings=(*unread, *found.findings))}, against)


def _report(verified: dict[str, Verified], against: str | None) -> AuditReport:
    findings = [finding for one in verified.values() for finding in one.findings]
    if against is not None and not any(against in one.heads for one in verified.values()):
        only = next(iter(verified)) if len(verified) == 1 else ""
        problem = f"no event has the hash {against}: what was recorded up to it was written anew, or removed"
        findings.append(Finding(stream=only, number=None, problem=problem))
    return AuditReport(
        in_order=not findings,
        events=sum(one.events for one in verified.values()),
        streams=tuple(
            StreamReport(stream=name, events=one.events, head=one.head) for name, one in verified.items()
        ),
        findings=tuple(findings),
    )
