"""Alpaca's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.alpaca.reading import readable
from planfill.adapters.brokers.alpaca.wire import moment
from planfill.application.ports.market import MarketHours
from planfill.domain.market import MarketSession

if TYPE_CHECKING:
    from planfill.adapters.brokers.alpaca.moment import Moment
    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.application.ports.clock import Clock

# An open session has a known end; it is asked for anew all the same.
_SESSION_S: Final = 60.0


class AlpacaHours(MarketHours):
    """The market clock; where it cannot be read, the market counts as closed."""

    def __init__(self, trading: Transport, clock: Clock, moment: Moment) -> None:
        self._trading = trading
        self._clock = clock
        self._moment = moment
        self._on: MarketSession | None = None
        self._until = 0.0

    def ask_ahead(self) -> None:
        """Begin to ask for the session, if none is known to be on."""
        if self._known() is None:
            self._moment.ask_ahead(self._trading, "/clock")

    async def get_session(self) -> MarketSession:
        """Describe the session; one that is on is asked for once a minute."""
        if (known := self._known()) is not None:
            return known
        answer = await self._moment.ask(self._trading, "/clock")
        with readable("clock"):
            session = MarketSession(
                is_open=answer["is_open"],
                opens_at=moment(answer, "next_open"),
                closes_at=moment(answer, "next_close") if answer["is_open"] else None,
            )
        if session.is_open:
            self._on, self._until = session, self._clock.monotonic() + _SESSION_S
        return session

    def _known(self) -> MarketSession | None:
        return self._on if self._clock.monotonic() < self._until else None
