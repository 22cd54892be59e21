"""The record of a run: what happened is durable first, then folded into the state, then told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from planfill.domain.errors import LedgerError, LedgerUnavailable

if TYPE_CHECKING:
    from planfill.application.ports.clock import Clock
    from planfill.application.ports.ledger import Claim, Ledger
    from planfill.application.telling import Teller
    from planfill.domain.events import Event
    from planfill.domain.state import ExecutionState


class Journal:
    """
    Writes the events of one execution, all in one order.

    Whoever holds the pen writes for all who wait: under load one commit carries many orders. After a
    failure nothing more is written, and everybody is told.
    """

    def __init__(
        self,
        ledger: Ledger,
        stream: str,
        *,
        claim: Claim,
        clock: Clock,
        state: ExecutionState,
        teller: Teller,
    ) -> None:
        self.stream = stream
        self.state = state
        self.commits = 0
        self._ledger = ledger
        self._claim = claim
        self._clock = clock
        self._teller = teller
        self._pen = anyio.Lock()
        self._waiting: list[Event] = []
        self._written = 0
        self._queued = 0
        self._failure: LedgerError | None = None

    async def record(self, *events: Event) -> None:
        """
        Make events durable and fold them into the state, in the order in which they were given.

        Raises:
            LedgerError: They are not durable, or an earlier failure keeps the journal closed.

        """
        self._waiting.extend(events)
        self._queued += len(events)
        mine = self._queued
        async with self._pen:
            if self._written < mine and self._failure is None:
                await self._write()
        if self._failure is not None:
            raise self._failure

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            recorded = await self._ledger.append(self.stream, batch, at=self._clock.now(), claim=self._claim)
            for event in recorded:
                self.state.apply(event)
        except LedgerError as e:
            self._failure = e
            return
        except Exception as e:  # noqa: BLE001 - nobody may go on as if it were durable
            self._failure = LedgerUnavailable(f"{type(e).__name__} while events were recorded")
            self._failure.__cause__ = e
            return
        self.commits += 1
        self._written += len(recorded)
        self._teller.tell(recorded)
