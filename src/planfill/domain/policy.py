"""The figures that decide how a plan is executed: ``[execution]``, ``[limits]`` and ``[rollout]``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from planfill.domain.plan import AnyUrgency, Urgency
from planfill.domain.values import Money, Quantity

_Seconds = Annotated[float, Field(gt=0)]
_Points = Annotated[Decimal, Field(ge=0)]
Style = Literal["market", "limit", "walk"]
"""What kind of orders a line becomes: a row of ``domain.styles`` each."""


class ExecutionPolicy(BaseModel, frozen=True, extra="forbid"):
    """``[execution]``: times in seconds, ``_bps`` in hundredths of a percent."""

    style: Style = "market"
    """A market order, a collared limit, or limits that walk through the spread to the far side of it."""
    urgency: dict[AnyUrgency, Style] = {}
    """The style of plans of an urgency, where it is another than ``style``."""
    walk_steps: Annotated[int, Field(ge=2, le=20)] = 3
    """How many limit orders a walk takes: the first at the middle, the last at the far side."""
    walk_step_s: _Seconds = 10
    """How long each of them may work before it is canceled and the rest goes on to the next."""
    walk_end: Literal["market", "leave"] = "market"
    """What becomes of the rest after the last step: a market order, or it is left."""
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
    max_source_deviation_bps: _Points = Decimal(200)
    """How far the quote may be from that of ``prices.second``, where one is named."""
    max_quote_size_pct: Annotated[Decimal, Field(gt=0)] | None = None
    """An order over this share of the size that is shown raises an alert; unset, nothing does."""
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

    def style_for(self, urgency: Urgency) -> Style:
        """Give the style of a plan of this urgency."""
        return self.urgency.get(urgency, self.style)


_Usd = Annotated[Money, Field(gt=0)]
_Count = Annotated[int, Field(ge=1)]
_Percent = Annotated[Decimal, Field(gt=0, le=100)]
_Symbols = tuple[Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=1)], ...]


class LimitsPolicy(BaseModel, frozen=True, extra="forbid"):
    """``[limits]``: dollars and percent; what is None is off. A day is one of UTC."""

    max_market_usd: _Usd = Money(Decimal(100000))
    """A larger line is sent as a collared limit instead of a market order."""
    max_order_usd: _Usd | None = None
    """What a line may trade."""
    max_order_pct: _Percent | None = None
    """What share of the portfolio a line may trade, where the plan says what the portfolio is worth."""
    max_order_shares: Annotated[Quantity, Field(gt=0)] | None = None
    """How many shares an order may be for."""
    max_plan_usd: _Usd | None = None
    """What all lines of a plan may trade together."""
    max_plan_orders: _Count | None = None
    """How many lines of a plan may trade."""
    max_net_buy_usd: _Usd | None = None
    """By how much the buys of a plan may exceed its sells."""
    max_daily_usd: _Usd | None = None
    """What an account may trade in a day, by all plans and processes."""
    max_daily_orders: _Count | None = None
    """How many orders an account may send in a day."""
    max_daily_plans: _Count | None = None
    """How many plans an account may take up in a day."""
    max_orders_per_minute: _Count | None = None
    """How many orders an account may send within a minute."""
    allow_symbols: _Symbols = ()
    """Where any are named, nothing else is traded."""
    deny_symbols: _Symbols = ()
    """What is never traded."""
    duplicate_window_s: _Seconds | None = None
    """How long after an order the same one of another plan is taken for a mistake."""
    on_breach: Literal["refuse_plan", "block_line"] = "refuse_plan"
    """Whether a line over its limit refuses the plan or only itself; where it is the plan's, the plan."""
    breaker_min_sample: _Count = 5
    """How many orders must have ended before the failure rate means anything."""
    breaker_halt_pct: _Percent = Decimal(50)
    """More failed orders than this stop the rest of the plan."""
    breaker_warn_pct: _Percent = Decimal(20)
    """More failed orders than this raise an alert."""
    breaker_rejections: _Count | None = None
    """As many rejections one after the other stop the rest of the plan."""
    breaker_errors: _Count | None = None
    """As many sends one after the other that the broker did not answer stop the rest of the plan."""
    breaker_unresolved: _Count | None = None
    """As many unresolved orders stop the rest of the plan."""
    max_shortfall_usd: _Usd | None = None
    """An execution that has cost more than this against arrival prices sends nothing more."""
    max_shortfall_bps: Annotated[Decimal, Field(gt=0)] | None = None
    """The same in hundredths of a percent of what was sent so far."""


class RolloutPolicy(BaseModel, frozen=True, extra="forbid"):
    """``[rollout]``: what accounts whose environment is live have to go through; a day is one of UTC."""

    allow_live: bool = False
    """Whether orders may be sent where real money is at stake."""
    canary_symbols: _Symbols = ("SPY", "QQQ")
    """What is traded at the stage canary; nothing else is."""
    canary_max_usd: _Usd = Money(Decimal(20))
    """What an order may be worth at the stage canary; a larger line is cut to it."""
    canary_orders_a_day: _Count = 10
    """How many orders an account may send in a day at the stage canary."""
    ramp: Annotated[tuple[_Percent, ...], Field(min_length=1)] = (Decimal(5), Decimal(25), Decimal(100))
    """The steps of the stage live: what share of each line is traded, in percent, rising."""
    clean_executions: _Count = 10
    """How many executions without a fault a promotion asks for."""
    clean_days: _Count = 5
    """On how many days they must have been."""
    ramp_executions: _Count = 5
    """How many executions without a fault the next step of the ramp asks for."""
    min_success_pct: Annotated[Decimal, Field(ge=0, lt=100)] = Decimal(95)
    """More lines than this must be filled, of those of which an order was placed."""
    max_shortfall_bps: Annotated[Decimal, Field(ge=0)] = Decimal(50)
    """What the executions may have cost against arrival prices for a promotion."""
    clean_shadow_days: Annotated[int, Field(ge=0)] = 0
    """How many days of shadow runs without a difference a promotion asks for."""

    @field_validator("ramp")
    @classmethod
    def _rises(cls, ramp: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if list(ramp) != sorted(set(ramp)):
            msg = "each step must be larger than the one before"
            raise ValueError(msg)
        return ramp


class Policy(BaseModel, frozen=True, extra="forbid"):
    """All figures of one run; recorded with it."""

    execution: ExecutionPolicy = ExecutionPolicy()
    limits: LimitsPolicy = LimitsPolicy()
    rollout: RolloutPolicy = RolloutPolicy()

    def at_once(self) -> Policy:
        """Give the same without waiting for the session: for a look at what would be done now."""
        execution = ExecutionPolicy.model_validate(dict(self.execution) | {"market_closed": "refuse"})
        return Policy(execution=execution, limits=self.limits, rollout=self.rollout)
