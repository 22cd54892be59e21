"""The way to IB: one connection to its gateway, made anew when something is asked and there is none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from planfill.adapters.brokers.ib import outcomes
from planfill.adapters.brokers.ib.asked import Lost, NotAsked, Refused
from planfill.adapters.brokers.ib.connection import Connection, read_only
from planfill.domain.errors import BrokerConnectionError, BrokerUnavailable, NotAuthorizedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from planfill.adapters.brokers.ib.settings import IbSettings
    from planfill.application.ports.clock import Clock

T = TypeVar("T")
_ATTEMPTS: Final = 3
_WAIT: Final = wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1)
# The day of an American market.
_NEW_YORK: Final = ZoneInfo("America/New_York")
_SHORTEST_S, _LONGEST_S = 0.25, 30.0


def may_pass(error: BaseException) -> bool:
    """Tell whether a question may fare better in a moment."""
    return isinstance(error, BrokerConnectionError) and not isinstance(error, NotAuthorizedError)


def was_not_asked(error: BaseException) -> bool:
    """Tell whether there was no connection over which to ask."""
    return isinstance(error, BrokerUnavailable)


def never(error: BaseException) -> bool:  # noqa: ARG001 - as the others
    """Tell that one failure is enough: whoever asks knows better what to do."""
    return False


class Gateway:
    """Keeps one connection, and says of every failure what the caller may do about it."""

    def __init__(self, settings: IbSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._is_closed = False
        self._news = asyncio.Event()
        self._quiet_at = 0.0
        self._account = ""

    async def connection(self) -> Connection:
        """
        Give the connection, which is made if need be.

        Raises:
            BrokerUnavailable: There is none, or the gateway's own way to IB is broken.
            NotAuthorizedError: The account is none that the settings mean.

        """
        if self._is_closed:
            raise BrokerUnavailable("the connection to the gateway was closed by us")
        known = self._connection
        if known is None or not known.is_open:
            # Whoever asks at the same time gets the same one; who is canceled leaves it to the others.
            if self._connecting is None:
                self._connecting = asyncio.create_task(self._connect())
                self._connecting.add_done_callback(self._connected)
            known = await asyncio.shield(self._connecting)
        if known.inbox.is_cut_off:
            raise BrokerUnavailable("the gateway is cut off from IB, and says that it will be back by itself")
        return known

    async def ask(
        self,
        what: str,
        question: Callable[[Connection], Awaitable[T]],
        again: Callable[[BaseException], bool] = may_pass,
    ) -> T:
        """
        Ask something that changes nothing, three times where ``again`` says so; ``what`` names it for people.

        Raises:
            NotAuthorizedError: The account is none that the settings mean, or programs may not ask this.
            BrokerConnectionError: There is no answer, or none that can be read.

        """

        async def once() -> T:
            connection = await self.connection()
            cuts = connection.inbox.cuts
            try:
                answer = await question(connection)
            except Refused as e:
                if outcomes.is_read_only(e.code, e.text):
                    raise read_only(e) from e
                raise BrokerConnectionError(f"IB's {what}: {e}") from e
            except NotAsked as e:
                raise BrokerUnavailable(f"IB's {what}: {e}") from e
            except (Lost, OSError) as e:
                raise BrokerConnectionError(f"IB's {what}: {e}") from e
            except (ValidationError, ValueError, ArithmeticError, KeyError) as e:
                raise BrokerConnectionError(f"IB's {what} cannot be read: {e}") from e
            if connection.inbox.cuts != cuts:
                raise BrokerConnectionError(f"IB's {what}: the gateway was cut off from IB meanwhile")
            return answer

        return await AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS), wait=_WAIT, retry=retry_if_exception(again), reraise=True
        )(once)

    def reaches_back_to(self, connection: Connection) -> datetime:
        """
        Tell since when IB's lists of today are whole: the last midnight, there or at the gateway.

        Now, which is never, where the gateway has not told its time.
        """
        now = self._clock.now()
        if connection.utc_offset is None:
            return now
        midnight = now.astimezone(_NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
        theirs = now + connection.utc_offset
        since = timedelta(hours=theirs.hour, minutes=theirs.minute, seconds=theirs.second)
        return max(midnight, now - since - timedelta(microseconds=theirs.microsecond))

    @property
    def unsettled_s(self) -> float:
        """For how many seconds yet what was sent over an earlier connection may arrive; 0 or less: it has."""
        return self._quiet_at - self._clock.monotonic()

    async def news(self) -> None:
        """Wait until an order, a fill or the connection may be otherwise than before; keep it meanwhile."""
        pause_s = _SHORTEST_S
        while not self._news.is_set():
            if self._connection is None or not self._connection.is_open:
                try:
                    await self.connection()
                except (BrokerConnectionError, NotAuthorizedError):
                    await self._clock.sleep(pause_s)
                    pause_s = min(_LONGEST_S, 2 * pause_s)
                    continue
                self.tell()
            await self._news.wait()
        self._news.clear()

    def tell(self) -> None:
        """Wake whoever waits for news."""
        self._news.set()

    async def aclose(self) -> None:
        """End the connection, for good."""
        self._is_closed = True
        if self._connecting is not None:
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._connection is not None:
            self._connection.close()

    async def _connect(self) -> Connection:
        before, made = self._connection, Connection(self.settings, self._clock, lambda: None)
        await made.open()
        # Whose account this is was asked once, for a whole execution: no order of it goes to another.
        if self._account not in {"", made.account}:
            made.close()
            raise NotAuthorizedError(
                f"the gateway is logged in to {made.account} now, and was to {self._account}: nothing is sent"
            )
        # Only now: that there is still no connection is no news.
        made.inbox.heard = self.tell
        if before is not None:
            # A gateway that was stuck may only now read what was sent over the last connection.
            self._quiet_at = self._clock.monotonic() + self.settings.max_delivery_delay_s
        self._account = made.account
        self._connection = made
        return made

    def _connected(self, task: asyncio.Task[Connection]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # whoever asks is told
