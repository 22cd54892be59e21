"""The exhaustive walk: every state of the small model that can be reached, breadth first."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import Final

from small_model.laws import check_move, check_state
from small_model.moves import moves
from small_model.node import Node

from planfill.domain.execution_machine import Standing

_DAWN: Final = ("resume",)
"""Moves that begin anew: only through these does a path come back to where it was."""


class Walk:
    """
    All states from ``first`` on, each checked, and what leads from which to which.

    ``ended`` are the states in which a run is over, told as finished or in doubt; ``way_to`` tells how one
    comes to a state.
    """

    def __init__(self, first: Node) -> None:
        self.nodes: list[Node] = []
        self.transitions = 0
        self.steps: Counter[str] = Counter()
        self._numbers: dict[tuple[object, ...], int] = {}
        self._came: list[tuple[int, str]] = []
        self._after: list[list[tuple[int, bool, bool]]] = []
        self._add(first, -1, "")
        queue = deque([0])
        while queue:
            number = queue.popleft()
            queue.extend(self._visit(number))

    @property
    def ended(self) -> set[int]:
        ends = {Standing.COMPLETED, Standing.REFUSED, Standing.SUSPENDED}
        return {n for n, node in enumerate(self.nodes) if node.state.standing in ends}

    @property
    def finished(self) -> set[int]:
        return {n for n, node in enumerate(self.nodes) if node.state.finished}

    def reaches(self, goals: set[int]) -> set[int]:
        """Give the states from which one of the goals is reached when no further fault happens."""
        before: dict[int, list[int]] = defaultdict(list)
        for number, after in enumerate(self._after):
            for other, fault, _ in after:
                if not fault:
                    before[other].append(number)
        found, queue = set(goals), deque(goals)
        while queue:
            for number in before[queue.popleft()]:
                if number not in found:
                    found.add(number)
                    queue.append(number)
        return found

    def circles(self) -> set[int]:
        """Give the states on, or behind, a circle that no new run explains: a path that need not end."""
        entering = Counter(n for after in self._after for n, _, anew in after if not anew)
        queue = deque(n for n in range(len(self.nodes)) if not entering[n])
        left = set(range(len(self.nodes)))
        while queue:
            number = queue.popleft()
            left.discard(number)
            for other, _, anew in self._after[number]:
                entering[other] -= not anew
                if not anew and not entering[other]:
                    queue.append(other)
        return left

    def dead_ends(self) -> set[int]:
        """Give the states from which nothing leads on."""
        return {number for number, after in enumerate(self._after) if not after}

    def way_to(self, number: int) -> str:
        """Tell the moves that lead to a state."""
        moves: list[str] = []
        while number > 0:
            number, what = self._came[number]
            moves.append(what)
        return " > ".join(reversed(moves))

    def _add(self, node: Node, before: int, what: str) -> int:
        number = self._numbers[node.key()] = len(self.nodes)
        self.nodes.append(node)
        self._came.append((before, what))
        self._after.append([])
        return number

    def _visit(self, number: int) -> list[int]:
        """Check a state and all that lead on from it; give those that are new."""
        node, new = self.nodes[number], []
        try:
            check_state(node)
            for move in moves(node):
                self.transitions += 1
                self.steps[move.what] += 1
                check_move(node, move)
                other = self._numbers.get(move.after.key())
                if other is None:
                    other = self._add(move.after, number, move.what)
                    new.append(other)
                self._after[number].append((other, move.fault, move.what in _DAWN))
        except Exception as e:
            e.add_note(f"after: {self.way_to(number)}")
            raise
        return new
