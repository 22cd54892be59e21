"""The events, as lines: for people, and as JSON for machines."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from planfill.adapters.logs.messages import tell
from planfill.adapters.logs.story import Stories
from planfill.application.ports.listener import EventListener
from planfill.domain.events import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from loguru import Logger

    from planfill.adapters.logs.messages import Told
    from planfill.adapters.logs.story import Read, Story
    from planfill.domain.events import Recorded

FILE: Final = "file"
"""The extra that holds the path of the file which the JSON is for."""
JSON: Final = "json"
"""The extra that holds the whole line as JSON."""
AT: Final = "at"
"""The extra that tells the time of day, in UTC, when it happened: on catching up it is logged later."""
CORRELATION: Final = "correlation_id"
"""The extra that names the run of the engine which the plan came from."""

# Made once: with other than its defaults json.dumps makes a new one every time.
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST: Final = 4000


class EventLog(EventListener):
    """
    Writes each event as one line through loguru: the message for people, the JSON beside it.

    ``logger`` gives the logger at the first event, so that nothing is opened before there is something to
    write; ``release`` is told when it is not needed any more. ``read`` gives the events of a stream that an
    earlier process was told. ``redact`` hides secrets. Where a crash made it tell an event twice, stream and
    number are the same on both lines.
    """

    def __init__(
        self,
        logger: Callable[[], Logger],
        *,
        name: str = "log",
        read: Read | None = None,
        redact: Callable[[str], str] = str,
        release: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._open = logger
        self._logger: Logger | None = None
        self._stories = Stories(read)
        self._redact = redact
        self._release = release

    async def on_event(self, recorded: Recorded) -> None:
        """Log one event."""
        if self._logger is None:
            self._logger = self._open()
        story = await self._stories.of(recorded)
        told = tell(recorded, story)
        message = self._redact(one_line(told.message))
        line = self._redact(_json(recorded, story, told, message))
        extras = {
            JSON: line,
            AT: f"{_utc(recorded.at)[11:23]}Z",
            CORRELATION: story.correlation_id or "-",
        }
        # Without arguments loguru leaves braces alone: a broker's answer is no template.
        self._logger.bind(**extras).log(told.level, message)

    def close(self) -> None:
        """Free the logger; the next event opens it again."""
        if self._logger is not None and self._release is not None:
            self._release()
        self._logger = None


def one_line(text: str) -> str:
    """Make one line of a text that may come from anywhere: no line breaks, no control characters."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} [...]"


def _json(recorded: Recorded, story: Story, told: Told, message: str) -> str:
    fields = {
        "time": f"{_utc(recorded.at)}Z",
        "level": told.level,
        "event": recorded.event.kind,
        "stream": recorded.stream,
        "number": recorded.number,
        "hash": recorded.hash,
        "plan_id": story.plan_id or _plan_id(recorded.stream),
        "correlation_id": story.correlation_id,
        "symbol": told.symbol,
        "client_order_id": told.client_order_id,
        "message": message,
    }
    # The event is JSON already; to read it only to write it again would cost more than all the rest.
    return f'{_ENCODE(fields)[:-1]}, "data": {encode(recorded.event)}}}'


def _utc(at: datetime) -> str:
    """Write a time in UTC with microseconds, quicker than strftime would."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _plan_id(stream: str) -> str | None:
    """Take the plan id from the name of an execution's stream: its last part, the only one with colons."""
    kind, _, key = stream.partition("/")
    parts = key.split(":", 3)
    return parts[3] if kind == "execution" and len(parts) == 4 else None  # noqa: PLR2004 - see ExecutionKey
