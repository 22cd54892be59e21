"""The one JSON document that a command prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from planfill.domain.errors import Problem
from planfill.domain.numerals import plain
from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from planfill.application.ports.ledger import ExecutionSummary


class Failure(Value, frozen=True):
    """What kept a command from having a result; ``code`` is stable, the rest is for people."""

    code: str
    message: str
    problems: tuple[Problem, ...] = ()


class Failed(Value, frozen=True):
    """The document of a command that has no result."""

    error: Failure


def document(value: BaseModel) -> str:
    """
    Write a value: decimals as strings without an exponent, times in UTC with microseconds.

    Shares and prices bear no trailing zeros: how many there are would tell of the broker, not of the order.
    """
    return _dumps(_trimmed(value.model_dump(mode="python")))


def listed(values: Mapping[str, BaseModel | Sequence[BaseModel] | None]) -> str:
    """Write several values as one document."""
    return _dumps({name: _dumped(value) for name, value in values.items()})


def _dumped(value: BaseModel | Sequence[BaseModel] | None) -> object:
    if value is None:
        return None
    if isinstance(value, Sequence):
        return [_dumped(one) for one in value]
    return _trimmed(value.model_dump(mode="python"))


def executions_document(executions: Sequence[ExecutionSummary]) -> str:
    """Write a list of executions as JSON."""
    rows = [
        {
            "plan_id": one.key.plan_id,
            "account": str(one.key.account),
            "started_at": one.started_at,
            "finished": one.finished,
        }
        for one in executions
    ]
    return _dumps({"executions": rows})


def _trimmed(value: object, name: str = "") -> object:
    match value:
        case dict():
            return {key: _trimmed(inner, str(key)) for key, inner in value.items()}
        case list() | tuple():
            return [_trimmed(inner, name) for inner in value]
        case Decimal() if name.endswith(("quantity", "price")):
            return plain(value)
        case _:
            return value


def _dumps(value: object) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
