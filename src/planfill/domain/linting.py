"""Every rule that a plan would break, found before its first order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planfill.domain.checks import Objection, check_amount, check_session
from planfill.domain.drafting import draft, examine
from planfill.domain.outcome import Reason
from planfill.domain.values import ClientOrderId, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planfill.domain.facts import Facts
    from planfill.domain.policy import Policy
    from planfill.domain.state import LineState

_ANY: Final = ClientOrderId("pf-draft")
_SEE_PRICES: Final = "see the source of prices, or try again when the market is active"
REMEDY: Final = {
    Reason.NO_PRICE: _SEE_PRICES,
    Reason.BAD_PRICE: _SEE_PRICES,
    Reason.CROSSED_PRICE: _SEE_PRICES,
    Reason.STALE_PRICE: _SEE_PRICES,
    Reason.WIDE_SPREAD: "wait for a narrower market, or set execution.max_spread_bps",
    Reason.PRICE_DEVIATION: "make the plan anew from today's prices: it may have missed a split",
    Reason.SOURCE_DEVIATION: "see which source is right, or set execution.max_source_deviation_bps",
    Reason.QUANTITY_MISMATCH: "let quantity and trade_amount say the same",
    Reason.NOT_TRADABLE: "take the symbol out of the plan, or correct it",
    Reason.NOT_HELD: "make the plan anew from what is held, or cancel the orders that hold the shares",
    Reason.WASH_TRADE: "cancel the opposite order, or wait for its end",
    Reason.ROUNDS_TO_ZERO: "plan at least one step of the quantity that the broker takes",
    Reason.NOT_FRACTIONABLE: "plan whole shares",
    Reason.TOO_SMALL: "plan more dollars, or leave the line out",
    Reason.LIMIT: "plan less, or raise the limit",
    Reason.PRICE_INCREMENT: "use a limit that is a multiple of the tick",
    Reason.MARKET_CLOSED: "execute when the market is open",
    Reason.CLOSING_SOON: "execute in the next session, or set execution.min_time_to_close_s",
}


class BrokenRule(Value, frozen=True):
    """A rule that a line would break, and what to do about it; all lines, where there is no symbol."""

    symbol: str
    rule: Reason
    detail: str
    remedy: str


def lint(lines: Iterable[LineState], facts: Facts, policy: Policy) -> tuple[BrokenRule, ...]:
    """
    List every rule of broker and settings that these lines would break now, in the order of the lines.

    Buys are looked at with their planned dollars: the money is counted later. Lines under a dollar are left
    out: they are closed by the plan alone.
    """
    closed = check_session(facts.session, facts.at, policy.execution)
    of_all = [_broken("", closed)] if closed else []
    return (
        *of_all,
        *(
            _broken(line.item.symbol, objection)
            for line in lines
            if check_amount(line.item) is None
            for objection in _objections(line, facts, policy)
        ),
    )


def _objections(line: LineState, facts: Facts, policy: Policy) -> Iterator[Objection]:
    found = [one for one in examine(line.item, facts, policy) if isinstance(one, Objection)]
    if not found and isinstance(drafted := draft(line, facts, policy, _ANY), Objection):
        found = [drafted]
    yield from found


def _broken(symbol: str, objection: Objection) -> BrokenRule:
    # A source of prices may give any reason why it has none.
    remedy = REMEDY.get(objection.reason, _SEE_PRICES)
    return BrokenRule(symbol=symbol, rule=objection.reason, detail=objection.detail, remedy=remedy)
