"""Sending alerts: from the ledger, behind a cursor for each target, off the trading path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

import anyio

from planfill.application.heeding import account_stream
from planfill.application.opening import stream_of
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
_OLD: Final = timedelta(days=1)
"""A target that is new is not told of what happened longer ago."""
_LOOKS: Final = 20
_EVERY_S: Final = 0.5
_HOUR_S: Final = 3600


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
            for stream in await self._streams()
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
        pending, ends = await self._pending(target)
        if pending:
            hour, sent = await self._rate(target)
            if sent >= target.per_hour:
                trouble = f"{len(pending)} alerts wait: {sent} messages were sent within the hour"
                return Delivery(target=target.name, trouble=trouble)
            await target.alerter.send(message(pending))
            # With the rate first: should we end here, one message too few may be sent, never one too many.
            ends = {_SYSTEM: {}, **ends}
            ends[_SYSTEM] |= {f"{_cursor(target)}/hour": hour, f"{_cursor(target)}/sent": sent + 1}
        for stream, cursors in ends.items():
            await self.cursors.set_cursors(stream, cursors)
        return Delivery(target=target.name, alerts=pending)

    async def _pending(self, target: AlertTarget) -> tuple[tuple[Alert, ...], dict[str, dict[str, int]]]:
        """Give the alerts that a target is owed, and where its cursors stand once it has them."""
        now, name = self.clock.now(), _cursor(target)
        pending, ends = list[Alert](), dict[str, dict[str, int]]()
        for stream in await self._streams():
            told = (await self.cursors.get_cursors(stream)).get(name)
            news = await self.ledger.read(stream, after=told or 0)
            if not news:
                continue
            ends[stream] = {name: news[-1].number}
            # From the beginning, where there is more: what an alert says may stand far before it.
            whole = await self.ledger.read(stream) if told else news
            pending += (
                alert
                for number, alert in audible(alerts(whole))
                if news[0].number <= number <= news[-1].number
                and is_for(alert, target.severity)
                and (told is not None or now - alert.at <= _OLD)
            )
        return tuple(sorted(pending, key=lambda alert: alert.at)), ends

    async def _rate(self, target: AlertTarget) -> tuple[int, int]:
        """Give the hour it is, and how many messages were sent in it."""
        known, hour = await self.cursors.get_cursors(_SYSTEM), int(self.clock.now().timestamp()) // _HOUR_S
        same = known.get(f"{_cursor(target)}/hour") == hour
        return hour, known.get(f"{_cursor(target)}/sent", 0) if same else 0

    async def _streams(self) -> list[str]:
        keys = [one.key for one in await self.ledger.executions()]
        accounts = [account_stream(one) for one in dict.fromkeys(key.account for key in keys)]
        return [_SYSTEM, *accounts, *(stream_of(key) for key in keys)]


def _cursor(target: AlertTarget) -> str:
    return f"alerts/{target.name}"
