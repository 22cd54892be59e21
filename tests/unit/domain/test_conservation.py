"""Every dollar of every line is filled or left, each for its own cause: over random plans and brokers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Final

from hypothesis import event, given, settings
from hypothesis import strategies as st

from planfill.domain.events import (
    FundsAllotted,
    LineClosed,
    OrderDoubted,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OrderUnresolved,
)
from planfill.domain.outcome import LineOutcome, Reason, Residual, closed_as
from planfill.domain.report import OrderStatus
from planfill.domain.sizing import Sizing, SizingFacts, size
from planfill.domain.summary import summarize
from planfill.domain.values import Money, Quantity
from planfill.testing.builders import (
    a_plan,
    a_quote,
    a_report,
    a_state,
    an_instrument,
    an_item,
    an_order,
    an_order_recorded,
)
from planfill.testing.clock import START

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from planfill.domain.events import Event
    from planfill.domain.order import Order
    from planfill.domain.plan import PlanItem
    from planfill.domain.result import OrderResult

HALF_A_CENT: Final = Fraction(1, 200)
S = OrderStatus
REASONS: Final = st.sampled_from(Reason)
LOTS: Final = st.sampled_from(["0.000000001", "0.0001", "1"])
AVERAGES: Final = st.decimals("0.0001", 2000, places=4) | st.fractions(1, 1000).map(
    lambda f: Decimal(f.numerator) / f.denominator
)


@dataclass(frozen=True)
class Line:
    """A line, what became of it, and what must therefore have become of its dollars."""

    item: PlanItem
    events: tuple[Event, ...]
    outcome: LineOutcome
    residuals: dict[Residual, tuple[Fraction, int]]
    """The dollars of each cause, and how many amounts were rounded to the cent on the way."""
    filled: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    placed: bool = False


@dataclass(frozen=True)
class End:
    """How an order ends: what is heard of it, and what that means."""

    events: tuple[Event, ...]
    outcome: LineOutcome
    cause: Residual
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    fees: Decimal = Decimal(0)
    placed: bool = True


@st.composite
def items(draw: DrawFn, symbol: str) -> PlanItem:
    action = draw(st.sampled_from(["BUY", "SELL"]))
    planned = draw(st.decimals("0.01", 10**6, places=2))
    fields: dict[str, object] = {}
    if draw(st.booleans()):
        fields["quantity"] = draw(st.decimals("0.000000001", 10**4, places=9))
    if action == "SELL" and draw(st.booleans()):
        fields["target_weight"] = 0
    return an_item(symbol, action, planned, **fields)


@st.composite
def ends(draw: DrawFn, order: Order) -> End:
    """Let the broker do as it likes with an order."""
    name, whole = order.client_order_id, order.quantity or Decimal(0)
    part = draw(st.decimals(0, 1, places=3)) * whole
    price = draw(AVERAGES)
    fees = draw(st.none() | st.decimals(0, 5, places=4))

    def told(status: OrderStatus, filled: Decimal, at: Decimal | None = price) -> OrderReported:
        return OrderReported(report=a_report(order, status, filled, at, fees_usd=fees))

    before = draw(
        st.lists(st.sampled_from([told(S.NEW, Decimal(0)), told(S.PARTIALLY_FILLED, part / 2)]), max_size=2)
    )
    doubt = OrderDoubted(client_order_id=name, reason=Reason.OUTCOME_UNKNOWN, detail="?")
    unresolved = OrderUnresolved(client_order_id=name, reason=Reason.CANCEL_UNCONFIRMED, detail="?")
    partly = LineOutcome.PARTIALLY_FILLED if part else LineOutcome.UNFILLED
    partly = LineOutcome.FILLED if part == whole else partly
    paid = fees or Decimal(0)
    over = whole * Decimal("1.5")
    reason = draw(REASONS)
    closed, cause = closed_as(reason)
    open_, left = LineOutcome.UNRESOLVED, Residual.UNRESOLVED
    return draw(
        st.sampled_from(
            [
                End(
                    (*before, told(S.FILLED, whole)),
                    LineOutcome.FILLED,
                    Residual.UNFILLED,
                    whole,
                    price,
                    paid,
                ),
                End(
                    (doubt, told(S.FILLED, whole)), LineOutcome.FILLED, Residual.UNFILLED, whole, price, paid
                ),
                End((*before, told(S.CANCELED, part)), partly, Residual.UNFILLED, part, price, paid),
                End((*before, told(S.EXPIRED, part)), partly, Residual.UNFILLED, part, price, paid),
                End(
                    (told(S.CANCELED, part), told(S.FILLED, whole)),
                    LineOutcome.FILLED,
                    Residual.UNFILLED,
                    whole,
                    price,
                    paid,
                ),
                End((told(S.FILLED, over),), LineOutcome.FILLED, Residual.UNFILLED, over, price, paid),
                End(
                    (told(S.REJECTED, Decimal(0), None),),
                    LineOutcome.REJECTED,
                    Residual.REJECTED,
                    fees=paid,
                ),
                End(
                    (OrderRefused(client_order_id=name, reason=Reason.REJECTED, detail="no"),),
                    LineOutcome.REJECTED,
                    Residual.REJECTED,
                ),
                End((OrderNotSent(client_order_id=name, reason=reason),), closed, cause, placed=False),
                End((), open_, left, placed=False),
                End((doubt,), open_, left),
                End((told(S.NEW, Decimal(0)), unresolved), open_, left, fees=paid),
                End((told(S.PARTIALLY_FILLED, part),), open_, left, part, price, paid),
                End((told(S.PARTIALLY_FILLED, part), unresolved), open_, left, part, price, paid),
                End((told(S.FILLED, whole, None),), open_, left, fees=paid),
            ]
        )
    )


@st.composite
def lines(draw: DrawFn, symbol: str) -> Line:
    """Make a line and its events, and work out its dollars anew, in fractions, from what caused them."""
    if draw(st.integers(0, 9)) == 0:
        return Line(an_item(symbol, "HOLD", draw(st.integers(0, 5))), (), LineOutcome.HOLD, {})
    item = draw(items(symbol))
    planned, given_, sells = item.planned_usd, item.quantity, item.action == "SELL"
    allotted = planned
    events: list[Event] = []
    if not sells and draw(st.booleans()):
        allotted = Money(round(planned * draw(st.decimals(0, 1, places=3)), 2))
        events.append(FundsAllotted(cash_usd=allotted, budget_usd=allotted, allotted={symbol: allotted}))
    if draw(st.integers(0, 4)) == 0:
        reason = draw(REASONS)
        outcome, cause = closed_as(reason)
        causes: dict[Residual, tuple[Fraction, int]] = {Residual.FUNDING: (Fraction(planned - allotted), 0)}
        known = causes.get(cause, (Fraction(0), 0))[0]
        causes[cause] = (known + Fraction(allotted), 0)
        return Line(item, (*events, LineClosed(symbol=symbol, reason=reason)), outcome, causes)

    bid = draw(st.decimals("0.01", 2000, places=4))
    quote = a_quote(symbol, bid, bid + draw(st.decimals(0, 10, places=4)))
    lot, sellable = Decimal(draw(LOTS)), draw(st.decimals(0, 10**4, places=9))
    tolerance = Decimal("0.05")
    facts = SizingFacts(quote, an_instrument(symbol, quantity_increment=lot), Quantity(sellable), tolerance)
    sizing: Sizing = size(item, allotted, facts)

    near = Fraction(quote.bid if sells else quote.ask)
    wanted = Fraction(allotted) / near
    if given_ is not None:
        wanted = Fraction(given_) * Fraction(allotted) / Fraction(planned)
    usable = wanted
    if sells:
        usable = min(wanted, Fraction(sellable))
        held = round(Fraction(sellable) * near, 2)
        if item.is_full_exit and abs(held - Fraction(planned)) <= Fraction(planned) * Fraction(tolerance):
            usable = Fraction(sellable)
    steps = floor(usable / Fraction(lot)) * Fraction(lot)
    assert Fraction(sizing.quantity) == steps
    if not sizing.quantity:
        closed = LineClosed(symbol=symbol, reason=Reason.ROUNDS_TO_ZERO)
        causes = {
            Residual.FUNDING: (Fraction(planned - allotted), 0),
            Residual.ROUNDING: (Fraction(allotted), 0),
        }
        return Line(item, (*events, closed), LineOutcome.SKIPPED, causes)

    order = an_order(symbol, item.side, sizing.quantity)
    end = draw(ends(order))
    event(f"ends {end.outcome} for {end.cause}")
    filled = Fraction(end.filled)
    at = Fraction(end.price) if end.price is not None else near
    left: dict[Residual, tuple[Fraction, int]] = {
        Residual.FUNDING: (Fraction(planned) - Fraction(allotted), 0),
        Residual.PRICE: (Fraction(allotted) - wanted * near + filled * (near - at), 3),
        Residual.HOLDING: ((wanted - usable) * near, 2),
        Residual.ROUNDING: ((usable - steps) * near, 2),
    }
    dollars, roundings = left.get(end.cause, (Fraction(0), 0))
    left[end.cause] = (dollars + (steps - filled) * near, roundings + 2)
    events += [an_order_recorded(order, sizing), *end.events]
    return Line(item, tuple(events), end.outcome, left, end.filled, end.fees, end.placed)


@st.composite
def executions(draw: DrawFn) -> list[Line]:
    return [draw(lines(f"S{n}")) for n in range(draw(st.integers(0, 4)))]


def check(line: Line, result: OrderResult) -> None:
    assert (result.symbol, result.outcome) == (line.item.symbol, line.outcome)
    assert result.planned_usd == line.item.planned_usd
    assert result.planned_usd == result.filled_usd + sum(result.residuals.values())
    assert result.residual_usd == sum(result.residuals.values())
    assert set(result.residuals) <= set(line.residuals)
    for cause, (dollars, roundings) in line.residuals.items():
        found = result.residuals.get(cause, Decimal(0))
        assert found == round(found, 2)
        assert abs(Fraction(found) - dollars) <= roundings * HALF_A_CENT, cause


@settings(max_examples=150)
@given(executions())
def test_every_dollar_of_every_line_is_filled_or_left_for_its_own_cause(
    execution: list[Line],
) -> None:
    plan = a_plan(*(line.item for line in execution))
    events = [event_ for line in execution for event_ in line.events]
    result = summarize(a_state(*events, plan=plan), START)

    assert len(result.lines) == len(execution)
    for line, found in zip(execution, result.lines, strict=True):
        check(line, found)
    assert result.planned_usd == sum(found.planned_usd for found in result.lines)
    assert result.filled_usd == sum(found.filled_usd for found in result.lines)
    assert result.residual_usd == sum(found.residual_usd for found in result.lines)
    assert result.planned_usd == result.filled_usd + result.residual_usd
    assert result.fees_usd == round(sum(line.fees for line in execution), 2)
    assert result.orders_placed == sum(line.placed for line in execution)
    assert result.orders_filled == sum(found.outcome is LineOutcome.FILLED for found in result.lines)
    if result.orders_placed:
        assert result.success_rate == result.orders_filled / result.orders_placed
    else:
        assert result.success_rate is None
