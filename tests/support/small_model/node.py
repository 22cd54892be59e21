"""One state of the small model, and what leads from it to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

from small_model.broker import ABSENT, Truth

from planfill.domain import events as ev
from planfill.domain.policy import Policy
from planfill.domain.state import ExecutionState, LineState, OrderState
from planfill.domain.values import ClientOrderId
from planfill.testing.builders import (
    STREAM,
    a_plan,
    a_policy,
    an_item,
    started,
)
from planfill.testing.clock import START

# Two failed orders trip the breaker, so that it is part of the model.
POLICY: Final = a_policy(limits={"breaker_min_sample": 2})
# The same, where a line may come to two orders.
WALKING: Final = a_policy(style="walk", walk_steps=2, walk_end="leave", limits={"breaker_min_sample": 2})
_NO_HASH: Final = "-"


@dataclass(slots=True)
class Node:
    """One state of the model; ``alive`` while a process executes."""

    state: ExecutionState
    broker: dict[ClientOrderId, Truth]
    faults_left: int
    alive: bool = True

    def after(self, *events: ev.Event, **changes: Any) -> Node:
        """Give the node after these events were recorded."""
        node = Node(_copy(self.state), self.broker, self.faults_left, self.alive)
        for name, value in changes.items():
            setattr(node, name, value)
        for event in events:
            number = node.state.number + 1
            node.state.apply(ev.Recorded(STREAM, number, START, _NO_HASH, event))
        return node

    def truth(self, name: ClientOrderId) -> Truth:
        return self.broker.get(name, ABSENT)

    def with_truth(self, name: ClientOrderId, truth: Truth) -> dict[ClientOrderId, Truth]:
        return {**self.broker, name: truth}

    def key(self) -> tuple[object, ...]:
        """
        Give what distinguishes the node from others; numbers, times and texts do not.

        Nor does which of two buys it is: they are alike.
        """
        state = self.state
        lines = sorted((self._line(line) for line in state.lines.values()), key=hash)
        stop = state.stop and state.stop.reason
        return (state.standing, stop, *lines, self.faults_left, self.alive)

    def _line(self, line: LineState) -> tuple[object, ...]:
        orders = tuple(
            (
                o.phase,
                o.report and (o.report.status, o.report.filled_quantity, o.report.is_priced),
                o.reason,
                o.cancel_requested_at is not None,
                o.canceled_for,
                o.was_doubted,
                o.inherited,
                o.was_proved,
                o.order.quantity,
                self.truth(o.order.client_order_id),
            )
            for o in line.orders
        )
        return (line.item.action, line.closed, line.allotted, *orders)


class Move(NamedTuple):
    """One transition; ``events`` is what was recorded on the way."""

    what: str
    after: Node
    events: tuple[ev.Event, ...] = ()
    fault: bool = False


def beginning(third: str, faults: int, policy: Policy = POLICY) -> Node:
    """Give the first node: a sale, a buy, and a third line (``HOLD`` or ``BUY``)."""
    plan = a_plan(an_item("SPY", "SELL", -1000), an_item("QQQ", "BUY"), an_item("TLT", third, 1000))
    return Node(ExecutionState(), {}, faults).after(started(plan, policy=policy))


def record(what: str, node: Node, *events: ev.Event, fault: bool = False, **changes: Any) -> Iterator[Move]:
    """Give the move that records these events; none where it were a fault too many."""
    if fault:
        if not node.faults_left:
            return
        changes["faults_left"] = node.faults_left - 1
    yield Move(what, node.after(*events, **changes), events, fault)


_ORDER: Final = attrgetter(*(one.name for one in fields(OrderState)))


def _copy(state: ExecutionState) -> ExecutionState:
    twin = ExecutionState()
    vars(twin).update(vars(state))
    twin.orders = {name: OrderState(*_ORDER(order)) for name, order in state.orders.items()}
    twin.lines = {
        symbol: LineState(
            line.item,
            line.rank,
            line.closed,
            line.detail,
            line.allotted,
            [twin.orders[order.order.client_order_id] for order in line.orders],
            line.style,
            line.execution,
        )
        for symbol, line in state.lines.items()
    }
    return twin
