"""One connection to the gateway, from its greeting to its end."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ib_async.client import Client

from planfill.adapters.brokers.ib import outcomes
from planfill.adapters.brokers.ib.asked import OPEN, Lost, NotAsked, Question, Refused
from planfill.adapters.brokers.ib.inbox import Inbox
from planfill.adapters.brokers.ib.numbers import zoned
from planfill.adapters.brokers.ib.pace import Pace
from planfill.domain.errors import BrokerUnavailable, NotAuthorizedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from planfill.adapters.brokers.ib.settings import IbSettings
    from planfill.application.ports.clock import Clock

# What the SDK says of its connection is said below in one line, and its decoder tells the inbox.
logging.getLogger("ib_async").addHandler(logging.NullHandler())
logging.getLogger("ib_async").propagate = False
_QUARTER_S: Final = 900
# The message about a fill, and which of its fields is its time.
_FILL, _TIME_OF_FILL = 11, 15
# Quotes as they are; without a subscription to them IB says no, and not what they were a while ago.
_LIVE: Final = 1


def _client(inbox: Inbox) -> Any:  # noqa: ANN401 - it has no types
    """Make the SDK's client; its decoder complains to the inbox."""
    client = Client(inbox)  # type: ignore[no-untyped-call]
    client.decoder.logger = inbox  # type: ignore[assignment]
    client.MaxRequests = 0  # the pace is kept before something is sent
    decode: Callable[[list[str]], None] = client.decoder.execDetails

    def with_zone(fields: list[str]) -> None:
        # The SDK takes what the gateway writes in UTC for the time of this machine.
        decode([*fields[:_TIME_OF_FILL], zoned(fields[_TIME_OF_FILL]), *fields[_TIME_OF_FILL + 1 :]])

    client.decoder.handlers[_FILL] = with_zone
    return client


def read_only(refused: Refused) -> NotAuthorizedError:
    """Say what to do about a gateway that lets programs only look."""
    return NotAuthorizedError(f"{refused}: untick Read-Only API in the gateway's settings", raw=str(refused))


class Connection:
    """Asks and is answered; once it is closed, whatever is asked is ``Lost``."""

    def __init__(self, settings: IbSettings, clock: Clock, heard: Callable[[], None]) -> None:
        self._settings = settings
        self._clock = clock
        self.inbox = Inbox(settings.client_id, heard)
        self.client = _client(self.inbox)
        self.client.conn.hasData += self._greeted
        self.inbox.use_after = lambda number: self.client.updateReqId(number + 1)
        self._turn = asyncio.Lock()
        self.pace = Pace()
        self.account, self.environment = "", settings.environment
        self.utc_offset: timedelta | None = None
        """How far the gateway's own clock is from UTC: its day begins at its midnight."""

    @property
    def client_id(self) -> int:
        """Our number among the programs that are connected."""
        return self._settings.client_id

    @property
    def why_silent(self) -> str:
        """Why something has no answer."""
        return "the connection was lost" if self.inbox.closed.is_set() else "no answer in time"

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        return self.client.isReady() and not self.inbox.closed.is_set()

    async def open(self) -> None:
        """
        Connect, see whose account it is, and which numbers orders have.

        Raises:
            BrokerUnavailable: There is no connection.
            NotAuthorizedError: The account is none that the settings mean.

        """
        settings = self._settings
        where = f"{settings.host}:{settings.listens_at}"
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                await self._connect()
                self.client.reqMarketDataType(_LIVE)
                # Were a number used again that an open order of ours has, IB would change that order.
                await self.unnumbered(OPEN, self.client.reqOpenOrders)
            self.account = settings.choose(self.inbox.accounts)
        except TimeoutError as e:
            self.close()
            raise BrokerUnavailable(f"no answer from the gateway at {where} in time") from e
        except OSError as e:
            self.close()
            why = os.strerror(e.errno) if e.errno and e.errno > 0 else str(e)
            raise BrokerUnavailable(f"no IB Gateway or TWS listens at {where}: {why}") from e
        except Lost as e:
            self.close()
            why = self.inbox.last_message or str(e)
            raise BrokerUnavailable(f"the gateway at {where} has ended the connection: {why}") from e
        except Refused as e:
            self.close()
            if outcomes.is_read_only(e.code, e.text):
                raise read_only(e) from e
            raise BrokerUnavailable(f"the gateway at {where}: {e}") from e
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; what is being asked is lost."""
        with suppress(OSError, RuntimeError):
            self.client.disconnect()
        if not self.inbox.closed.is_set():
            self.inbox.setEventsDone()

    def number(self) -> int:
        """Give a number that nothing has had; raises ``ConnectionError`` where there is no connection."""
        return int(self.client.getReqId())

    async def numbered(self, send: Callable[[int], None]) -> list[Any]:
        """Ask something that bears a number; raises ``Lost``, and ``Refused`` with the gateway's message."""
        try:
            number = self.number()
        except ConnectionError as e:
            raise NotAsked("the connection was lost") from e
        return await self._answer(number, lambda: send(number))

    async def unnumbered(self, key: str, send: Callable[[], None]) -> list[Any]:
        """
        Ask something that bears none, when it is its turn; raises as ``numbered``.

        One that is not answered in time, or waited for no more, ends the connection: its answer, coming
        late, would pass for the answer to the next.
        """
        async with self._turn:
            try:
                return await self._answer(key, send)
            except (Lost, asyncio.CancelledError):
                self.close()
                raise

    async def _answer(self, key: int | str, send: Callable[[], None]) -> list[Any]:
        await self.pace.turn()
        if self.inbox.closed.is_set():
            raise NotAsked("the connection was lost")
        question = Question(asyncio.get_running_loop().create_future())
        self.inbox.questions[key] = question
        try:
            send()
            async with asyncio.timeout(self._settings.timeout_s):
                return await question.future
        except TimeoutError as e:
            raise Lost("no answer in time") from e
        except ConnectionError as e:
            raise Lost("the connection was lost") from e
        finally:
            del self.inbox.questions[key]

    async def _connect(self) -> None:
        settings = self._settings
        connecting = asyncio.ensure_future(
            self.client.connectAsync(settings.host, settings.listens_at, settings.client_id, None)
        )
        closed = asyncio.ensure_future(self.inbox.closed.wait())
        try:
            await asyncio.wait({connecting, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise Lost("it was closed at once")
            await connecting
        finally:
            for one in (connecting, closed):
                one.cancel()
            await asyncio.gather(connecting, closed, return_exceptions=True)

    def _greeted(self, data: bytes) -> None:
        """Read its time from its greeting: ``20261127 09:30:00 EST``, the zone in whatever encoding."""
        self.client.conn.hasData -= self._greeted
        with suppress(IndexError, ValueError):
            day, hour, *_ = data.split(b"\0")[-2].decode(errors="replace").split()
            theirs = datetime.strptime(f"{day} {hour}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
            behind_s = (theirs - self._clock.now()).total_seconds()
            self.utc_offset = timedelta(seconds=round(behind_s / _QUARTER_S) * _QUARTER_S)
