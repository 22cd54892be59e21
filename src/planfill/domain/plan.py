"""The rebalance plan: what the portfolio module decided, and nothing that execution may change."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from planfill.domain.numerals import exact, plain
from planfill.domain.order import Side
from planfill.domain.values import ZERO_USD, Money, Name, Price, Quantity, Symbol, Value, cents, worth


class Action(StrEnum):
    """What to do with a symbol."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class Urgency(StrEnum):
    """How soon the portfolio module wants it done."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


def upper(value: str) -> str:
    """Trim a name and write it large; ASCII alone: the capitals of other letters may be another name."""
    value = value.strip()
    return value.upper() if value.isascii() else value


def _symbol(value: object) -> object:
    return upper(value) if isinstance(value, str) else value


def _action(value: object) -> object:
    return _member(Action, value)


def _urgency(value: object) -> object:
    return _member(Urgency, value)


def _member(kind: type[StrEnum], value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return kind(upper(value))
    except ValueError as e:
        msg = f"{value[:40]!r} is none of {', '.join(kind)}"
        raise ValueError(msg) from e


def _sequence(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _iso(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as e:
        msg = "not an ISO 8601 time such as 2021-01-29T20:55:00+00:00"
        raise ValueError(msg) from e


AnyUrgency = Annotated[Urgency, BeforeValidator(_urgency)]
"""An urgency, in any case of letters."""

_MoneyIn = Annotated[Money, BeforeValidator(exact)]
_PriceIn = Annotated[Price, BeforeValidator(exact), Field(gt=0)]
_QuantityIn = Annotated[Quantity, BeforeValidator(exact), Field(gt=0)]
_Weight = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)]
_Number = Annotated[Decimal, BeforeValidator(exact)]
_Symbol = Annotated[Symbol, BeforeValidator(_symbol)]


class PlanItem(Value, frozen=True, extra="allow"):
    """
    One line of a plan; amounts in dollars, ``quantity`` in shares.

    ``trade_amount`` is kept as written (a sale may be signed); ``planned_usd`` is what it means.
    """

    symbol: _Symbol
    action: Annotated[Action, BeforeValidator(_action)]
    trade_amount: _MoneyIn | None = None
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    current_weight: _Weight | None = None
    target_weight: _Weight | None = None
    weight_diff: _Number | None = None
    target_value: _MoneyIn | None = None
    current_value: _MoneyIn | None = None
    reference_price: _PriceIn | None = None
    quantity: _QuantityIn | None = None
    strategy_id: str | None = None

    @field_validator("trade_amount")
    @classmethod
    def _signed_as_the_action(cls, amount: Money | None, info: ValidationInfo) -> Money | None:
        action = info.data.get("action")
        if amount is not None and action is Action.BUY and amount < 0:
            msg = "a BUY with a negative amount: the sign contradicts the action"
            raise ValueError(msg)
        return amount

    @property
    def side(self) -> Side:
        """The side of the order of a BUY or SELL line."""
        return Side.BUY if self.action is Action.BUY else Side.SELL

    @cached_property
    def planned_usd(self) -> Money:
        """The dollars to trade, positive, to the cent; 0 for a HOLD."""
        if self.action is Action.HOLD:
            return ZERO_USD
        if self.trade_amount is not None:
            return cents(abs(self.trade_amount))
        if self.quantity is None or self.reference_price is None:
            return ZERO_USD
        return worth(self.quantity, self.reference_price)

    @property
    def is_full_exit(self) -> bool:
        """Whether nothing shall be left of the position."""
        return self.action is Action.SELL and (self.target_weight == 0 or self.target_value == 0)


class Plan(Value, frozen=True, extra="allow"):
    """A rebalance plan, read and found valid (``reading.read_plan``); ``warnings`` names what is odd."""

    plan_id: Name
    correlation_id: Name
    causation_id: Name | None = None
    timestamp: Annotated[AwareDatetime, BeforeValidator(_iso)]
    items: Annotated[tuple[PlanItem, ...], BeforeValidator(_sequence)]
    total_portfolio_value: Annotated[_MoneyIn, Field(ge=0)] | None = None
    total_trade_value: _MoneyIn | None = None
    max_drift_tolerance: _Weight = Decimal("0.05")
    execution_urgency: AnyUrgency = Urgency.NORMAL
    estimated_duration_minutes: Annotated[int, Field(ge=1)] | None = None
    account: Name | None = None
    schema_version: Any = None
    strategy_id: str | None = None
    metadata: Any = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """
        The SHA-256 of what the plan trades, in hexadecimal: symbols, actions, amounts, quantities, exits.

        Two plans with the same digest are the same plan; timestamp and metadata do not count. Where the plan
        names its account that counts too: who approves a plan approves it for that account.
        """
        trades = self.trades if self.account is None else [self.account, *self.trades]
        return hashlib.sha256(json.dumps(trades, separators=(",", ":")).encode()).hexdigest()

    @property
    def trades(self) -> list[object]:
        """What the plan trades, each line in the order of the symbols, as its digest counts it."""
        return [
            (
                item.symbol,
                item.action.value,
                plain(item.planned_usd),
                _optional(item.quantity),
                item.is_full_exit,
            )
            for item in sorted(self.items, key=lambda item: item.symbol)
        ]


def _optional(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
