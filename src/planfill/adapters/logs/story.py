"""What a log line needs to know of the events before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from planfill.domain.events import ExecutionStarted, OrderRecorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from planfill.domain.events import Recorded
    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.stages import Terms
    from planfill.domain.values import ClientOrderId

    Read = Callable[[str], Awaitable[Sequence[Recorded]]]

_MOST: Final = 100
"""So many executions are remembered; of an older one the beginning is read again."""


@dataclass(slots=True)
class Story:
    """One execution, as far as it has been told."""

    plan_id: str | None = None
    correlation_id: str | None = None
    items: dict[str, PlanItem] = field(default_factory=dict)
    orders: dict[ClientOrderId, Order] = field(default_factory=dict)
    rollout: Terms | None = None

    def take(self, recorded: Recorded) -> None:
        """Take in one event."""
        event = recorded.event
        if isinstance(event, OrderRecorded):
            self.orders[event.order.client_order_id] = event.order
        elif isinstance(event, ExecutionStarted):
            self.plan_id, self.correlation_id = event.plan.plan_id, event.plan.correlation_id
            self.items = {item.symbol: item for item in event.plan.items}
            self.rollout = event.rollout
            self.orders = {}


class Stories:
    """
    The executions that are being told.

    ``read`` gives the events of a stream whose beginning was told to somebody else.
    """

    def __init__(self, read: Read | None = None) -> None:
        self._read = read
        self._stories: dict[str, Story] = {}

    async def of(self, recorded: Recorded) -> Story:
        """Give the story that an event belongs to, with the event taken in."""
        story = self._stories.get(recorded.stream)
        if story is None:
            if len(self._stories) >= _MOST:
                del self._stories[next(iter(self._stories))]
            story = self._stories[recorded.stream] = Story()
            if recorded.number > 1 and self._read is not None:
                for earlier in await self._read(recorded.stream):
                    if earlier.number < recorded.number:
                        story.take(earlier)
        story.take(recorded)
        return story
