"""The contract of ``Alerter``: a class to subclass, one card a method."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import pytest

from planfill.domain.alert_message import AlertMessage
from planfill.domain.errors import AlertNotDelivered
from planfill.domain.events import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planfill.application.ports.alerter import Alerter


def a_message(text: str = "look at this", severity: Severity = Severity.WARNING) -> AlertMessage:
    """Make a message."""
    return AlertMessage(
        severity=severity,
        title=f"Planfill {severity}: {text}",
        plain=f"{text}\nnext: planfill list",
        html=text,
    )


class AlerterContract:
    """Cards N01 to N04; override ``alerter``; ``arrived``, all that its target has; ``dead``, without one."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    @abstractmethod
    def alerter(self) -> Alerter:
        """Make the adapter under test, with a target that listens."""

    @pytest.fixture
    @abstractmethod
    def arrived(self, alerter: Alerter) -> Callable[[], Sequence[str]]:
        """Give what tells the messages that have arrived."""

    @pytest.fixture
    @abstractmethod
    def dead(self) -> Alerter:
        """Make the adapter with a target that is not there."""

    async def test_a_message_arrives_once(
        self, alerter: Alerter, arrived: Callable[[], Sequence[str]]
    ) -> None:
        """N01: and has when ``send`` returns."""
        await alerter.send(a_message())
        (text,) = arrived()
        assert "look at this" in text

    async def test_each_message_arrives(self, alerter: Alerter, arrived: Callable[[], Sequence[str]]) -> None:
        """N02: whatever its severity, and though it says what another said before it."""
        for severity in (Severity.CRITICAL, Severity.WARNING, Severity.WARNING):
            await alerter.send(a_message(severity=severity))
        assert len(arrived()) == 3

    async def test_a_message_arrives_word_for_word(
        self, alerter: Alerter, arrived: Callable[[], Sequence[str]]
    ) -> None:
        """N03: braces are no template and markup is no markup, in whatever letters."""
        await alerter.send(a_message("{0} <b>%s</b> ünïcödé"))
        (text,) = arrived()
        assert "{0} <b>%s</b> ünïcödé" in text

    async def test_a_target_that_is_not_there_is_one_error(self, dead: Alerter) -> None:
        """N04: ``AlertNotDelivered``, whatever went wrong beneath."""
        with pytest.raises(AlertNotDelivered):
            await dead.send(a_message())
