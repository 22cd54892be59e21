"""Reading the orders of a shadow: what a file, or a function, says that somebody else did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError

from planfill.domain.errors import ShadowFailed
from planfill.domain.numerals import exact
from planfill.domain.order import Side
from planfill.domain.outcome import LineOutcome
from planfill.domain.plan import upper
from planfill.domain.reading import path_of
from planfill.domain.shadow import ShadowOrder
from planfill.domain.values import Money, Price, Quantity, Symbol, Value

_OUTCOMES: Final = {
    "PARTIAL": "PARTIALLY_FILLED",
    "CANCELED": "UNFILLED",
    "CANCELLED": "UNFILLED",
    "EXPIRED": "UNFILLED",
    "FAILED": "REJECTED",
}


def _text(value: object) -> object:
    return upper(value).replace(" ", "_") if isinstance(value, str) else value


def _side(value: object) -> object:
    name = _text(value)
    return Side(name) if isinstance(name, str) and name in set(Side) else value


def _outcome(value: object) -> object:
    name = _text(value)
    name = _OUTCOMES.get(name, name) if isinstance(name, str) else name
    if isinstance(name, str) and name not in set(LineOutcome):
        msg = f"{value!r} is none of {', '.join([*LineOutcome, *_OUTCOMES])}"
        raise ValueError(msg)
    return LineOutcome(name) if isinstance(name, str) else name


def _time(value: object) -> object:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class _Row(Value, frozen=True, extra="ignore"):
    symbol: Annotated[Symbol, BeforeValidator(_text)]
    side: Annotated[Side | None, BeforeValidator(_side)] = None
    quantity: Annotated[Annotated[Quantity, Field(ge=0)] | None, BeforeValidator(exact)] = None
    price: Annotated[Annotated[Price, Field(gt=0)] | None, BeforeValidator(exact)] = None
    dollars: Annotated[Annotated[Money, Field(ge=0)] | None, BeforeValidator(exact)] = None
    time: Annotated[AwareDatetime | None, BeforeValidator(_time)] = None
    outcome: Annotated[LineOutcome | None, BeforeValidator(_outcome)] = None


def read_orders(rows: object) -> tuple[ShadowOrder, ...]:
    """
    Read a list of orders, each a mapping with ``symbol`` and what is known of the other fields.

    What is absent, None or empty is unknown; other names are not looked at. Times are ISO 8601 with a zone.

    Raises:
        ShadowFailed: It is no such list; the message names the first thing that is wrong with it.

    """
    if isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
        msg = "no list of orders, each with its symbol, side, quantity, price, dollars, time and outcome"
        raise ShadowFailed(msg)
    found: dict[str, ShadowOrder] = {}
    for i, row in enumerate(rows):
        order = _order(row, f"order {i + 1}")
        if order.symbol in found:
            msg = f"order {i + 1}: {order.symbol} is there twice: add up what was filled, one order a symbol"
            raise ShadowFailed(msg)
        found[order.symbol] = order
    return tuple(found.values())


def _order(row: object, where: str) -> ShadowOrder:
    if not isinstance(row, Mapping):
        msg = f"{where} is no mapping with a symbol"
        raise ShadowFailed(msg)
    told: dict[Any, object] = {
        name: value for name, value in row.items() if value is not None and value != ""
    }
    try:
        return ShadowOrder.model_validate(dict(_Row.model_validate(told)))
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        message = str(error["msg"]).removeprefix("Value error, ")
        msg = f"{where}, {path_of(error['loc'])}: {message}"
        raise ShadowFailed(msg) from e
