"""What many seeds have met, together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args

from simulation.controls import CONTROLS
from simulation.dice import Fault
from simulation.world import simulate

from planfill.domain import deciding
from planfill.domain import events as ev

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS: Final = tuple(step.__name__ for step in get_args(deciding.Step))
# Nobody reconciles, resolves, promotes, compares or chooses among accounts in a simulation.
ELSEWHERE: Final = frozenset(
    {"reconciled", "order_resolved", "stage_changed", "shadow_compared", "account_chosen"}
)
EVENTS: Final = tuple(sorted({kind.model_fields["kind"].default for kind in get_args(ev.Event)} - ELSEWHERE))

# A walk takes up to three steps in a simulation, and then the order that ends it.
ATTEMPTS: Final = ("attempt 1", "attempt 2", "attempt 3", "attempt 4")


@dataclass(slots=True)
class Tally:
    """How many seeds, crashes and runs; how often each fault, step and event was met; what failed."""

    seeds: int = 0
    crashes: int = 0
    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    controls: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another's in."""
        self.seeds += other.seeds
        self.crashes += other.crashes
        self.runs += other.runs
        self.faults += other.faults
        self.steps += other.steps
        self.events += other.events
        self.statuses += other.statuses
        self.attempts += other.attempts
        self.controls += other.controls
        self.failures += other.failures

    def unmet(self) -> list[str]:
        """Name what no seed has met."""
        return [
            *(fault.value for fault in Fault if not self.faults[fault.value]),
            *(step for step in STEPS if not self.steps[step]),
            *(event for event in EVENTS if not self.events[event]),
            *(attempt for attempt in ATTEMPTS if not self.attempts[attempt]),
            *(control for control in CONTROLS if not self.controls[control]),
        ]

    def table(self, seconds: float) -> str:
        """Write it down."""
        failed = len(self.failures)
        head = (
            f"{self.seeds} seeds in {seconds:.0f} s ({self.seeds / seconds:.0f} a second): "
            f"{self.runs} runs, {self.crashes} crashes, {failed} seeds failed"
        )
        parts = [
            _rows("faults met", ((fault.value, self.faults[fault.value]) for fault in Fault)),
            _rows("steps of the loop", ((step, self.steps[step]) for step in STEPS)),
            _rows("events", ((event, self.events[event]) for event in EVENTS)),
            _rows("orders", ((attempt, self.attempts[attempt]) for attempt in ATTEMPTS)),
            _rows("worlds in which a control stopped something", ((c, self.controls[c]) for c in CONTROLS)),
            _rows("results", sorted(self.statuses.items())),
        ]
        return "\n".join([head, *parts])


def run_seeds(first: int, end: int) -> Tally:
    """Run the seeds from ``first`` to before ``end``."""
    tally = Tally()
    for seed in range(first, end):
        outcome = simulate(seed)
        tally.seeds += 1
        tally.crashes += outcome.crashes
        tally.runs += outcome.runs
        tally.faults += outcome.faults
        tally.steps += outcome.steps
        tally.events += outcome.events
        tally.statuses += outcome.statuses
        tally.attempts += outcome.attempts
        tally.controls += outcome.controls
        if outcome.broken:
            tally.failures.append((seed, outcome.broken[0]))
    return tally


def _rows(title: str, counted: Iterable[tuple[str, int]]) -> str:
    return "\n".join([f"\n{title}", *(f"  {name:<46} {count:>9,}" for name, count in counted)])
