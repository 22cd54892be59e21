"""Requests to Alpaca: through alpaca-py's clients, as plain JSON, each with a time-out, none repeated."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies

import anyio

from planfill.adapters.brokers.alpaca.connections import Call, Connections
from planfill.adapters.brokers.alpaca.session import DirectSession

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from alpaca.common.rest import RESTClient

    from planfill.adapters.brokers.alpaca.rate import Limiter
    from planfill.adapters.brokers.alpaca.settings import AlpacaSettings

# A long list takes longer than the first of it; so many times the time-out is too long for any answer.
_PATIENCE: Final = 3
# Made once: json.dumps makes a new one every time.
_ENCODE: Final = json.JSONEncoder(default=str, separators=(",", ":")).encode


class Transport:
    """
    One of alpaca-py's clients, with its session made fit.

    Raises whatever that raises: ``outcomes`` says what it means. Numbers in answers are ``Decimal``.
    """

    def __init__(
        self, client: RESTClient, settings: AlpacaSettings, context: ssl.SSLContext, limiter: Limiter | None
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._size = settings.connections
        # Those who ask must not wait behind those who place.
        self._placing = asyncio.Semaphore(settings.connections)
        self._asking = asyncio.Semaphore(settings.connections)
        self._threads = ThreadPoolExecutor(2 * settings.connections, thread_name_prefix="planfill-alpaca")
        timeout_s = (settings.connect_timeout_s, settings.timeout_s)
        self._longest_s = settings.connect_timeout_s + _PATIENCE * settings.timeout_s
        self._connections = Connections(settings.connections, timeout_s, context)
        self._is_direct = not getproxies()
        self._connecting: asyncio.Task[None] | None = None
        # alpaca-py has no other way to any of these.
        session = DirectSession(self._connections) if self._is_direct else client._session  # noqa: SLF001
        session.mount("https://", self._connections)
        session.mount("http://", self._connections)
        client._session = session  # noqa: SLF001
        client._retry = 0  # noqa: SLF001 - it would send a POST again after a 504

    async def get(self, path: str, **parameters: str) -> Any:
        """Ask; the answer is read, or None where it was empty."""
        return await self._ask(lambda: self._client.get(path, parameters))

    async def delete(self, path: str) -> None:
        """Ask for something to end; there is no answer but a failure."""
        await self._ask(lambda: self._client.delete(path))

    async def post(self, path: str, body: Mapping[str, str | bool]) -> Any:
        """Send; whoever calls has waited for a turn."""
        return await self._perform(lambda: self._client.post(path, dict(body)), self._placing)

    def connect(self, url: str, count: int) -> None:
        """Begin to open connections; what is asked meanwhile waits for them, and opens none of its own."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self.open(url, count))

    async def open(self, url: str, count: int) -> None:
        """Open connections, all at once, as many as will be needed; ways through a proxy are left alone."""
        if not self._is_direct:
            return
        loop, opening = asyncio.get_running_loop(), self._connections.opening(url, min(count, self._size))
        await asyncio.gather(*(loop.run_in_executor(self._threads, connect) for connect in opening))

    async def aclose(self) -> None:
        """Close the connections, once they are open."""
        if self._connecting is not None:
            await self._connecting
        self._client._session.close()  # noqa: SLF001
        self._threads.shutdown(wait=False)

    async def _ask(self, request: Callable[[], Any]) -> Any:
        if self._limiter is not None:
            await self._limiter.turn(urgent=True)
        if self._connecting is not None:
            await asyncio.shield(self._connecting)
        return await self._perform(request, self._asking)

    async def _perform(self, request: Callable[[], Any], turns: asyncio.Semaphore) -> Any:
        """Make a request in a thread; once begun, it is waited for: nobody can take it back."""
        call = Call()

        def in_thread() -> Any:
            try:
                with call:
                    return request(), None, self._connections.answered
            except Exception as e:  # noqa: BLE001 - raised again below, in the loop
                return None, e, self._connections.answered

        with anyio.CancelScope(shield=True):
            async with turns:
                # An answer that comes byte by byte is in time with each, and never there.
                loop = asyncio.get_running_loop()
                timer = loop.call_later(self._longest_s, call.cut)
                try:
                    answer, error, said = await loop.run_in_executor(self._threads, in_thread)
                finally:
                    timer.cancel()
        if said is not None and self._limiter is not None:
            self._limiter.answered(*said)
        if error is not None:
            raise error
        return answer


def text_of(body: object) -> str:
    """Write an answer down as it came, for the record."""
    return _ENCODE(body)
