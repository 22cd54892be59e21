"""Reading a plan: every problem at once, each with its path; nothing dropped, nothing guessed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from planfill.domain.errors import PlanInvalid, Problem
from planfill.domain.plan import Action, Plan, PlanItem, upper

_LONGEST_INTEGER: Final = 30
_DEEPEST: Final = 50
_LONGEST_BITS: Final = 14_000
_WEIGHT_SLACK: Final = Decimal("0.000002")
_DOLLAR_SLACK: Final = Decimal("0.02")


def read_plan_text(text: str | bytes) -> Plan:
    """
    Read a plan from JSON text in UTF-8.

    Raises:
        PlanInvalid: It is not JSON, not one object, or not a plan.

    """
    try:
        document = json.loads(
            text.decode("utf-8") if isinstance(text, bytes) else text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=Decimal,
            object_pairs_hook=_Object,
        )
    except UnicodeDecodeError as e:
        raise PlanInvalid([Problem(path="", message=f"not UTF-8: byte {e.start} cannot be read")]) from e
    except json.JSONDecodeError as e:
        where = f"line {e.lineno} column {e.colno}"
        raise PlanInvalid([Problem(path="", message=f"not JSON: {e.msg} at {where}")]) from e
    except RecursionError as e:
        raise PlanInvalid([Problem(path="", message="not a plan: nested too deeply")]) from e
    return read_plan(document)


def read_plan(document: object) -> Plan:
    """
    Read a plan from a mapping, a pydantic model of the engine's own, or a ``Plan``.

    Raises:
        PlanInvalid: It is not a plan; ``problems`` lists everything that is wrong with it.

    """
    if isinstance(document, Plan):
        return document
    if isinstance(document, BaseModel):
        document = document.model_dump()
    if not isinstance(document, Mapping):
        kind = "null" if document is None else type(document).__name__
        raise PlanInvalid([Problem(path="", message=f"a plan is one JSON object, this is {kind}")])
    problems = list(_unfit(document))
    try:
        plan = Plan.model_validate({k: v for k, v in document.items() if k != "warnings"})
    except ValidationError as e:
        problems += [_problem(error) for error in e.errors(include_url=False, include_input=False)]
        plan = None
    problems += _across_items(document.get("items"))
    if plan is None or problems:
        raise PlanInvalid(sorted(_once(problems), key=_natural))
    try:
        plan.model_dump_json()
    except ValueError as e:
        raise PlanInvalid([Problem(path="", message=f"it cannot be written down: {e}")]) from e
    return Plan.model_validate({**_fields(plan), "warnings": tuple(_warnings(plan))})


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else Decimal(digits)


def _decimal(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent that no Decimal can hold: for the type to refuse
        return digits


def _fields(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in plan if name in plan.model_fields_set}


def _problem(error: Mapping[str, Any]) -> Problem:
    return Problem(path=path_of(error["loc"]), message=str(error["msg"]).removeprefix("Value error, "))


def path_of(location: Iterable[int | str]) -> str:
    """Write a location as ``items[3].trade_amount``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _once(problems: list[Problem]) -> list[Problem]:
    # Spelled out where a name is no text, so that it can be printed.
    spelled = (
        tuple(t.encode("utf-8", "backslashreplace").decode() for t in (p.path, p.message)) for p in problems
    )
    return [Problem(path=path, message=message) for path, message in dict.fromkeys(spelled)]


def _natural(problem: Problem) -> tuple[tuple[int, str], ...]:
    parts = problem.path.replace("]", "").replace("[", ".").split(".")
    return tuple((len(part) if part.isdecimal() else 0, part) for part in parts)


def _unfit(value: object, path: str = "", depth: int = 0) -> Iterator[Problem]:
    """Find what no part of a plan may be, known or unknown: it could be neither trusted nor kept."""
    if depth > _DEEPEST:
        yield Problem(path=path, message=f"nested more than {_DEEPEST} deep")
        return
    if isinstance(value, Decimal | float) and not Decimal(value).is_finite():
        yield Problem(path=path, message=f"{value} is not an amount")
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        yield Problem(path=path, message="an integer of thousands of digits")
    if isinstance(value, str) and not _is_text(value):
        yield Problem(path=path, message="half a character, which is no text")
    for key in value.repeated if isinstance(value, _Object) else ():
        yield Problem(path=f"{path}.{key}".lstrip("."), message="given twice in one object")
    for at, inner in _children(value):
        yield from _unfit(inner, f"{path}{at}".lstrip("."), depth + 1)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f".{key if isinstance(key, str) else type(key).__name__}", inner
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]", inner) for i, inner in enumerate(value))


def _across_items(items: object) -> Iterator[Problem]:
    """Find what is wrong between fields and between items, also where single fields are wrong."""
    if not isinstance(items, list | tuple):
        return
    first: dict[str, int] = {}
    for i, item in enumerate(items):
        get = item.get if isinstance(item, Mapping) else lambda name, item=item: getattr(item, name, None)
        symbol = get("symbol")
        if isinstance(symbol, str):
            known = first.setdefault(upper(symbol), i)
            if known != i:
                message = f"{upper(symbol)} is in the plan twice, first at items[{known}]"
                yield Problem(path=f"items[{i}].symbol", message=message)
        needed = get("reference_price") is not None and get("quantity") is not None
        action = get("action")
        hold = isinstance(action, str) and upper(action) == Action.HOLD
        if get("trade_amount") is None and not needed and not hold:
            message = "a trade_amount is needed, or a quantity with a reference_price"
            yield Problem(path=f"items[{i}].trade_amount", message=message)


def _warnings(plan: Plan) -> Iterator[str]:
    """Name what is odd in a plan and does not keep it from being executed."""
    for name in sorted(plan.model_extra or {}):
        yield f"{name}: unknown field, kept and not used"
    traded = sum((item.planned_usd for item in plan.items), Decimal(0))
    if plan.total_trade_value is not None and not _close(plan.total_trade_value, traded):
        yield f"total_trade_value: {plan.total_trade_value} is not the sum of the trade amounts, {traded}"
    for i, item in enumerate(plan.items):
        yield from (f"items[{i}].{warning}" for warning in _item_warnings(item))


def _item_warnings(item: PlanItem) -> Iterator[str]:
    for name in sorted(item.model_extra or {}):
        yield f"{name}: unknown field, kept and not used"
    if item.action is Action.HOLD and item.trade_amount:
        yield f"trade_amount: {item.trade_amount} on a HOLD is ignored"
    if (
        item.weight_diff is not None
        and item.target_weight is not None
        and item.current_weight is not None
        and abs(item.target_weight - item.current_weight - item.weight_diff) > _WEIGHT_SLACK
    ):
        yield "weight_diff: not the target weight less the current weight"
    if item.action is not Action.HOLD and item.target_value is not None and item.current_value is not None:
        change = abs(item.target_value - item.current_value)
        if not _close(change, item.planned_usd):
            yield f"trade_amount: {item.planned_usd} does not lead from the current to the target value"


def _close(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= _DOLLAR_SLACK
