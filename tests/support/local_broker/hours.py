"""When the market is open."""

from __future__ import annotations

from datetime import datetime

from planfill.adapters.brokers.mock import MockSettings


class Sessions:
    """The session as the settings have it; ``said`` is what a test says instead."""

    def __init__(self, settings: MockSettings) -> None:
        self._settings = settings
        self.said: bool | None = None

    def is_open(self, now: datetime) -> bool:
        """Tell whether the session is on."""
        if self.said is not None:
            return self.said
        opens, closes = self._settings.opens_at, self._settings.closes_at
        return (
            self._settings.market_open
            and (opens is None or opens <= now)
            and (closes is None or now < closes)
        )

    def next_change(self, now: datetime) -> datetime | None:
        """Tell when it opens or closes by itself."""
        bells = (self._settings.opens_at, self._settings.closes_at)
        known = [at for at in bells if at is not None and at > now]
        return min(known, default=None) if self.said is None and self._settings.market_open else None
