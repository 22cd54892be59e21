"""What became of every line and every dollar."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, Field, field_serializer

from planfill.domain.order import OrderType
from planfill.domain.outcome import LineOutcome, Reason, Residual
from planfill.domain.plan import Action
from planfill.domain.values import (
    ZERO_USD,
    BrokerOrderId,
    ClientOrderId,
    Money,
    Price,
    Quantity,
    Value,
)


class ExecutionStatus(StrEnum):
    """How an execution stands at the end of a run."""

    NOTHING_TO_DO = "NOTHING_TO_DO"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    HALTED = "HALTED"
    IN_DOUBT = "IN_DOUBT"


EXIT_CODE: Final = {
    ExecutionStatus.NOTHING_TO_DO: 0,
    ExecutionStatus.SUCCEEDED: 0,
    ExecutionStatus.PARTIAL: 1,
    ExecutionStatus.FAILED: 1,
    ExecutionStatus.REFUSED: 3,
    ExecutionStatus.HALTED: 3,
    ExecutionStatus.IN_DOUBT: 4,
}


class OrderResult(Value, frozen=True):
    """
    What became of one line; buys and sells as positive amounts, in dollars and shares.

    ``planned_usd`` is ``filled_usd`` and the ``residuals`` together, to the cent. ``arrival_price`` is the
    plan's reference price or the mid of the first quote.
    """

    symbol: str
    action: Action
    outcome: LineOutcome
    reason: Reason | None = None
    detail: str = ""
    client_order_id: ClientOrderId | None = None
    broker_order_id: BrokerOrderId | None = None
    order_type: OrderType | None = None
    planned_usd: Money
    planned_quantity: Quantity | None = None
    filled_usd: Money
    filled_quantity: Quantity
    average_price: Price | None = None
    arrival_price: Price | None = None
    price_source: str | None = None
    residual_usd: Money
    residuals: dict[Residual, Money] = Field(default_factory=dict)

    @property
    def order_id(self) -> str | None:
        """The broker's id of the order; of a line without an order there is none."""
        return self.broker_order_id

    @property
    def success(self) -> bool:
        """Whether the line was traded as planned."""
        return self.outcome is LineOutcome.FILLED


class ExecutionResult(Value, frozen=True):
    """
    What became of a plan. Times in UTC; money in dollars; a positive shortfall is a cost.

    ``orders_placed`` counts the lines of which an order went to the broker, or may have; ``success_rate`` is
    FILLED over these, None where nothing was placed. ``ledger_head`` is the hash of
    the record that this result is, in its stream.
    """

    plan_id: str | None
    correlation_id: str | None
    status: ExecutionStatus
    success: bool
    started_at: AwareDatetime
    finished_at: AwareDatetime
    account: str | None
    orders_placed: int
    orders_filled: int
    success_rate: float | None
    planned_usd: Money
    filled_usd: Money
    residual_usd: Money
    fees_usd: Money
    shortfall_usd: Money
    shortfall_bps: float | None
    detail: str = ""
    ledger_head: str | None = None
    lines: tuple[OrderResult, ...] = ()

    @property
    def orders(self) -> tuple[OrderResult, ...]:
        """The lines that were to be traded: all but the HOLDs."""
        return tuple(line for line in self.lines if line.action is not Action.HOLD)

    @property
    def exit_code(self) -> int:
        """What a command that ends with this result exits with."""
        return EXIT_CODE[self.status]

    @field_serializer("started_at", "finished_at", when_used="json")
    def _microseconds(self, at: AwareDatetime) -> str:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def at_head(self, head: str) -> ExecutionResult:
        """Give this result with the hash under which the ledger keeps it."""
        return ExecutionResult.model_validate({**dict(self), "ledger_head": head})


def nothing_to_do(now: AwareDatetime) -> ExecutionResult:
    """Give the result of no plan at all: a success with no orders."""
    return ExecutionResult(
        plan_id=None,
        correlation_id=None,
        status=ExecutionStatus.NOTHING_TO_DO,
        success=True,
        started_at=now,
        finished_at=now,
        account=None,
        orders_placed=0,
        orders_filled=0,
        success_rate=None,
        planned_usd=ZERO_USD,
        filled_usd=ZERO_USD,
        residual_usd=ZERO_USD,
        fees_usd=ZERO_USD,
        shortfall_usd=ZERO_USD,
        shortfall_bps=None,
    )
