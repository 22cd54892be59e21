"""The faults that a script can hold."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from planfill.adapters.brokers.mock.script import Call, Fault
from planfill.domain.errors import ExecutionError, OrderRejected, OutcomeUnknown
from planfill.domain.market import Quote
from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.values import ZERO_SHARES

if TYPE_CHECKING:
    from planfill.domain.values import Quantity


def _lost() -> ExecutionError:
    return OutcomeUnknown("the connection broke before the answer")


@dataclass(frozen=True)
class Fail(Fault):
    """The call fails before its effect: nothing was placed, canceled or read."""

    error: ExecutionError = field(default_factory=_lost)

    async def before(self, _call: Call) -> None:
        """Raise the error."""
        raise self.error


@dataclass(frozen=True)
class LoseAnswer(Fault):
    """The call has its effect, and the caller does not hear of it, nor of a refusal."""

    error: ExecutionError = field(default_factory=_lost)

    async def after(self, _call: Call, _answer: object) -> object:
        """Raise the error instead of answering."""
        raise self.error


@dataclass(frozen=True)
class Hang(Fault):
    """The call takes ``seconds`` more, before its effect or (``answer``) after it."""

    seconds: float
    answer: bool = False

    async def before(self, call: Call) -> None:
        """Wait, where the request is what hangs."""
        if not self.answer:
            await call.clock.sleep(self.seconds)

    async def after(self, call: Call, answer: object) -> object:
        """Wait, where the answer is what hangs."""
        if self.answer:
            await call.clock.sleep(self.seconds)
        return answer


@dataclass(frozen=True)
class DeliverLate(Fault):
    """The caller hears nothing; the request arrives after ``seconds``, seen at the next call then."""

    seconds: float
    error: ExecutionError = field(default_factory=_lost)

    async def before(self, call: Call) -> None:
        """Put the request off."""
        call.again_after(self.seconds)
        raise self.error


@dataclass(frozen=True)
class DeliverTwice(Fault):
    """The request arrives now, and once more after ``seconds``."""

    seconds: float

    async def before(self, call: Call) -> None:
        """Send the request a second time."""
        call.again_after(self.seconds)


@dataclass(frozen=True)
class Treatment(Fault):
    """An order or a cancel that the exchange treats in its own way."""

    @abstractmethod
    def changes(self) -> dict[str, Any]:
        """Say which fields of ``Handling`` are other than usual."""

    async def before(self, call: Call) -> None:
        """Tell the exchange."""
        call.handling = replace(call.handling, **self.changes())


@dataclass(frozen=True)
class Refuse(Treatment):
    """The exchange refuses the order, and again when it is repeated."""

    error: OrderRejected = field(default_factory=lambda: OrderRejected("refused by the script"))

    def changes(self) -> dict[str, Any]:
        """Hand the refusal in."""
        return {"refusal": self.error}


@dataclass(frozen=True)
class RejectLate(Treatment):
    """The exchange accepts the order, and rejects it when its fill is due."""

    why: str = "rejected by the script"

    def changes(self) -> dict[str, Any]:
        """Hand the reason in."""
        return {"doom": self.why}


@dataclass(frozen=True)
class FillLate(Treatment):
    """The order begins to fill after ``seconds``."""

    seconds: float

    def changes(self) -> dict[str, Any]:
        """Hand the delay in."""
        return {"fill_delay_s": self.seconds}


@dataclass(frozen=True)
class NeverFill(Treatment):
    """The order works and does not fill."""

    def changes(self) -> dict[str, Any]:
        """Let it rest."""
        return {"rests": True}


@dataclass(frozen=True)
class FillOnly(Treatment):
    """Only so many shares of the order fill; it goes on working."""

    shares: Quantity

    def changes(self) -> dict[str, Any]:
        """Hand the bound in."""
        return {"at_most": self.shares}


@dataclass(frozen=True)
class ReadLag(Treatment):
    """The order is not found for ``seconds``."""

    seconds: float

    def changes(self) -> dict[str, Any]:
        """Hand the time in."""
        return {"hidden_s": self.seconds}


@dataclass(frozen=True)
class IgnoreCancel(Treatment):
    """The cancel is accepted and changes nothing."""

    def changes(self) -> dict[str, Any]:
        """Let it pass by."""
        return {"ignore": True}


@dataclass(frozen=True)
class FillDuringCancel(Treatment):
    """Before the cancel takes effect the order fills, or ``shares`` of it do."""

    shares: Quantity | None = None

    def changes(self) -> dict[str, Any]:
        """Let the fill go first."""
        return {"fill_first": True, "at_most": self.shares}


@dataclass(frozen=True)
class _Distortion(Fault):
    """An answer that is changed on its way back; in a list, what concerns ``symbol``, or all."""

    symbol: str | None = None

    @abstractmethod
    def seen(self, value: Any) -> object:  # noqa: ANN401 - whatever a port answers with
        """Give what is seen instead; None in a list is left out."""

    async def after(self, _call: Call, answer: object) -> object:
        """Change the answer; an error says nothing that could be changed."""
        if isinstance(answer, ExecutionError):
            return answer
        if isinstance(answer, dict):
            return {key: self._concerned(value) for key, value in answer.items()}
        if isinstance(answer, list):
            return [one for one in map(self._concerned, answer) if one is not None]
        return self._concerned(answer)

    def _concerned(self, value: object) -> object:
        mine = self.symbol is None or getattr(value, "symbol", None) == self.symbol
        return self.seen(value) if mine else value


@dataclass(frozen=True)
class HidePrice(_Distortion):
    """What has filled is reported without its average price."""

    def seen(self, value: Any) -> object:  # noqa: ANN401 - as above
        """Drop the price."""
        return ExecutionReport(**dict(value) | {"average_price": None})


@dataclass(frozen=True)
class ShowStatus(_Distortion):
    """The order is reported under another status, such as one that nobody knows; ``raw`` is its text."""

    status: OrderStatus = OrderStatus.UNKNOWN
    raw: str = ""

    def seen(self, value: Any) -> object:  # noqa: ANN401 - as above
        """Change the status."""
        return ExecutionReport(**dict(value) | {"status": self.status, "raw": self.raw or value.raw})


@dataclass(frozen=True)
class HideFills(_Distortion):
    """The order is reported as if nothing of it had filled."""

    def seen(self, value: Any) -> object:  # noqa: ANN401 - as above
        """Drop the fills."""
        unfilled = {"filled_quantity": ZERO_SHARES, "average_price": None, "fees_usd": None}
        return ExecutionReport(**dict(value) | unfilled)


@dataclass(frozen=True)
class LeaveOut(_Distortion):
    """A list lacks what is there."""

    def seen(self, _value: Any) -> object:  # noqa: ANN401 - as above
        """Drop it."""
        return None


@dataclass(frozen=True)
class AgeQuotes(_Distortion):
    """Quotes are ``seconds`` old."""

    seconds: float = 3600

    def seen(self, value: Any) -> object:  # noqa: ANN401 - as above
        """Change the time of a quote; a quote that is not there has none."""
        if not isinstance(value, Quote):
            return value
        return Quote(**dict(value) | {"at": value.at - timedelta(seconds=self.seconds)})
