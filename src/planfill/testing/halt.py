"""The contract of ``HaltSwitch``: a class to subclass, one card a method."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey

if TYPE_CHECKING:
    from planfill.application.ports.halt import HaltSwitch

ACCOUNT: Final = AccountKey(broker="contract", environment="test", number="1")
OTHER: Final = AccountKey(broker="contract", environment="test", number="2")
_AT: Final = datetime(2021, 3, 31, 15, 0, 0, 123456, tzinfo=UTC)


def a_halt(
    account: AccountKey | None = None, *, reduce_only: bool = False, minutes: int = 0, reason: str = "why"
) -> Halt:
    """Make a halt."""
    at = _AT + timedelta(minutes=minutes)
    return Halt(by="an operator", at=at, reason=reason, reduce_only=reduce_only, account=account)


class HaltSwitchContract:
    """Cards S01 to S07; override ``switch``, and ``same``: another one over the same halts."""

    @pytest.fixture
    @abstractmethod
    def switch(self) -> HaltSwitch:
        """Make the adapter under test, with no halt set."""

    @pytest.fixture
    @abstractmethod
    def same(self, switch: HaltSwitch) -> HaltSwitch:
        """Make what another process would use."""

    def test_nothing_is_halted_before_somebody_says_so(self, switch: HaltSwitch) -> None:
        """S01: neither an account nor all."""
        assert (switch.read(ACCOUNT), switch.read(None)) == (None, None)

    def test_a_halt_is_seen_by_all_who_look_word_for_word(self, switch: HaltSwitch, same: HaltSwitch) -> None:
        """S02: who, when and why come back as they were given, in whatever letters."""
        halt = a_halt(ACCOUNT, reduce_only=True, reason="ünïcödé \u2028\n\x00 \U0001f4b8")
        switch.set(halt)
        assert same.read(ACCOUNT) == halt

    def test_a_halt_of_all_is_obeyed_by_each(self, switch: HaltSwitch) -> None:
        """S03: and there is no other that could be meant."""
        switch.set(a_halt())
        assert switch.read(ACCOUNT) == switch.read(OTHER) == switch.read(None) == a_halt()

    def test_a_halt_of_an_account_is_its_own(self, switch: HaltSwitch) -> None:
        """S04: it holds for no other account, nor for all."""
        switch.set(a_halt(ACCOUNT))
        assert (switch.read(OTHER), switch.read(None)) == (None, None)

    def test_the_strictest_counts(self, switch: HaltSwitch) -> None:
        """S05: where an account is halted itself and with all others."""
        switch.set(a_halt(reduce_only=True))
        switch.set(a_halt(ACCOUNT, minutes=5))
        assert switch.read(ACCOUNT) == a_halt(ACCOUNT, minutes=5)
        assert switch.read(OTHER) == a_halt(reduce_only=True)

    def test_the_last_halt_of_the_same_takes_the_place_of_the_one_before(self, switch: HaltSwitch) -> None:
        """S06: a halt can be made stricter, or less strict, without being lifted meanwhile."""
        switch.set(a_halt())
        switch.set(a_halt(reduce_only=True, minutes=1))
        assert switch.read(ACCOUNT) == a_halt(reduce_only=True, minutes=1)

    def test_what_is_lifted_is_gone_and_nothing_else(self, switch: HaltSwitch, same: HaltSwitch) -> None:
        """S07: lifting what is not halted does nothing."""
        switch.set(a_halt())
        switch.set(a_halt(ACCOUNT))
        same.clear(None)
        same.clear(None)
        assert (switch.read(ACCOUNT), switch.read(OTHER)) == (a_halt(ACCOUNT), None)
        same.clear(ACCOUNT)
        assert switch.read(ACCOUNT) is None
