"""The faults of the feed: what a stream does when it does not simply say what happened."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from planfill.adapters.brokers.mock.faults import Treatment


@dataclass(frozen=True)
class LoseMessages(Treatment):
    """The first ``messages`` that come while somebody waits are lost; by default all of them."""

    messages: int = sys.maxsize

    def changes(self) -> dict[str, Any]:
        """Hand the number in."""
        return {"messages_lost": self.messages}


@dataclass(frozen=True)
class RepeatMessage(Treatment):
    """A message comes that says nothing new: it was there before, or nobody can read it."""

    def changes(self) -> dict[str, Any]:
        """Let it come."""
        return {"message_repeated": True}


@dataclass(frozen=True)
class DropStream(Treatment):
    """The stream is away for ``seconds``; then who waits hears that something happened meanwhile."""

    seconds: float

    def changes(self) -> dict[str, Any]:
        """Hand the time in."""
        return {"stream_away_s": self.seconds}
