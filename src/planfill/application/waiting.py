"""Waiting for the session before the first order, where the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.checks import Objection, check_plan_age, check_session
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.events import Alerted, Severity
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from planfill.application.run import Run
    from planfill.domain.plan import Plan

# How often the broker is asked again: it alone says whether the market is open.
_ASK_EVERY_S: Final = 60.0


async def wait_for_session(run: Run, plan: Plan) -> None:
    """
    Return when orders may be sent, or a stop is asked for; a plan that grows too old meanwhile is stopped.

    Only a plan of which nothing has been recorded waits: what the close leaves over is reported instead.
    """
    if run.policy.execution.market_closed != "wait" or run.state.orders:
        return
    session = _Session(run, plan)
    await session.look()
    if session.closed is not None:
        detail = f"the plan waits: {session.closed.detail}"
        await run.note(Alerted(severity=Severity.WARNING, reason=session.closed.reason, detail=detail))
    while session.closed is not None and run.stop.reason is None:
        await run.stop.or_done(session.look_again())


class _Session:
    """The session as it was seen last: ``closed`` says what keeps orders from being sent, if anything."""

    def __init__(self, run: Run, plan: Plan) -> None:
        self.closed: Objection | None = None
        self._run = run
        self._plan = plan
        self._again_in_s = _ASK_EVERY_S

    async def look_again(self) -> None:
        """Look when it is time."""
        await self._run.clock.sleep(self._again_in_s)
        await self.look()

    async def look(self) -> None:
        """Ask whether it is open, and stop a plan that has grown too old."""
        run, self._again_in_s = self._run, _ASK_EVERY_S
        try:
            session = await run.ask(run.brokerage.hours.get_session)
        except BrokerConnectionError as e:
            self.closed = Objection(Reason.MARKET_CLOSED, f"nobody says whether the market is open: {e}")
        else:
            now = run.clock.now()
            self.closed = check_session(session, now, run.policy.execution)
            opens_in_s = (session.opens_at - now).total_seconds() if session.opens_at else 0
            # At the opening, not up to a minute after it.
            if 0 < opens_in_s < _ASK_EVERY_S:
                self._again_in_s = opens_in_s
        if old := check_plan_age(self._plan, run.clock.now(), run.policy.execution):
            run.stop.request(old.reason, old.detail)
