"""What of the façade tells people: alerts, heartbeats, and the look at what was begun."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from planfill.application.advancing import StagedFacade
from planfill.application.background import Background

if TYPE_CHECKING:
    from planfill.application.alerting import Delivery
    from planfill.application.halting import HaltReport, LiftReport
    from planfill.application.ports.alerter import Beat
    from planfill.application.services import Services
    from planfill.application.thread import LoopThread
    from planfill.application.watching import WatchReport
    from planfill.domain.alert import Alert
    from planfill.domain.result import ExecutionResult


class WatchingFacade(StagedFacade):
    """The part of ``ExecutionFacade`` that disturbs no execution."""

    def __init__(self, services: Services, thread: LoopThread) -> None:
        super().__init__(services, thread)
        self._background = Background()

    def watch(self) -> WatchReport:
        """
        Look once for what stands wrong now, and tell every target what it has not been told.

        Raises:
            LedgerError: The ledger cannot be used.

        """
        return self._thread.call(self._watch)

    def alerts(self, most: int = 20) -> tuple[Alert, ...]:
        """Give the last alerts in the ledger, oldest first."""
        return self._thread.call(self._alerts, most)

    def test_alerts(self, name: str | None = None) -> tuple[Delivery, ...]:
        """
        Send a test message to a target, or to all; say what came of each.

        Raises:
            AlertNotDelivered: There is no such target.

        """
        return self._thread.call(self._test_alerts, name)

    def alerted(self) -> tuple[str, ...]:
        """
        Wait until what was executed last is told, 20 s at most; give what went wrong, which changes nothing.

        That goes on by itself once a result is out, and ``close`` waits for it too.
        """
        return self._thread.call(self._background.done)

    async def _halt(self, reason: str, account: str | None, reduce_only: bool) -> HaltReport:  # noqa: FBT001
        report = await super()._halt(reason, account, reduce_only)
        self._background.begin(self._tell)
        return report

    async def _unhalt(self, reason: str, account: str | None) -> LiftReport:
        report = await super()._unhalt(reason, account)
        self._background.begin(self._tell)
        return report

    def _tell_of(self, result: ExecutionResult) -> None:
        """Tell of a result that is out, and of what else stands wrong."""
        self._background.begin(partial(self._look, result))
        self._beat("success" if result.success else "fail")

    def _beat(self, beat: Beat) -> None:
        heartbeat = self._services.heartbeat()
        if heartbeat is not None:
            self._background.begin(partial(heartbeat.beat, beat))

    async def _look(self, result: ExecutionResult) -> None:
        watch = self._services.watch()
        await watch.note(result)
        self._background.troubles += [one.trouble for one in (await watch()).deliveries if one.trouble]

    async def _tell(self) -> None:
        deliveries = await self._services.watch().alerts.deliver()
        self._background.troubles += [one.trouble for one in deliveries if one.trouble]

    async def _watch(self) -> WatchReport:
        return await self._services.watch(aloud=True)()

    async def _alerts(self, most: int) -> tuple[Alert, ...]:
        return await self._services.watch().alerts.recent(most)

    async def _test_alerts(self, name: str | None) -> tuple[Delivery, ...]:
        return await self._services.watch().alerts.test(name)
