"""How the report on the controls looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.cli.formats import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.domain.drill import DrillReport


def drill_lines(report: DrillReport) -> Iterator[str]:
    """Give one line a control, and the verdict with its date."""
    width = max(len(drill.control) for drill in report.drills)
    for drill in report.drills:
        word = "stopped" if drill.stopped else "DID NOT STOP"
        yield one_line(f"{word:<12}  {drill.control:<{width}}  {drill.what}")
    failed = sum(not drill.stopped for drill in report.drills)
    verdict = (
        f"{failed} OF {len(report.drills)} CONTROLS DID NOT HOLD"
        if failed
        else (f"ALL {len(report.drills)} CONTROLS HELD")
    )
    yield f"{verdict}, {report.at:%Y-%m-%d %H:%M:%S} UTC"
