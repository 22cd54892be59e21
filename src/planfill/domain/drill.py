"""What came of exercising the controls."""

from __future__ import annotations

from pydantic import AwareDatetime

from planfill.domain.values import Value


class Drill(Value, frozen=True):
    """One control, tripped on purpose: ``stopped`` says whether it held, ``what`` what it said."""

    control: str
    setting: str
    stopped: bool
    what: str


class DrillReport(Value, frozen=True):
    """All of them, and when that was."""

    at: AwareDatetime
    drills: tuple[Drill, ...]

    @property
    def exit_code(self) -> int:
        """0 where every control held, else 1."""
        return 0 if all(drill.stopped for drill in self.drills) else 1
