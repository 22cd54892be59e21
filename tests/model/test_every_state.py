"""
Every state that three lines, an abstract broker and a few faults can come to is visited, and is lawful.

``small_model.laws`` has what holds in each state and on each transition. Here is what holds of all together:
every path ends, with a finished execution or one that is in doubt for a reason, and nothing else.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from small_model.node import POLICY, WALKING, beginning
from small_model.walk import Walk

from planfill.domain import lines as orders_of
from planfill.domain.execution_machine import Standing
from planfill.domain.order_machine import ORDER, Happening, Phase, order_after
from planfill.domain.policy import Policy
from planfill.domain.styles import MOST_ORDERS

Note = Callable[[str, object], None]
H, P = Happening, Phase
# What the table has, and a sale and a buy with two faults do not come to; each with what it would take.
_BEYOND: Final = {
    # The refusal of an order that is being looked for: the retry keeps those to itself.
    (P.DOUBTED, H.REFUSED),
    # A look-up that is answered with another order.
    (P.DOUBTED, H.DOUBTED),
    # An order is sent before anybody tracks it: neither canceled nor given up while it is only recorded.
    (P.RECORDED, H.CANCEL_ASKED),
    (P.RECORDED, H.GIVEN_UP),
    # A rejection that says more the second time, such as fees.
    (P.ENDED, H.FAILS),
    # Three faults: the third is the rejection.
    (P.NOT_SENT, H.FAILS),
    (P.UNRESOLVED, H.FAILS),
}


@pytest.fixture(autouse=True)
def _uncollected() -> Iterator[None]:
    """Collect nothing: of tens of thousands of states none is garbage, and each collection walks them all."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> set[tuple[Phase, Happening]]:
    """Collect the rows of the table that are used."""
    found: set[tuple[Phase, Happening]] = set()

    def noted(phase: Phase, happening: Happening) -> Phase:
        after = order_after(phase, happening)
        found.add((phase, happening))
        return after

    monkeypatch.setattr(orders_of, "order_after", noted)
    return found


@pytest.mark.parametrize(
    ("third", "faults", "policy"),
    [
        ("HOLD", 0, POLICY),
        ("BUY", 0, POLICY),
        ("BUY", 1, POLICY),
        ("HOLD", 2, POLICY),
        ("HOLD", 1, WALKING),
        pytest.param("BUY", 0, WALKING, marks=pytest.mark.soak),
        pytest.param("BUY", 2, POLICY, marks=pytest.mark.soak),
    ],
    ids=lambda one: one.execution.style if isinstance(one, Policy) else str(one),
)
def test_every_state_is_lawful_and_every_path_ends(
    third: str, faults: int, policy: Policy, met: set[tuple[Phase, Happening]], record_property: Note
) -> None:
    begin = time.perf_counter()
    walk = Walk(beginning(third, faults, policy))
    everywhere, finished, ended = set(range(len(walk.nodes))), walk.finished, walk.ended

    def ways(numbers: set[int]) -> list[str]:
        return [walk.way_to(number) for number in sorted(numbers)[:3]]

    assert not ways(walk.dead_ends() - finished), "nothing leads on from here"
    assert not ways(walk.circles()), "this goes round for ever within one run"
    assert not ways(everywhere - walk.reaches(ended)), "no end is reached from here"
    assert not ways(everywhere - walk.reaches(finished)), "nothing ever finishes this"
    in_doubt = ended - finished
    assert not ways({n for n in in_doubt if walk.nodes[n].faults_left == faults}), "in doubt without a fault"
    assert bool(in_doubt) is bool(faults)

    seconds = time.perf_counter() - begin
    what = f"the small model, SELL BUY {third}, {faults} faults, {policy.execution.style}"
    record_property("figures", (f"{what}: states", len(walk.nodes), seconds))
    record_property("figures", (f"{what}: transitions", walk.transitions, seconds))
    most = max(len(line.orders) for node in walk.nodes for line in node.state.lines.values())
    assert most == MOST_ORDERS[policy.execution.style](policy.execution)
    if (third, faults) == ("HOLD", 2):
        table = {(phase, happening) for phase, row in ORDER.items() for happening in row}
        assert table - met == _BEYOND
        assert {node.state.standing for node in walk.nodes} == set(Standing) - {Standing.NOT_STARTED}
