"""How often an account may ask: Alpaca's windows of a minute, or a bucket."""

from __future__ import annotations

import time
from collections import Counter


class Rate:
    """Counts requests; ``headers`` say what every answer says of them."""

    def __init__(self, per_minute: int | None, *, bucket: bool = False, window_s: float = 60) -> None:
        self._limit = per_minute
        self._bucket = bucket
        self._window_s = window_s
        self._used = Counter[int]()
        self._tokens, self._at = float(per_minute or 0), time.monotonic()

    def take(self) -> bool:
        """Count a request; tell whether it is one too many."""
        if self._limit is None:
            return True
        if self._bucket:
            now = time.monotonic()
            self._tokens = min(self._limit, self._tokens + (now - self._at) * self._limit / self._window_s)
            self._at = now
            # Who is refused takes nothing: else whoever keeps asking would never be let in again.
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
        self._used[self._window()] += 1
        return self._used[self._window()] <= self._limit

    def headers(self) -> dict[str, str]:
        """Say what is left."""
        limit = 200 if self._limit is None else self._limit
        used = 0 if self._limit is None else self._used[self._window()]
        left = max(0, int(self._tokens)) if self._bucket else max(0, limit - used)
        return {
            "X-Ratelimit-Limit": str(limit),
            "X-Ratelimit-Remaining": str(left),
            "X-Ratelimit-Reset": str(int((self._window() + 1) * self._window_s)),
        }

    def _window(self) -> int:
        return int(time.time() // self._window_s)
