"""The one loop: fold, decide, perform, append; the same for a first run, a resume and a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from planfill.application.funding import Funding
from planfill.application.placing import place, recover
from planfill.application.preparing import close, prepare
from planfill.application.tracking import Tracker
from planfill.domain import deciding as step
from planfill.domain.events import StopRequested
from planfill.domain.following import not_sent

if TYPE_CHECKING:
    from planfill.application.ports.broker import Broker
    from planfill.application.run import Run


async def execute(run: Run, broker: Broker) -> None:  # noqa: C901 - one case a step
    """Bring an execution as far as it will go in this run."""
    tracker = Tracker(run, broker)
    funding = Funding(run, tracker.track)
    while True:
        await run.note(*run.stop.unrecorded(run.state))
        match step.decide(run.state, run.policy, run.largest_wave):
            case step.Finish():
                return
            case step.Place(orders):
                await place(run, broker, orders)
            case step.Track():
                await tracker.track()
            case step.Wave(lines):
                await run.note(*await prepare(run, lines))
            case step.Fund(lines, in_full):
                await funding.fund(lines, in_full=in_full)
            case step.Recover(orders):
                await recover(run, broker, orders)
            case step.Close(lines, reason, detail):
                await run.note(*close(lines, reason, detail))
            case step.Withdraw(orders, reason, detail):
                await run.note(*(not_sent(order, reason, detail) for order in orders))
            case step.Stop(reason, detail):
                await run.note(StopRequested(reason=reason, detail=detail))
            case unknown:
                assert_never(unknown)
