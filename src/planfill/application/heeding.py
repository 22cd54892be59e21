"""Heeding what other processes ask of the one that holds the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.errors import LedgerError
from planfill.domain.events import CancelAsked
from planfill.domain.outcome import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from planfill.application.ports.clock import Clock
    from planfill.application.ports.ledger import Ledger
    from planfill.application.stopping import StopSignal
    from planfill.domain.identity import AccountKey

_EVERY_S: Final = 0.5


def account_stream(account: AccountKey) -> str:
    """Name the stream in which other processes ask for something."""
    return f"account/{account}"


class Heed:
    """
    Reads the account's stream while an execution runs, and stops it when somebody asked for that.

    What was asked before ``since``, when the execution was taken up, does not concern it; what is asked
    while it listens does, whatever the clock says meanwhile.
    """

    def __init__(self, ledger: Ledger, account: AccountKey, plan_id: str, since: datetime) -> None:
        self._ledger = ledger
        self._stream = account_stream(account)
        self._plan_id = plan_id
        self._since = since
        self._heard = 0
        self._listens = False

    async def listen(self, clock: Clock, stop: StopSignal) -> None:
        """Look every half second, until a stop is asked for by whomever."""
        while stop.reason is None:
            await self._look(stop)
            await stop.or_done(clock.sleep(_EVERY_S))

    async def _look(self, stop: StopSignal) -> None:
        try:
            asked = await self._ledger.read(self._stream, after=self._heard)
        except LedgerError:
            # Nothing can be recorded either, then, and what cannot be recorded is not sent.
            return
        for recorded in asked:
            self._heard = recorded.number
            event = recorded.event
            if not isinstance(event, CancelAsked) or not (self._listens or recorded.at >= self._since):
                continue
            if event.plan_id == self._plan_id:
                stop.request(Reason.CANCELED_BY_USER, f"asked by {event.by}: {event.detail}")
        self._listens = True
