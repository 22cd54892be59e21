"""The figures that decide how a plan is executed; a row of ``[execution]`` and ``[limits]`` each."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from planfill.domain.values import Money

_Seconds = Annotated[float, Field(gt=0)]
_Points = Annotated[Decimal, Field(ge=0)]


class ExecutionPolicy(BaseModel, frozen=True, extra="forbid"):
    """``[execution]``: times in seconds, ``_bps`` in hundredths of a percent."""

    style: Literal["market"] = "market"
    """How a line becomes an order; a line over ``limits.max_market_usd`` is always a collared limit."""
    limit_collar_bps: Annotated[Decimal, Field(ge=0, lt=10000)] = Decimal(25)
    """How far beyond the quote a collared limit may trade."""
    order_deadline_s: _Seconds = 120
    """How long an order may work before it is canceled; the close comes first."""
    poll_s: _Seconds = 0.25
    """The first pause between two looks at the working orders; it grows."""
    poll_max_s: _Seconds = 2
    """The longest pause between two looks."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 64
    """How many orders may be on their way to the broker at once."""
    max_quote_age_s: _Seconds = 60
    """How old a quote may be when the order is sent; 5 suits a full market data feed."""
    max_spread_bps: _Points = Decimal(200)
    """A wider market blocks the line."""
    max_deviation_bps: _Points = Decimal(500)
    """How far the quote may be from the plan's reference price, and a quantity from its dollars."""
    min_time_to_close_s: Annotated[float, Field(ge=0)] = 300
    """With less time left before the close nothing new is sent."""
    sequencing: Literal["sells_first", "pipelined", "plan_order"] = "sells_first"
    """What buys wait for: all sells, the money that covers them, or the sells that the plan lists before."""
    funding: Literal["cash", "settled", "margin"] = "cash"
    """Which money buys may use: cash with today's proceeds, what has settled, or Reg T buying power."""
    on_shortfall: Literal["scale", "priority", "block"] = "scale"
    """Where it does not suffice: every buy cut alike, whole lines by priority, or no buy at all."""
    on_failed_sell: Literal["scale_buys", "block_buys", "ignore"] = "scale_buys"
    """Where sells did not bring theirs: buys are cut by it, blocked, or cut only where money is lacking."""
    market_closed: Literal["refuse", "wait"] = "refuse"
    """Whether a plan that comes out of hours is refused, or waits for the session and is sized then."""
    cash_buffer_bps: Annotated[Decimal, Field(ge=0, lt=10000)] = Decimal(50)
    """The share of the money that is never spent: it pays for slippage."""
    funding_wait_s: Annotated[float, Field(ge=0)] = 15
    """How long buys wait for the proceeds of the sells to show."""
    exit_tolerance: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.05")
    """How far the value held may be from a full exit's amount for all of it to be sold."""
    cancel_grace_s: _Seconds = 30
    """How long after a cancel an order may stay undecided before it is UNRESOLVED."""
    max_plan_age_s: Annotated[float, Field(ge=0)] | None = None
    """How old a plan may be when it is first executed; 0 for any age, unset for the broker's default."""
    max_resume_age_s: _Seconds = 3600
    """How long after its first claim an execution may still send orders."""


class LimitsPolicy(BaseModel, frozen=True, extra="forbid"):
    """``[limits]``: dollars and percent."""

    max_market_usd: Annotated[Money, Field(gt=0)] = Money(Decimal(100000))
    """A larger line is sent as a collared limit instead of a market order."""
    breaker_min_sample: Annotated[int, Field(ge=1)] = 5
    """How many orders must have ended before the failure rate means anything."""
    breaker_halt_pct: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(50)
    """More failed orders than this stop the rest of the plan."""
    breaker_warn_pct: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(20)
    """More failed orders than this raise an alert."""


class Policy(BaseModel, frozen=True, extra="forbid"):
    """All figures of one run; recorded with it."""

    execution: ExecutionPolicy = ExecutionPolicy()
    limits: LimitsPolicy = LimitsPolicy()

    def at_once(self) -> Policy:
        """Give the same without waiting for the session: for a look at what would be done now."""
        execution = ExecutionPolicy.model_validate(dict(self.execution) | {"market_closed": "refuse"})
        return Policy(execution=execution, limits=self.limits)
