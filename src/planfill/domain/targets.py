"""What an execution system is to reach, and how far it has come: eight targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.values import Value

if TYPE_CHECKING:
    from planfill.domain.metrics import Metrics

SUCCESS_ABOVE: Final = 0.95
ERRORS_BELOW: Final = 0.05
SECONDS_BELOW: Final = 5.0
_NOTHING: Final = "nothing to measure"
_BY_CHECK: Final = "measured by make check"
_BY_TEST: Final = "measured by make test"
_BY_BOTH: Final = "measured by make check, make docs"


class Target(Value, frozen=True):
    """One target; ``met`` is None where nothing could be measured, or where it is not about executions."""

    name: str
    target: str
    figure: str
    met: bool | None


def targets(found: Metrics) -> tuple[Target, ...]:
    """Hold the figures beside the targets; those that are about the code say who measures them."""
    speed, worst = _NOTHING, found.worst_run_s
    if worst is not None and found.median_run_s is not None:
        speed = f"{found.median_run_s:.2f} s median, {worst:.2f} s worst of {found.runs}"
    without = found.orders_without_id
    return (
        Target(
            name="order success rate",
            target="> 95 %",
            figure=_share(found.success_rate, found.orders_filled, found.orders_placed),
            met=None if found.success_rate is None else found.success_rate > SUCCESS_ABOVE,
        ),
        Target(
            name="orders without an id",
            target="none",
            figure=str(without) if found.executions else _NOTHING,
            met=without == 0 if found.executions else None,
        ),
        Target(
            name="seconds a plan",
            target="< 5 s",
            figure=speed,
            met=None if worst is None else worst < SECONDS_BELOW,
        ),
        Target(name="core", target="< 200 lines", figure=_BY_CHECK, met=None),
        Target(
            name="error rate",
            target="< 5 %",
            figure=_share(found.error_rate, found.orders_failed, found.orders_ended),
            met=None if found.error_rate is None else found.error_rate < ERRORS_BELOW,
        ),
        Target(
            name="executions logged",
            target="100 %",
            figure=_share(found.logged_rate, found.executions_logged, found.executions),
            met=None if found.logged_rate is None else found.executions_logged == found.executions,
        ),
        Target(name="coverage by tests", target="> 90 %", figure=_BY_TEST, met=None),
        Target(name="documentation", target="complete", figure=_BY_BOTH, met=None),
    )


def _share(rate: float | None, part: int, whole: int) -> str:
    return _NOTHING if rate is None else f"{100 * rate:.1f} % ({part} of {whole})"
