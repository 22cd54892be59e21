"""The executions in a stream, each in figures: folded event by event, and small once it has ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain import events as ev
from planfill.domain.execution_machine import Standing
from planfill.domain.health import Health, health
from planfill.domain.phases import CHECKS, PHASES, phase_after
from planfill.domain.report import OrderStatus
from planfill.domain.state import ExecutionState, Phase
from planfill.domain.values import ZERO_USD, Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from planfill.domain.outcome import LineOutcome, Reason
    from planfill.domain.values import ClientOrderId

UNFINISHED: Final = "UNFINISHED"
"""The status of an execution of which no run has ended since it was taken up last."""
# Of these the broker is not known to have an order, and that is said.
_WITHOUT_ID: Final = frozenset({Phase.REFUSED, Phase.NOT_SENT, Phase.DOUBTED, Phase.UNRESOLVED})


class Attempt(NamedTuple):
    """
    One execution as it stands; of one that is unfinished neither lines nor dollars are counted.

    ``seconds`` has one a run that ended, ``phases_s`` what those took by phase, ``fills_s`` one an order that
    was filled: from its record to the record of its last fill. ``calls`` is by call and status; they,
    ``resent``, the waits and the commits are what runs have counted. ``last`` numbers its last event.
    """

    started_at: datetime
    status: str
    last: int
    events: int
    without_id: int
    unresolved: int
    seconds: tuple[float, ...]
    phases_s: Mapping[str, float]
    fills_s: tuple[float, ...]
    calls: Mapping[tuple[str, str], int]
    resent: int
    waits: int
    waited_s: float
    commits: int
    lines: Mapping[tuple[LineOutcome, Reason | None], int] = Counter()
    placed: int = 0
    filled: int = 0
    health: Health = Health(0, 0)
    planned_usd: Money = ZERO_USD
    filled_usd: Money = ZERO_USD
    shortfall_usd: Money = ZERO_USD
    logged: bool = False

    def logged_to(self, number: int) -> Attempt:
        """Say that the log file has been told of the stream up to this event."""
        return self._replace(logged=self.last <= number)


class AttemptFold:
    """
    Folds one stream into the executions in it, event by event.

    A plan that was refused and came again is two; ``number`` is the last event that was taken in.
    """

    def __init__(self, events: Iterable[ev.Recorded] = ()) -> None:
        self._state = ExecutionState()
        self._past: list[Attempt] = []
        self._since: datetime | None = None
        self._clear(1)
        for recorded in events:
            self.take(recorded)

    @property
    def number(self) -> int:
        """The number of the last event."""
        return self._state.number

    @property
    def is_over(self) -> bool:
        """Whether the last execution is finished: what comes now is a word on it, or another one."""
        return self._state.finished

    def take(self, recorded: ev.Recorded) -> None:
        """
        Take in the next event.

        Raises:
            LedgerCorrupt: It is not the next one, or cannot follow those before it.

        """
        event, at = recorded.event, recorded.at
        if isinstance(event, ev.ExecutionStarted) and self._state.started_at is not None:
            self._past = self.attempts()
            self._clear(recorded.number)
        self._state.apply(recorded)
        match event:
            case ev.ExecutionStarted() | ev.ExecutionResumed():
                # What a run that was broken off took, nobody knows.
                self._running_s, self._since = dict.fromkeys(PHASES, 0.0), at
            case ev.OrderRecorded():
                self._recorded_at[event.order.client_order_id] = at
            case ev.OrderReported() if event.report.status is OrderStatus.FILLED:
                if (begin := self._recorded_at.pop(event.report.client_order_id, None)) is not None:
                    self._fills_s.append((at - begin).total_seconds())
            case ev.CallsCounted():
                self._count(event)
            case _:
                pass
        self._move_on(event, at)

    def attempts(self) -> list[Attempt]:
        """Give the executions so far, oldest first."""
        state = self._state
        return self._past if state.started_at is None else [*self._past, self._attempt(state.started_at)]

    def _clear(self, first: int) -> None:
        self._first = first
        self._seconds: list[float] = []
        self._phases_s = dict.fromkeys(PHASES, 0.0)
        self._running_s = dict.fromkeys(PHASES, 0.0)
        self._phase, self._since = CHECKS, None
        self._recorded_at: dict[ClientOrderId, datetime] = {}
        self._fills_s: list[float] = []
        self._calls: Counter[tuple[str, str]] = Counter()
        self._resent, self._waits, self._waited_s, self._commits = 0, 0, 0.0, 0

    def _count(self, event: ev.CallsCounted) -> None:
        self._calls.update({(one.call, one.status): one.calls for one in event.calls})
        self._resent += event.resent
        self._waits += event.waits
        self._waited_s += event.waited_s
        self._commits += event.commits

    def _move_on(self, event: ev.Event, at: datetime) -> None:
        ended = isinstance(event, ev.ExecutionRefused | ev.ExecutionSuspended | ev.ExecutionCompleted)
        after = phase_after(self._phase, event)
        if self._since is not None and (ended or after != self._phase):
            self._running_s[self._phase] += (at - self._since).total_seconds()
            self._since = at
        self._phase = after
        if ended and self._state.run_began_at is not None:
            self._seconds.append((at - self._state.run_began_at).total_seconds())
            self._phases_s = {name: self._phases_s[name] + took for name, took in self._running_s.items()}
            self._since = None

    def _attempt(self, started_at: datetime) -> Attempt:
        state = self._state
        orders = state.orders.values()
        found = Attempt(
            started_at=started_at,
            status=UNFINISHED,
            last=state.number,
            events=state.number - self._first + 1,
            without_id=sum(one.report is None and one.phase not in _WITHOUT_ID for one in orders),
            unresolved=sum(one.is_unresolved for one in orders),
            seconds=tuple(self._seconds),
            phases_s=self._phases_s,
            fills_s=tuple(self._fills_s),
            calls=Counter(self._calls),
            resent=self._resent,
            waits=self._waits,
            waited_s=self._waited_s,
            commits=self._commits,
        )
        result = state.result
        if state.standing is Standing.RUNNING or result is None:
            # What an earlier run of an execution that runs again has found is out of date.
            return found
        return found._replace(
            status=str(result.status),
            lines=Counter((line.outcome, line.reason) for line in result.lines),
            placed=result.orders_placed,
            filled=result.orders_filled,
            health=health(state),
            planned_usd=result.planned_usd,
            filled_usd=result.filled_usd,
            shortfall_usd=result.shortfall_usd,
        )
