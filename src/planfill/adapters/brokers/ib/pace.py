"""The pace at which the gateway takes messages: who sends more than fifty a second loses the connection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_MOST: Final = 45
_WINDOW_S: Final = 1.0


class Pace:
    """
    Gives turns to send.

    ib_async has a queue for what is too fast; an order in it would be in doubt before it was sent.
    """

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    async def turn(self) -> None:
        """Wait until one more message may be sent."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            while self._sent and now - self._sent[0] >= _WINDOW_S:
                self._sent.popleft()
            if len(self._sent) < _MOST:
                self._sent.append(now)
                return
            await asyncio.sleep(self._sent[0] + _WINDOW_S - now)
