"""
All that can happen next in the small model: three lines, an abstract broker, and so many faults.

``decide`` says what is done; the broker, the wire, the operator and the faults say what comes of it. Time is
abstract: a deadline or a grace is over whenever that can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Final

from small_model.broker import ABSENT, ON_THE_WIRE, REJECTED, WHOLE, Elsewhere, There, becomes, told
from small_model.broker import S as STATUS
from small_model.node import POLICY, Move, Node, record

from planfill.domain import deciding as step
from planfill.domain import events as ev
from planfill.domain.following import answered, doubted, given_up, news, not_sent, overdue, unresolved
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.plan import Action
from planfill.domain.result import ExecutionStatus
from planfill.domain.state import LineState, OrderState, Phase
from planfill.domain.summary import summarize
from planfill.domain.values import ClientOrderId, Money
from planfill.testing.builders import (
    a_sizing,
    an_order,
    an_order_recorded,
)
from planfill.testing.clock import START

_LATER: Final = START + timedelta(days=1)


def moves(node: Node) -> Iterator[Move]:
    """Give every transition of a node."""
    if node.state.finished:
        return
    if not node.alive:
        yield from _between_runs(node)
        yield from _broker_moves(node)
        return
    todo = step.decide(node.state, POLICY)
    yield from _crash(node, todo)
    if isinstance(todo, step.Place):
        assert node.state.stop is None, "something is sent after a stop"
        assert all(order.phase is Phase.RECORDED for order in todo.orders)
    if node.state.stop is None and not isinstance(todo, step.Finish):
        yield from record("halt", node, ev.StopRequested(reason=Reason.HALTED, detail=""), fault=True)
    yield from _perform(node, todo)


def _broker_moves(node: Node) -> Iterator[Move]:
    for name, truth in node.broker.items():
        if isinstance(truth, Elsewhere):
            if truth.on_the_wire:
                yield from record("arrives", node, broker=node.with_truth(name, _arrives(node, name)))
            continue
        for what, after, fault in becomes(truth):
            yield from record(what, node, fault=fault, broker=node.with_truth(name, after))


# --- what goes wrong, and who mends it ------------------------------------------------------------


def _crash(node: Node, todo: step.Step) -> Iterator[Move]:
    """End the process; what it was sending has arrived, will arrive, or never does."""
    sending = todo.orders if isinstance(todo, step.Place) else ()
    for fates in product((ABSENT, ON_THE_WIRE, There), repeat=len(sending)):
        broker = dict(node.broker)
        for order, fate in zip(sending, fates, strict=True):
            name = order.order.client_order_id
            if fate is not ABSENT:
                taken = _arrives(node, name)
                broker[name] = taken if fate is There else ON_THE_WIRE
        yield from record("crash", node, fault=True, alive=False, broker=broker)


def _between_runs(node: Node) -> Iterator[Move]:
    yield from record("resume", node, ev.ExecutionResumed(holder="another"), alive=True)
    for name, order in node.state.orders.items():
        if not (order.is_open or order.is_unresolved):
            continue
        truth, report = node.truth(name), None
        if isinstance(truth, There):
            if truth.is_open or not truth.priced:
                continue  # nobody can say yet how it ends
            report = told(order, truth)
        elif truth.on_the_wire or order.report is not None:
            continue
        said = ev.OrderResolved(client_order_id=name, by="me", evidence="statement", report=report)
        yield from record("evidence", node, said)


def _perform(node: Node, todo: step.Step) -> Iterator[Move]:  # noqa: C901 - one case a step
    state = node.state
    match todo:
        case step.Recover(orders):
            for order in orders:
                yield from _look_up(node, order)
        case step.Place(orders):
            for order in orders:
                yield from _send(node, order)
        case step.Wave(lines):
            yield from _wave(node, [line.item.symbol for line in lines])
        case step.Fund(lines):
            allotted = {line.item.symbol: line.item.planned_usd for line in lines}
            cash = Money(Decimal(100_000))
            yield from record(
                "fund", node, ev.FundsAllotted(cash_usd=cash, budget_usd=cash, allotted=allotted)
            )
        case step.Close(lines, reason, detail):
            closed = [ev.LineClosed(symbol=x.item.symbol, reason=reason, detail=detail) for x in lines]
            yield from record("close", node, *closed)
        case step.Withdraw(orders, reason, detail):
            yield from record("withdraw", node, *(not_sent(order, reason, detail) for order in orders))
        case step.Stop(reason, detail):
            yield from record("breaker", node, ev.StopRequested(reason=reason, detail=detail))
        case step.Track():
            yield from _track(node)
        case step.Finish():
            result = summarize(state, START)
            kind = {
                ExecutionStatus.IN_DOUBT: ev.ExecutionSuspended,
                ExecutionStatus.REFUSED: ev.ExecutionRefused,
            }.get(result.status, ev.ExecutionCompleted)
            yield from record("finish", node, kind(result=result), alive=False)


# --- what a run does ------------------------------------------------------------------------------


def _wave(node: Node, symbols: list[str]) -> Iterator[Move]:
    lines = node.state.lines
    attempts = {symbol: len(lines[symbol].orders) + 1 for symbol in symbols}
    names = {symbol: node.state.client_order_ids(attempt)[symbol] for symbol, attempt in attempts.items()}
    for unpriced in (None, *symbols):
        events = [
            ev.LineClosed(symbol=symbol, reason=Reason.NO_PRICE)
            if symbol == unpriced
            else _recorded(symbol, lines[symbol].item.action, names[symbol], _shares(lines[symbol]))
            for symbol in symbols
        ]
        yield from record(f"wave without {unpriced}", node, *events, fault=unpriced is not None)


def _shares(line: LineState) -> int:
    return int(line.rest) if line.orders else WHOLE


@cache
def _recorded(symbol: str, action: Action, name: ClientOrderId, shares: int) -> ev.OrderRecorded:
    side = Side.SELL if action is Action.SELL else Side.BUY
    return an_order_recorded(an_order(symbol, side, shares, client_order_id=name), a_sizing(shares))


def _send(node: Node, order: OrderState) -> Iterator[Move]:
    name = order.order.client_order_id
    taken, doubt = _arrives(node, name), doubted(order, "no answer")
    whole = There(STATUS.FILLED, taken.whole, whole=taken.whole)
    refused = ev.OrderRefused(client_order_id=name, reason=Reason.REJECTED, detail="")
    away = not_sent(order, Reason.BROKER_UNAVAILABLE, "")
    yield from record(
        "placed",
        node,
        answered(order, told(order, taken)),
        broker=node.with_truth(name, _arrives(node, name)),
    )
    for what, truth, fault in (("filled at once", whole, False), ("rejected at once", REJECTED, True)):
        _arrives(node, name)
        there = node.with_truth(name, truth)
        yield from record(what, node, answered(order, told(order, truth)), fault=fault, broker=there)
    yield from record("refused", node, refused, fault=True)
    yield from record(
        "refused, and listed", node, refused, fault=True, broker=node.with_truth(name, REJECTED)
    )
    yield from record("broker away", node, away, fault=True)
    yield from record("request lost", node, doubt, fault=True)
    # A broker that breaks its word: it has the order all the same.
    had = node.with_truth(name, _arrives(node, name)._replace(late=True))
    yield from record("refused, and had", node, refused, fault=True, broker=had)
    yield from record("broker away, and had", node, away, fault=True, broker=had)
    yield from record(
        "answer lost", node, doubt, fault=True, broker=node.with_truth(name, _arrives(node, name))
    )
    yield from record("request late", node, doubt, fault=True, broker=node.with_truth(name, ON_THE_WIRE))


def _arrives(node: Node, name: ClientOrderId) -> There:
    """Let a request arrive: ids need not be unique here, so a second one would be a second order."""
    assert not isinstance(node.truth(name), There), f"{name} is placed a second time"
    return There(whole=int(node.state.orders[name].sizing.quantity))


def _look_up(node: Node, order: OrderState) -> Iterator[Move]:
    name = order.order.client_order_id
    yield from record("cannot ask", node, unresolved(order, ""), fault=True)
    match node.truth(name):
        case There() as truth:
            yield from record("found", node, answered(order, told(order, truth)))
        case Elsewhere(on_the_wire=True):
            # The second look comes after the longest delivery: what was on its way has arrived.
            taken = _arrives(node, name)
            report = told(order, taken)
            yield from record(
                "found late", node, answered(order, report), broker=node.with_truth(name, taken)
            )
        case _:
            again = ev.OrderRequoted(order=order.order, deadline=order.deadline)
            yield from record("absent, again", node, again)
            yield from record("absent, not worth it", node, not_sent(order, Reason.NO_FUNDS, ""))


def _track(node: Node) -> Iterator[Move]:
    state = node.state
    listed = [
        told(order, truth)
        for name, order in state.orders.items()
        if isinstance(truth := node.truth(name), There)
    ]
    if found := tuple(news(state, listed)):
        yield from record("news", node, *found)
    else:
        # One thing at a time: what happens to two orders between two looks happens in either order.
        yield from _broker_moves(node)
    for order in overdue(state, _LATER):
        name, truth = order.order.client_order_id, node.truth(order.order.client_order_id)
        if not isinstance(truth, There):
            continue  # the broker knows no such order: it is asked again later
        asked = ev.CancelRequested(client_order_id=name, reason=Reason.DEADLINE)
        obeyed = truth._replace(canceling=truth.is_open, ignored=False)
        yield from record("cancel", node, asked, broker=node.with_truth(name, obeyed))
        if truth.is_open:
            ignored = truth._replace(ignored=True)
            yield from record(
                "cancel ignored", node, asked, fault=True, broker=node.with_truth(name, ignored)
            )
    # In that much time all has happened that happens by itself.
    for event in given_up(state, _LATER, 0):
        if not found and _is_stuck(node, event):
            yield from record("give up", node, event)


def _is_stuck(node: Node, event: ev.Event) -> bool:
    assert isinstance(event, ev.OrderUnresolved)
    truth = node.truth(event.client_order_id)
    if isinstance(truth, Elsewhere):
        return True
    asked = node.state.orders[event.client_order_id].cancel_requested_at is not None
    return asked and ((truth.ignored and truth.is_open) or not truth.priced)
