"""Virtual time: an event loop in which a seed decides what runs next, and processes that can be killed."""

from __future__ import annotations

import asyncio
import heapq
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from planfill.application.ports.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from simulation.dice import Dice

START: Final = datetime(2021, 3, 31, 15, 0, tzinfo=UTC)
_SPIN: Final = 5000
# A seed takes some hundred steps.
_MOST_STEPS: Final = 100_000


class Stuck(Exception):
    """Nothing can go on, or it goes on for ever."""


class Life:
    """What the loop must know of a simulated process: whether it lives, and when it is to be killed."""

    def __init__(self) -> None:
        self.alive = True
        self.steps = 0
        self.doomed_at_step: int | None = None

    def kill(self) -> None:
        """End it: nothing of it ever runs again."""
        self.alive = False


LIFE: Final[ContextVar[Life | None]] = ContextVar("LIFE", default=None)


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address."""

    _number: int

    def __hash__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        """Be brief: every cancel says who it came from, and nobody reads it."""
        return f"<task {self._number}>"


class Timeline(asyncio.BaseEventLoop):
    """
    An event loop without input, output or real time.

    One callback runs at a time: the oldest that is ready, or, if ``shuffled``, one that the dice choose. Time
    passes when nothing is ready. What belongs to a killed process is dropped, never run: no ``finally``, no
    ``except``, as SIGKILL has it.
    """

    _ready: Any
    _scheduled: list[Any]

    def __init__(self, dice: Dice, *, shuffled: bool, until: float, start: datetime = START) -> None:
        super().__init__()
        self.elapsed = 0.0
        self.start = start
        self.tasks: list[_Task] = []
        self._first: list[asyncio.Task[Any]] = []
        self.troubles: list[str] = []
        self.world: Context = copy_context()
        self._dice = dice
        self._shuffled = shuffled
        self._until = until
        self._spins = self._steps = 0
        self.set_task_factory(self._make_task)
        self.set_exception_handler(self._trouble)

    def time(self) -> float:
        return self.elapsed

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """Let the world outside the processes do something."""
        self.call_later(seconds, callback, *args, context=self.world)

    def spawn(self, life: Life, work: Coroutine[Any, Any, Any]) -> None:
        """Begin a process."""
        context = self.world.copy()
        context.run(LIFE.set, life)
        self._first.append(self.create_task(work, context=context))

    def end(self) -> None:
        """Throw away what has not ended."""
        self.set_exception_handler(lambda *_: None)
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                for _ in range(3):
                    try:
                        coroutine.close()
                    except BaseException:  # noqa: BLE001, S112 - it does not go quietly
                        continue
                    break
        self._ready.clear()
        self._scheduled.clear()
        self.tasks.clear()
        self._first.clear()
        self.close()

    def _run_once(self) -> None:
        ready = self._ready
        self._pass_time()
        if self._shuffled and len(ready) > 1:
            chosen = self._dice.below(len(ready))
            handle = ready[chosen]
            del ready[chosen]
        else:
            handle = ready.popleft()
        if not handle._cancelled:
            self._spins += 1
            if self._lives(handle._context.get(LIFE)):
                handle._run()

    def _pass_time(self) -> None:
        """Make ready what is due; where nothing is, let time pass until something is."""
        ready, scheduled = self._ready, self._scheduled
        self._steps += 1
        if self._steps == _MOST_STEPS:
            raise Stuck("it goes on for ever")
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready or self._spins > _SPIN:
            if not scheduled:
                raise Stuck("everybody waits for somebody" if not ready else "it goes round in circles")
            self.elapsed = max(self.elapsed, scheduled[0]._when)
            self._spins = 0
            if self.elapsed > self._until:
                raise Stuck(f"not over after {self._until:.0f} s")
        while scheduled and scheduled[0]._when <= self.elapsed:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)

    def _lives(self, life: Life | None) -> bool:
        """Tell whether the process may take another step; kill it where its time has come."""
        if life is None:
            return True
        if life.alive:
            life.steps += 1
            if life.steps == life.doomed_at_step:
                life.kill()
        return life.alive

    def _make_task(self, loop: Any, work: Any, **rest: Any) -> _Task:
        _Task._number = len(self.tasks)  # needed while the constructor already puts it into a set
        task = _Task(work, loop=loop, **rest)
        task._number = len(self.tasks)
        self.tasks.append(task)
        return task

    def _trouble(self, _loop: object, context: dict[str, Any]) -> None:
        self.troubles.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _process_events(self, _events: object) -> None: ...

    def _write_to_self(self) -> None: ...


class WallClock(Clock):
    """The clock of the machine on which the processes run; it can be set."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.offset_s = 0.0

    def now(self) -> datetime:
        return self._timeline.start + timedelta(seconds=self._timeline.elapsed + self.offset_s)

    def monotonic(self) -> float:
        return self._timeline.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
