"""What must hold before an order is made; each answer that stops a line is its outcome, with a reason."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.domain.market import NoQuote, Quote
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.values import worth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from planfill.domain.market import Account, Instrument, MarketSession
    from planfill.domain.plan import Plan, PlanItem
    from planfill.domain.policy import ExecutionPolicy

_BPS: Final = Decimal(10000)
_DUST_USD: Final = Decimal(1)


class Objection(NamedTuple):
    """Why something is not done, for the result and for people."""

    reason: Reason
    detail: str


def check_amount(item: PlanItem) -> Objection | None:
    """Object to what is too little to be traded: nothing at all, or dollars under one."""
    if item.planned_usd == 0 and item.quantity is None:
        return Objection(Reason.AMOUNT_ZERO, "the plan's amount is 0")
    if 0 < item.planned_usd < _DUST_USD and not item.is_full_exit:
        return Objection(Reason.BELOW_MINIMUM, f"${item.planned_usd} is under $1")
    return None


def check_quote(
    item: PlanItem, quote: Quote | NoQuote | None, now: datetime, policy: ExecutionPolicy
) -> Quote | Objection:
    """Object to a price that is missing, old, wide, or far from what the plan had in mind."""
    if quote is None:
        return Objection(Reason.NO_PRICE, "no source quotes it")
    if isinstance(quote, NoQuote):
        return Objection(quote.reason, quote.detail)
    return _stale(quote, now, policy) or _wide(quote, policy) or _off(item, quote, policy) or quote


def _stale(quote: Quote, now: datetime, policy: ExecutionPolicy) -> Objection | None:
    age, most = (now - quote.at).total_seconds(), policy.max_quote_age_s
    # One from the future tells that a clock is wrong: then nobody knows how old it is.
    if abs(age) <= most:
        return None
    return Objection(Reason.STALE_PRICE, f"the quote is {age:.0f} s old, at most {most:g} s is allowed")


def _wide(quote: Quote, policy: ExecutionPolicy) -> Objection | None:
    spread, most = (quote.ask - quote.bid) / quote.mid * _BPS, policy.max_spread_bps
    if spread <= most:
        return None
    detail = f"bid {quote.bid}, ask {quote.ask}: {spread:.0f} bps, at most {most} are allowed"
    return Objection(Reason.WIDE_SPREAD, detail)


def _off(item: PlanItem, quote: Quote, policy: ExecutionPolicy) -> Objection | None:
    """Object where the market has moved away from the plan, as it does by a split."""
    most, planned = policy.max_deviation_bps, item.reference_price
    if planned is not None and abs(quote.mid - planned) * _BPS > planned * most:
        detail = f"{quote.mid} is more than {most} bps away from the plan's {planned}"
        return Objection(Reason.PRICE_DEVIATION, detail)
    if item.quantity is None:
        return None
    value = worth(item.quantity, quote.near(item.side))
    if abs(value - item.planned_usd) * _BPS <= item.planned_usd * most:
        return None
    detail = f"{item.quantity} shares are worth ${value}, the plan says ${item.planned_usd}"
    return Objection(Reason.QUANTITY_MISMATCH, detail)


def check_second(
    quote: Quote, second: Mapping[str, Quote | NoQuote] | None, policy: ExecutionPolicy
) -> Objection | None:
    """Object to a price that another source does not confirm, where one is named; its age is no matter."""
    if second is None:
        return None
    other, most = second.get(quote.symbol), policy.max_source_deviation_bps
    if not isinstance(other, Quote):
        return Objection(
            Reason.SOURCE_DEVIATION, f"the second source of prices has no quote to confirm {quote.mid}"
        )
    if other.source == quote.source:
        detail = f"both prices are of {quote.source}: nothing confirms {quote.mid}"
        return Objection(Reason.SOURCE_DEVIATION, detail)
    if abs(quote.mid - other.mid) * _BPS <= other.mid * most:
        return None
    detail = f"{quote.mid} is more than {most} bps away from the {other.mid} of {other.source}"
    return Objection(Reason.SOURCE_DEVIATION, detail)


def check_instrument(item: PlanItem, instrument: Instrument | None, *, held: bool) -> Instrument | Objection:
    """Object to what the broker does not trade, and to a sale of what is not held."""
    if instrument is None:
        return Objection(Reason.NOT_TRADABLE, "the broker does not know it")
    if not instrument.tradable:
        return Objection(Reason.NOT_TRADABLE, "the broker does not trade it")
    if item.action is Action.SELL and not held:
        return Objection(Reason.NOT_HELD, "nothing of it can be sold: not held, or held by open orders")
    return instrument


def check_session(session: MarketSession, now: datetime, policy: ExecutionPolicy) -> Objection | None:
    """Object to sending anything while the market is closed or about to close."""
    if not session.is_open:
        opens = (
            f"it opens at {session.opens_at:%Y-%m-%d %H:%M} UTC"
            if session.opens_at
            else "nobody says when it opens"
        )
        return Objection(Reason.MARKET_CLOSED, f"the market is closed; {opens}")
    if session.closes_at and session.closes_at - now < timedelta(seconds=policy.min_time_to_close_s):
        closes, least = f"{session.closes_at:%H:%M} UTC", f"{policy.min_time_to_close_s:g} s"
        return Objection(Reason.CLOSING_SOON, f"the market closes at {closes}, in less than {least}")
    return None


def check_account(account: Account) -> Objection | None:
    """Object to an account that may not trade, or not in dollars."""
    if account.blocked:
        return Objection(
            Reason.ACCOUNT_BLOCKED,
            f"the broker blocks account {account.key.number}: {account.blocked}",
        )
    if account.currency != "USD":
        return Objection(
            Reason.ACCOUNT_BLOCKED,
            f"account {account.key.number} is in {account.currency}; plans are in USD",
        )
    return None


def check_plan_age(plan: Plan, now: datetime, policy: ExecutionPolicy) -> Objection | None:
    """Object to a plan that was made too long ago."""
    age = (now - plan.timestamp).total_seconds()
    if policy.max_plan_age_s and age > policy.max_plan_age_s:
        return Objection(
            Reason.PLAN_TOO_OLD,
            f"the plan is {age / 3600:.1f} h old, at most {policy.max_plan_age_s / 3600:.1f} h are allowed",
        )
    return None
