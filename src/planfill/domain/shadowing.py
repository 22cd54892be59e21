"""Comparing a shadow's orders with ours, line by line, and counting the days on which nothing differed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.accounting import line_result
from planfill.domain.events import ShadowCompared
from planfill.domain.numerals import plain
from planfill.domain.plan import Action
from planfill.domain.shadow import ShadowDifference, ShadowField, ShadowOrder, ShadowVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from planfill.domain.events import Recorded
    from planfill.domain.shadow import Tolerances
    from planfill.domain.state import ExecutionState

_PCT: Final = Decimal(100)
_BPS: Final = Decimal(10_000)
_FIELDS: Final = tuple(field for field in ShadowField if field is not ShadowField.LINE)
# Of what was not filled there is no price, and no time worth comparing.
_OF_FILLS: Final = frozenset({ShadowField.PRICE, ShadowField.TIME})


def orders_of(state: ExecutionState) -> tuple[ShadowOrder, ...]:
    """Tell what became of each line of an execution that was to be traded."""
    found = []
    for line in state.lines.values():
        if line.item.action is Action.HOLD:
            continue
        result = line_result(line)
        times = [one.report.reported_at for one in line.orders if one.report and one.report.filled_quantity]
        found.append(
            ShadowOrder(
                symbol=result.symbol,
                side=line.item.side,
                quantity=result.filled_quantity,
                price=result.average_price,
                dollars=result.filled_usd,
                time=max(times, default=None),
                outcome=result.outcome,
            )
        )
    return tuple(found)


def compare_orders(
    ours: Iterable[ShadowOrder], theirs: Iterable[ShadowOrder], tolerances: Tolerances
) -> ShadowVerdict:
    """Compare what both sides tell of each line; what one of them does not tell is not compared."""
    mine, other = _by_symbol(ours), _by_symbol(theirs)
    both = [(one, other[symbol]) for symbol, one in mine.items() if symbol in other]
    compared = tuple(field for field in _FIELDS if all(_told(field, *pair) for pair in both))
    lone = [_lone(one, ours=True) for symbol, one in mine.items() if symbol not in other and one.traded]
    lone += [_lone(one, ours=False) for symbol, one in other.items() if symbol not in mine and one.traded]
    lone += [_untold(theirs) for one, theirs in both if (one.traded or theirs.traded) and not _says(theirs)]
    lone += [_lone(one, ours=True) for one, theirs in both if one.traded and not theirs.traded]
    lone += [_lone(theirs, ours=False) for one, theirs in both if theirs.traded and not one.traded]
    differences = [*lone, *(found for pair in both for found in _of_line(*pair, tolerances))]
    return ShadowVerdict(
        differences=tuple(sorted(differences, key=lambda one: one.symbol)),
        compared_fields=compared,
        lines=sum(one.traded for one in (*mine.values(), *other.values()))
        - sum(one.traded and theirs.traded for one, theirs in both),
    )


def latest_runs(events: Iterable[Recorded]) -> tuple[ShadowCompared, ...]:
    """
    Give the comparisons in an account's stream that count, one for each plan and shadow, oldest first.

    A later one takes the place of one that found nothing to compare; one that found differences stands,
    whatever is compared later.
    """
    found: dict[tuple[str, str], ShadowCompared] = {}
    for recorded in events:
        event = recorded.event
        if not isinstance(event, ShadowCompared):
            continue
        known = found.get((event.plan_id, event.against))
        if known is None or not known.differences:
            found[event.plan_id, event.against] = event
    return tuple(found.values())


def clean_days(events: Iterable[Recorded]) -> tuple[date, ...]:
    """
    Give the days, in UTC and in order, on which every shadow run of an account's stream was clean.

    A day is that of the execution, not of the comparison; one on which neither side traded does not count.
    """
    days: dict[date, list[ShadowCompared]] = {}
    for run in latest_runs(events):
        days.setdefault(run.executed_at.date(), []).append(run)
    return tuple(
        day
        for day, runs in sorted(days.items())
        if all(run.clean for run in runs) and any(run.lines for run in runs)
    )


def _by_symbol(orders: Iterable[ShadowOrder]) -> Mapping[str, ShadowOrder]:
    return {order.symbol: order for order in orders}


def _lone(one: ShadowOrder, *, ours: bool) -> ShadowDifference:
    told = " ".join([one.side or "traded", *([f"{plain(one.quantity)} shares"] if one.quantity else [])])
    sides: Sequence[str] = (told, "not traded") if ours else ("not traded", told)
    return ShadowDifference(symbol=one.symbol, field=ShadowField.LINE, ours=sides[0], theirs=sides[1])


def _says(theirs: ShadowOrder) -> bool:
    """Tell whether enough is told of a line for a verdict: the side, and how much of it."""
    return theirs.side is not None and (theirs.quantity is not None or theirs.dollars is not None)


def _untold(theirs: ShadowOrder) -> ShadowDifference:
    said = "neither its side with its quantity nor with its dollars"
    return ShadowDifference(symbol=theirs.symbol, field=ShadowField.LINE, ours="told", theirs=said)


def _told(field: ShadowField, ours: ShadowOrder, theirs: ShadowOrder) -> bool:
    """Tell whether a field of a line can be compared, or is none that such a line has."""
    if field in _OF_FILLS and not (ours.traded and theirs.traded):
        return True
    return getattr(ours, field) is not None and getattr(theirs, field) is not None


def _of_line(ours: ShadowOrder, theirs: ShadowOrder, tolerances: Tolerances) -> Iterator[ShadowDifference]:
    for field in _FIELDS:
        one, other = getattr(ours, field), getattr(theirs, field)
        if one is None or other is None or _agree(field, one, other, tolerances):
            continue
        yield ShadowDifference(
            symbol=ours.symbol, field=field, ours=_shown(field, one), theirs=_shown(field, other)
        )


def _agree(field: ShadowField, one: object, other: object, tolerances: Tolerances) -> bool:
    match field, one, other:
        case ShadowField.QUANTITY, Decimal(), Decimal():
            return _near(one, other, tolerances.quantity_pct / _PCT)
        case ShadowField.DOLLARS, Decimal(), Decimal():
            return _near(one, other, tolerances.dollars_pct / _PCT)
        case ShadowField.PRICE, Decimal(), Decimal():
            return _near(one, other, tolerances.price_bps / _BPS)
        case ShadowField.TIME, datetime(), datetime():
            return abs((one - other).total_seconds()) <= tolerances.time_s
        case _:
            return one == other


def _near(one: Decimal, other: Decimal, share: Decimal) -> bool:
    return abs(one - other) <= share * max(one, other)


def _shown(field: ShadowField, value: object) -> str:
    match field, value:
        case ShadowField.QUANTITY, Decimal():
            return f"{plain(value)} shares"
        case ((ShadowField.DOLLARS | ShadowField.PRICE), Decimal()):
            return f"${plain(value)}"
        case ShadowField.TIME, datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        case _:
            return str(value)
