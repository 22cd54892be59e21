"""What must hold in every state of the small model, and on the way from each to the next."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from small_model.broker import Elsewhere, There
from small_model.node import Move, Node

from planfill.domain import events as ev
from planfill.domain.accounting import line_result
from planfill.domain.execution_machine import Standing
from planfill.domain.outcome import LineOutcome, Reason
from planfill.domain.plan import Action
from planfill.domain.report import OrderStatus
from planfill.domain.result import ExecutionStatus, OrderResult
from planfill.domain.state import LineState, OrderState, Phase
from planfill.domain.styles import MOST_ORDERS
from planfill.domain.values import ZERO_SHARES

_CERTAIN: Final = frozenset({Phase.ENDED, Phase.REFUSED, Phase.NOT_SENT})
_PROOF: Final = frozenset({"evidence"})


def check_state(node: Node) -> None:
    """Check what holds wherever an execution stands."""
    state = node.state
    for name, order in state.orders.items():
        assert name == order.order.client_order_id
        assert order.report is None or (order.report.client_order_id, bool(order.report.broker_order_id)) == (
            name,
            True,
        )
        if order.phase in _CERTAIN:
            _check_certain(order, node)
    for line in state.lines.values():
        _check_sequence(line, node)
        _check_dollars(_result(line))
    if state.standing is Standing.COMPLETED:
        _check_completed(node)
    if state.standing is Standing.SUSPENDED and not node.alive:
        assert state.result is not None
        assert state.result.status is ExecutionStatus.IN_DOUBT
        assert any(line.outcome is LineOutcome.UNRESOLVED for line in state.result.lines), "in doubt of what?"


def _check_certain(order: OrderState, node: Node) -> None:
    """What is said for certain is true at the broker, unless that changed its mind afterwards."""
    truth, told = node.truth(order.order.client_order_id), order.report
    if isinstance(truth, There) and truth.late:
        return
    if order.phase is not Phase.ENDED:
        listed = isinstance(truth, There) and truth.status is OrderStatus.REJECTED
        assert listed or truth == Elsewhere(), f"{order.phase}, and the broker has or will have it"
        return
    assert isinstance(truth, There), "ended, and the broker never had it"
    assert told is not None
    assert not truth.is_open, "ended, and works at the broker"
    assert told.status is truth.status
    assert told.filled_quantity == truth.filled


def _check_sequence(line: LineState, node: Node) -> None:
    """Of a line's orders only the last may work, each is for what those before it had left."""
    assert len(line.orders) <= MOST_ORDERS[line.style](line.execution), f"{line.item.symbol}: too many orders"
    for order in line.orders[:-1]:
        truth = node.truth(order.order.client_order_id)
        late = isinstance(truth, There) and truth.late
        assert late or order.phase in _CERTAIN, f"{line.item.symbol}: two orders at once"
        assert late or not (isinstance(truth, There) and truth.is_open), "the one before works at the broker"


def _check_dollars(line: OrderResult) -> None:
    assert line.planned_usd == line.filled_usd + line.residual_usd
    assert line.residual_usd == sum(line.residuals.values(), Decimal(0))
    if line.outcome is not LineOutcome.UNRESOLVED:
        assert line.filled_usd == 100 * line.filled_quantity, "a fill has its price"


def _check_completed(node: Node) -> None:
    for line in node.state.lines.values():
        assert not line.is_pending, f"completed, and nothing is decided about {line.item.symbol}"
        assert all(order.phase in _CERTAIN for order in line.orders), "completed, and in doubt"


def check_move(before: Node, move: Move) -> None:
    """Check what holds between a state and the next."""
    after = move.after
    for name, was in before.state.orders.items():
        now = after.state.orders[name]
        grown = _filled(now) - _filled(was)
        assert grown >= 0, f"{move.what}: the filled quantity of {name} fell"
        if was.phase is Phase.ENDED:
            assert now.phase is Phase.ENDED or grown, f"{move.what}: {name} was undone"
            assert not grown or _alerts(move, Reason.LATE_FILL), f"{move.what}: grew without a word"
        if was.phase in {Phase.REFUSED, Phase.NOT_SENT} and now.phase is not was.phase:
            assert _alerts(move, Reason.OUTCOME_UNKNOWN), f"{move.what}: found without a word"
        if was.phase is Phase.UNRESOLVED and now.phase in _CERTAIN:
            assert move.what in _PROOF | {"news"}, f"{move.what}: guessed"
    if not before.alive:
        return
    for event in move.events:
        if isinstance(event, ev.OrderRecorded) and (orders := before.state.lines[event.order.symbol].orders):
            left = orders[0].sizing.quantity - sum(_filled(order) for order in orders)
            assert event.order.quantity == left, f"{move.what}: not for what is left"
            assert all(order.phase in _CERTAIN for order in orders), (
                f"{move.what}: before the end of the last"
            )
    bought = any(isinstance(e, ev.OrderRecorded) and e.order.side == "BUY" for e in move.events)
    assert not (bought and _selling(before)), "bought while a sale may trade"


def _selling(node: Node) -> bool:
    """Tell whether a sale is not at its end; what was at its end and trades again is nobody's guess."""
    for line in node.state.lines.values():
        if line.item.action is not Action.SELL:
            continue
        if line.is_pending or any(order.phase not in _CERTAIN for order in line.orders):
            return True
    return False


def _filled(order: OrderState) -> Decimal:
    return order.report.filled_quantity if order.report else ZERO_SHARES


def _alerts(move: Move, reason: Reason) -> bool:
    return any(isinstance(event, ev.Alerted) and event.reason is reason for event in move.events)


_results: dict[tuple[object, ...], OrderResult] = {}


def _result(line: LineState) -> OrderResult:
    """Give what became of a line; the same for lines that do not differ in what is reported of them."""
    key = (
        line.item.symbol,
        line.closed,
        line.allotted,
        *((o.phase, o.report, o.reason, o.order.quantity) for o in line.orders),
    )
    if key not in _results:
        _results[key] = line_result(line)
    return _results[key]
