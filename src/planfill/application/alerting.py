"""Sending alerts: from the ledger, behind a cursor for each target, off the trading path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

import anyio

from planfill.application.alert_counts import DELIVERED, FAILED, one_more
from planfill.application.ports.alerter import Alerter
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import Cursors, Ledger
from planfill.domain.alert import Alert, audible, is_for
from planfill.domain.alert_message import AlertMessage, message
from planfill.domain.errors import AccountBusy, AlertNotDelivered, ExecutionError
from planfill.domain.events import Severity
from planfill.domain.identity import AccountKey
from planfill.domain.raising import alerts
from planfill.domain.values import Value

_SYSTEM: Final = "system"
_NOBODY: Final = ""
"""Who has been told nothing: a listener without a name has no cursor."""
_OLD: Final = timedelta(days=1)
"""A target that is new is not told of what happened longer ago."""
_LOOKS: Final = 20
_EVERY_S: Final = 0.5
_HOUR_S: Final = 3600
_Ends = dict[str, dict[str, int]]
"""How far listeners have been told, by stream."""


class AlertTarget(NamedTuple):
    """Whom to tell of what is at least as grave as ``severity``, in ``per_hour`` messages at most."""

    name: str
    alerter: Alerter
    severity: Severity = Severity.WARNING
    per_hour: int = 30


class Delivery(Value, frozen=True):
    """What came of telling one target: the alerts it has taken; ``trouble`` is empty where all is well."""

    target: str
    alerts: tuple[Alert, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Alerts:
    """
    The use-cases. ``cursors`` may be the ledger itself; ``holder`` says who we are.

    A target is told by one process at a time. What it has not taken stays behind its cursor, for whoever
    delivers next. Only a process that ends between the target's answer and the next write tells it twice.
    """

    ledger: Ledger
    cursors: Cursors
    clock: Clock
    targets: Sequence[AlertTarget]
    holder: str

    async def deliver(self) -> tuple[Delivery, ...]:
        """Tell each target what it has not been told, in one message; a slow one delays no other."""
        done: dict[str, Delivery] = {}

        async def tell(target: AlertTarget) -> None:
            try:
                done[target.name] = await self._deliver(target)
            except ExecutionError as e:
                done[target.name] = Delivery(target=target.name, trouble=str(e))

        async with anyio.create_task_group() as group:
            for target in self.targets:
                group.start_soon(tell, target)
        return tuple(done[target.name] for target in self.targets)

    async def recent(self, most: int) -> tuple[Alert, ...]:
        """Give the last alerts of all executions and accounts, oldest first."""
        found = [
            alert
            for stream in await self.cursors.behind(_NOBODY)
            for _, alert in audible(alerts(await self.ledger.read(stream)))
        ]
        return tuple(sorted(found, key=lambda alert: alert.at)[-most:])

    async def test(self, name: str | None = None) -> tuple[Delivery, ...]:
        """
        Send a test message to a target, or to all; neither cursor nor rate changes.

        Raises:
            AlertNotDelivered: There is no such target, or none at all.

        """
        chosen = [target for target in self.targets if name in {None, target.name}]
        if not chosen:
            known = ", ".join(target.name for target in self.targets)
            what = (
                f"no alert target {name!r}: known are {known}" if known else "no alert target is configured"
            )
            msg = f"{what}; see [alerts.targets.NAME] in the settings"
            raise AlertNotDelivered(msg)
        text = "This is a test: whoever reads it would be told of alerts. Nothing is wrong."
        sent = AlertMessage(
            severity=Severity.WARNING, title="Planfill test message", plain=text, html=f"<p>{text}</p>"
        )
        return tuple([await self._test(target, sent) for target in chosen])

    async def _test(self, target: AlertTarget, sent: AlertMessage) -> Delivery:
        try:
            await target.alerter.send(sent)
        except AlertNotDelivered as e:
            return Delivery(target=target.name, trouble=str(e))
        return Delivery(target=target.name)

    async def _deliver(self, target: AlertTarget) -> Delivery:
        for _ in range(_LOOKS):
            try:
                claim = await self.ledger.claim(
                    AccountKey(broker="planfill", environment="alerts", number=target.name),
                    holder=self.holder,
                    at=self.clock.now(),
                )
            except AccountBusy:
                # Whoever tells it now may have looked before our events were there.
                await self.clock.sleep(_EVERY_S)
                continue
            async with claim:
                return await self._tell(target)
        return Delivery(target=target.name, trouble="another process tells it; the next one tells the rest")

    async def _tell(self, target: AlertTarget) -> Delivery:
        pending, ends, quiet = await self._pending(target)
        # What holds nothing for the target is never read again, whether or not it takes the rest.
        if quiet:
            await self.cursors.move_cursors(quiet)
        if pending:
            known, name = await self.cursors.get_cursors(_SYSTEM), _cursor(target)
            hour, sent = self._rate(known, name)
            if sent >= target.per_hour:
                trouble = f"{len(pending)} alerts wait: {sent} messages were sent within the hour"
                return Delivery(target=target.name, trouble=trouble)
            try:
                await target.alerter.send(message(pending))
            except AlertNotDelivered:
                await self.cursors.move_cursors({_SYSTEM: one_more(known, name, FAILED)})
                raise
            rate = {f"{name}/hour": hour, f"{name}/sent": sent + 1, **one_more(known, name, DELIVERED)}
            await self.cursors.move_cursors({**ends, _SYSTEM: {**ends.get(_SYSTEM, {}), **rate}})
        return Delivery(target=target.name, alerts=pending)

    async def _pending(self, target: AlertTarget) -> tuple[tuple[Alert, ...], _Ends, _Ends]:
        """
        Give the alerts that a target is owed, and where its cursors stand once it has them.

        And where they stand in streams that hold none for it. Only streams that have gone on are read.
        """
        now, name = self.clock.now(), _cursor(target)
        pending, ends, quiet = list[Alert](), _Ends(), _Ends()
        for stream in await self.cursors.behind(name):
            told = (await self.cursors.get_cursors(stream)).get(name)
            # From the beginning: what an alert says may stand far before it.
            whole = await self.ledger.read(stream)
            owed = [
                alert
                for number, alert in audible(alerts(whole))
                if number > (told or 0)
                and is_for(alert, target.severity)
                and (told is not None or now - alert.at <= _OLD)
            ]
            pending += owed
            (ends if owed else quiet)[stream] = {name: max((one.number for one in whole), default=0)}
        return tuple(sorted(pending, key=lambda alert: alert.at)), ends, quiet

    def _rate(self, known: Mapping[str, int], name: str) -> tuple[int, int]:
        """Give the hour it is, and how many messages were sent in it."""
        hour = int(self.clock.now().timestamp()) // _HOUR_S
        return hour, known.get(f"{name}/sent", 0) if known.get(f"{name}/hour") == hour else 0


def _cursor(target: AlertTarget) -> str:
    return f"alerts/{target.name}"
