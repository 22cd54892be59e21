"""
The domain beside a reference that is too simple to be wrong: the most that was said of each order.

``small_model.moves`` says what can come next, hypothesis chooses; besides, the broker's list may be of any
age, in any order, and say things twice. After each path everything is brought to its end.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import chain

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from small_model.broker import There, told
from small_model.laws import check_move, check_state
from small_model.moves import moves
from small_model.node import POLICY, WALKING, Move, Node, beginning, record

from planfill.domain import events as ev
from planfill.domain.execution_machine import Standing
from planfill.domain.following import news
from planfill.domain.outcome import LineOutcome
from planfill.domain.report import TERMINAL, ExecutionReport
from planfill.domain.state import Phase
from planfill.domain.values import ClientOrderId

_FAULTS = 8
# From anywhere, without further faults: each line is sent, filled, looked at; in doubt, and resumed.
_ENOUGH = 80


class Reference:
    """What was said of one order: how much at most, and whether that was called an end, and priced."""

    def __init__(self) -> None:
        self.filled = Decimal(0)
        self.ended = False
        self.priced = False

    def hears(self, report: ExecutionReport) -> None:
        if report.filled_quantity > self.filled:
            self.filled, self.ended, self.priced = report.filled_quantity, False, False
        if report.filled_quantity == self.filled:
            self.ended |= report.status in TERMINAL
            self.priced |= report.average_price is not None or not self.filled


class Machine(RuleBasedStateMachine):
    policy = POLICY

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self.node = beginning("BUY", _FAULTS, self.policy)
        self.reference: dict[ClientOrderId, Reference] = defaultdict(Reference)
        self.shown: dict[ClientOrderId, list[ExecutionReport]] = defaultdict(list)
        self.recorded: list[ClientOrderId] = []

    def go(self, move: Move) -> None:
        check_move(self.node, move)
        for event in move.events:
            match event:
                case ev.OrderRecorded():
                    self.recorded.append(event.order.client_order_id)
                case ev.OrderReported() | ev.OrderResolved():
                    if event.report is not None:
                        self.reference[event.report.client_order_id].hears(event.report)
        self.node = move.after
        for name, order in self.node.state.orders.items():
            if isinstance(truth := self.node.truth(name), There):
                self.shown[name].append(told(order, truth))

    @rule(data=st.data())
    def next(self, data: st.DataObject) -> None:
        """Let anything happen that can; after the end, begin another."""
        if self.node.state.finished:
            self.begin()
        found = list(moves(self.node))
        assert found, "nothing leads on"
        self.go(found[data.draw(st.integers(0, len(found) - 1))])

    @precondition(lambda self: self.shown and self.node.alive)
    @rule(data=st.data())
    def look_at_an_old_list(self, data: st.DataObject) -> None:
        """Read a list of whatever age, of which some is missing, some twice, and nothing in its order."""
        every = list(chain.from_iterable(self.shown.values()))
        listed = data.draw(st.lists(st.sampled_from(every), max_size=6))
        for report in listed:  # each as if it came by itself
            found = tuple(news(self.node.state, [report]))
            for move in record("news", self.node, *found):
                self.go(move)

    @invariant()
    def everything_is_lawful(self) -> None:
        check_state(self.node)

    @invariant()
    def no_order_is_recorded_twice(self) -> None:
        assert len(set(self.recorded)) == len(self.recorded)
        assert list(self.node.state.orders) == self.recorded

    @invariant()
    def as_the_reference_has_it(self) -> None:
        for name, order in self.node.state.orders.items():
            said = self.reference[name]
            filled = order.report.filled_quantity if order.report else 0
            assert filled == said.filled
            if order.phase in {Phase.ENDED, Phase.WORKING}:
                assert (order.phase is Phase.ENDED) is (said.ended and said.priced)

    def teardown(self) -> None:
        """Bring it to its end: from wherever it is, without a further fault."""
        self.node.faults_left = 0
        for _ in range(_ENOUGH):
            if self.node.state.finished:
                break
            self.go(_onwards(self.node))
        assert self.node.state.standing in {Standing.COMPLETED, Standing.REFUSED}
        assert self.node.state.result is not None
        assert all(line.outcome is not LineOutcome.UNRESOLVED for line in self.node.state.result.lines)


def _onwards(node: Node) -> Move:
    """Choose what ends soonest: the broker fills what it has, and nobody gives up."""
    found = {move.what: move for move in moves(node)}
    for what in ("fills", "priced", "arrives", "news", "evidence"):
        if what in found:
            return found[what]
    return next(move for what, move in found.items() if what not in {"fills in part", "cancel"})


class WalkingMachine(Machine):
    policy = WALKING


TestAgainstAReference = Machine.TestCase
TestAgainstAReference.settings = settings.get_profile("model")
TestWalksAgainstAReference = WalkingMachine.TestCase
TestWalksAgainstAReference.settings = settings.get_profile("model")
