"""The stages of a rollout: how much of a plan an account may trade, from nothing to all of it."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from planfill.domain.plan import Action, Plan, PlanItem
from planfill.domain.policy import LimitsPolicy
from planfill.domain.values import Money, Value, round_down, scale_down

if TYPE_CHECKING:
    from collections.abc import Iterable

LIVE: Final = "live"
"""The environment of an account where real money is at stake."""
_CENT: Final = Decimal("0.01")
_NANO: Final = Decimal("0.000000001")
_LEAST_USD: Final = Decimal(1)
# By so much may the price move between the cut and the send, and a full exit be larger than its dollars.
_DRIFT: Final = Decimal("1.05")


class Stage(StrEnum):
    """How far an account has come; at PAPER it sends nothing where its environment is live."""

    PAPER = "paper"
    CANARY = "canary"
    LIVE = "live"


class Terms(Value, frozen=True):
    """
    What a stage lets an execution trade: the one reduction of a plan that is permitted.

    ``percent`` of each line's dollars; ``symbols`` alone, where any are named; ``max_usd`` an order, and
    ``orders_a_day`` of the account, where they are not None. ``change`` is the number of the event in the
    account's stream that brought it there: what an execution shows counts for that.
    """

    stage: Stage
    percent: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(100)
    symbols: tuple[str, ...] = ()
    max_usd: Money | None = None
    orders_a_day: int | None = None
    change: int = 0

    def __str__(self) -> str:
        """Say what is traded."""
        if self.stage is not Stage.CANARY:
            return f"stage {self.stage}: {self.percent:f} % of each line"
        most = f"${self.max_usd:,.2f} an order, {self.orders_a_day} orders a day"
        return f"stage {self.stage}: {', '.join(self.symbols)}, {most}"

    def permitted_usd(self, item: PlanItem) -> Money:
        """Give the dollars of a line that may be traded, down to the cent."""
        usd = Money((item.planned_usd * self.percent / 100).quantize(_CENT, ROUND_DOWN))
        return usd if self.max_usd is None else min(usd, self.max_usd)

    def cut(self, item: PlanItem) -> PlanItem:
        """
        Give a line as it may be traded; one that is cut is no full exit any more.

        Shares are cut alike; where dollars bound an order, those alone say what it is for.
        """
        usd = self.permitted_usd(item)
        if usd == item.planned_usd and self.max_usd is None:
            return item
        counted = item.quantity if self.max_usd is None else None
        shares = counted and round_down(scale_down(counted, usd, item.planned_usd), _NANO)
        less = {"trade_amount": usd, "quantity": shares or None, "target_weight": None, "target_value": None}
        same = {name: getattr(item, name) for name in PlanItem.model_fields}
        return PlanItem.model_validate({**same, **less})

    def blocked(self, plan: Plan, sent_today: int) -> dict[str, str]:
        """Say of each line that may not be traded at all why; ``sent_today`` counts the account's orders."""
        found, left = dict[str, str](), None
        if self.orders_a_day is not None:
            left = max(0, self.orders_a_day - sent_today)
        for item in plan.items:
            if item.action is Action.HOLD or item.planned_usd < _LEAST_USD:
                continue
            if self.symbols and item.symbol not in self.symbols:
                found[item.symbol] = f"{self}"
            elif self.permitted_usd(item) < _LEAST_USD:
                found[item.symbol] = f"{self}: ${self.permitted_usd(item)} is too little for an order"
            elif left == 0:
                found[item.symbol] = f"{self}: no more of them today"
            elif left is not None:
                left -= 1
        return found

    def within(self, plan: Plan, blocked: Iterable[str]) -> Plan:
        """Give a plan as it may be traded; what is blocked is held."""
        left_out = set(blocked)
        items = tuple(
            PlanItem(symbol=item.symbol, action=Action.HOLD) if item.symbol in left_out else self.cut(item)
            for item in plan.items
        )
        same = {name: getattr(plan, name) for name in Plan.model_fields}
        return Plan.model_validate({**same, "items": items})

    def limits(self, own: LimitsPolicy) -> LimitsPolicy:
        """Give the limits by which each order is judged as it is sent: the stage's too."""
        if self.stage is not Stage.CANARY:
            return own
        allowed = [one for one in self.symbols if not own.allow_symbols or one in own.allow_symbols]
        bounds = {
            "allow_symbols": (allowed or own.allow_symbols,),
            "max_order_usd": (self.max_usd and self.max_usd * _DRIFT, own.max_order_usd),
            "max_daily_orders": (self.orders_a_day, own.max_daily_orders),
        }
        stricter = {name: min(one for one in both if one is not None) for name, both in bounds.items()}
        return LimitsPolicy.model_validate({**dict(own), **stricter})
