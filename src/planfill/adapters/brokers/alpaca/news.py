"""alpaca-py's stream, which also tells when it is heard."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from alpaca.trading.stream import TradingStream

LISTENING: Final = "listening"


class NewsStream(TradingStream):
    """Hands Alpaca's answer to the subscription on as well: what happened before it is not told."""

    on_news: Callable[[Any], Awaitable[None]]

    def subscribe_trade_updates(self, handler: Callable[[Any], Awaitable[None]]) -> None:
        """Have the news handed to ``handler``."""
        self.on_news = handler
        super().subscribe_trade_updates(handler)

    async def _consume(self) -> None:
        """Read until the connection ends; the SDK's way makes a task for each message."""
        async for message in self._ws:  # type: ignore[attr-defined]  # the SDK says None
            await self._dispatch(json.loads(message))

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg.get("stream") == LISTENING:
            await self.on_news(msg)
        else:
            await super()._dispatch(msg)
