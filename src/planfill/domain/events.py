"""What happened: frozen, numbered, in the past tense. One stream of them feeds everything."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from pydantic import AwareDatetime, Field, TypeAdapter

from planfill.domain.calls import CallCount
from planfill.domain.identity import AccountKey
from planfill.domain.linting import BrokenRule
from planfill.domain.order import Order
from planfill.domain.outcome import Reason
from planfill.domain.plan import Plan
from planfill.domain.policy import Policy
from planfill.domain.reconciliation import Difference
from planfill.domain.report import ExecutionReport
from planfill.domain.result import ExecutionResult
from planfill.domain.shadow import ShadowDifference, ShadowField
from planfill.domain.sizing import Sizing
from planfill.domain.stages import Stage, Terms
from planfill.domain.values import ZERO_USD, ClientOrderId, Money, Quantity, Value


class _Event(Value, frozen=True):
    finishes: ClassVar[bool | None] = None
    """Whether the execution is finished after this event; None where the event does not change that."""


class ExecutionStarted(_Event, frozen=True):
    """
    The plan was taken up; all that a resume needs is in here.

    ``cash_usd`` and ``positions`` (of the plan's symbols that are held) are the account's, before the first
    order; None where nobody could read what is held. ``endpoint`` is where the orders go. ``open_orders`` are
    those in the plan's symbols that the account had at the broker before. ``rollout`` is what the account's
    stage lets it trade, for as long as the execution lasts; None where no stage is enforced.
    """

    finishes = False
    kind: Literal["execution_started"] = "execution_started"
    plan: Plan
    digest: str
    account: AccountKey
    cash_usd: Money
    policy: Policy
    holder: str
    endpoint: str = ""
    positions: dict[str, Quantity] | None = None
    open_orders: tuple[ExecutionReport, ...] = ()
    rollout: Terms | None = None


class ExecutionResumed(_Event, frozen=True):
    """Another run took up what an earlier one left; what it had allotted to buys is allotted anew."""

    finishes = False
    kind: Literal["execution_resumed"] = "execution_resumed"
    holder: str


class LineClosed(_Event, frozen=True):
    """A line ended before anything, or anything more, was sent for it."""

    kind: Literal["line_closed"] = "line_closed"
    symbol: str
    reason: Reason
    detail: str = ""


class RulesBroken(_Event, frozen=True):
    """Before the first order: every rule of broker and settings that the plan's lines would break now."""

    kind: Literal["rules_broken"] = "rules_broken"
    broken: tuple[BrokenRule, ...]


class FundsAllotted(_Event, frozen=True):
    """
    The money for the buys was counted: each line's dollars after the cut, by symbol.

    ``proceeds_usd`` is what the sells had brought by then; a buy that is not named waits for more.
    """

    kind: Literal["funds_allotted"] = "funds_allotted"
    cash_usd: Money
    budget_usd: Money
    allotted: dict[str, Money]
    proceeds_usd: Money = ZERO_USD


class OrderRecorded(_Event, frozen=True):
    """An order is about to be sent. Nothing is sent before this is durable."""

    kind: Literal["order_recorded"] = "order_recorded"
    order: Order
    attempt: Annotated[int, Field(ge=1)]
    sizing: Sizing
    deadline: AwareDatetime


class OrderRequoted(_Event, frozen=True):
    """An order that never reached the broker passed the checks again: the same terms, a fresh look."""

    kind: Literal["order_requoted"] = "order_requoted"
    order: Order
    deadline: AwareDatetime


class OrderReported(_Event, frozen=True):
    """The broker said something new about an order."""

    kind: Literal["order_reported"] = "order_reported"
    report: ExecutionReport


class OrderRefused(_Event, frozen=True):
    """The broker refused an order; ``raw`` is its answer."""

    kind: Literal["order_refused"] = "order_refused"
    client_order_id: ClientOrderId
    reason: Reason
    detail: str
    raw: str = ""


class OrderNotSent(_Event, frozen=True):
    """An order certainly never reached the broker, and never will."""

    kind: Literal["order_not_sent"] = "order_not_sent"
    client_order_id: ClientOrderId
    reason: Reason
    detail: str = ""


class OrderDoubted(_Event, frozen=True):
    """Nobody knows whether the broker has the order; it is being looked for."""

    kind: Literal["order_doubted"] = "order_doubted"
    client_order_id: ClientOrderId
    reason: Reason
    detail: str


class OrderUnresolved(_Event, frozen=True):
    """This run has given up finding out what became of an order."""

    kind: Literal["order_unresolved"] = "order_unresolved"
    client_order_id: ClientOrderId
    reason: Reason
    detail: str


class OrderResolved(_Event, frozen=True):
    """
    An operator said what became of an order that nobody could find out about, and why that is so.

    ``report`` is what the broker would have said; None where the order was never placed.
    """

    kind: Literal["order_resolved"] = "order_resolved"
    client_order_id: ClientOrderId
    by: str
    evidence: str
    report: ExecutionReport | None


class CancelRequested(_Event, frozen=True):
    """The broker was asked to cancel an order."""

    kind: Literal["cancel_requested"] = "cancel_requested"
    client_order_id: ClientOrderId
    reason: Reason


class CancelAsked(_Event, frozen=True):
    """Somebody asked, in the account's stream, that whoever executes a plan stop."""

    kind: Literal["cancel_asked"] = "cancel_asked"
    plan_id: str
    by: str
    detail: str


class AccountChosen(_Event, frozen=True):
    """
    A plan was given to an account, by its name in the settings; in the stream ``system``.

    Of several for one plan the first counts.
    """

    kind: Literal["account_chosen"] = "account_chosen"
    plan_id: str
    account: str


class Halted(_Event, frozen=True):
    """
    Somebody halted the account in whose stream it stands, or in the stream ``system`` all accounts.

    With ``reduce_only`` sells go on.
    """

    kind: Literal["halted"] = "halted"
    by: str
    reason: str
    reduce_only: bool


class Unhalted(_Event, frozen=True):
    """Somebody lifted the halt of the account in whose stream it stands, or that of all accounts."""

    kind: Literal["unhalted"] = "unhalted"
    by: str
    reason: str


class StageChanged(_Event, frozen=True):
    """
    The account in whose stream it stands is at another stage of the rollout, or at another step of its ramp.

    ``by`` is None where the account's own executions moved it. ``step`` counts the ramp from 0;
    ``overridden`` means that conditions failed, and somebody wanted it nevertheless. ``evidence`` is what
    was known then, a condition a line.
    """

    kind: Literal["stage_changed"] = "stage_changed"
    stage: Stage
    step: Annotated[int, Field(ge=0)] = 0
    by: str | None = None
    reason: str
    overridden: bool = False
    evidence: tuple[str, ...] = ()


class StopRequested(_Event, frozen=True):
    """Nothing new is sent from here on, what works is canceled; where ``only_buys``, sells go on."""

    kind: Literal["stop_requested"] = "stop_requested"
    reason: Reason
    detail: str
    only_buys: bool = False


class ExecutionRefused(_Event, frozen=True):
    """An attempt ended before its first order; the plan stays executable."""

    finishes = True
    kind: Literal["execution_refused"] = "execution_refused"
    result: ExecutionResult


class ExecutionSuspended(_Event, frozen=True):
    """A run ended in doubt; the execution is unfinished and can be resumed."""

    finishes = False
    kind: Literal["execution_suspended"] = "execution_suspended"
    result: ExecutionResult


class ExecutionCompleted(_Event, frozen=True):
    """Every line is closed; this is what became of them."""

    finishes = True
    kind: Literal["execution_completed"] = "execution_completed"
    result: ExecutionResult


class Reconciled(_Event, frozen=True):
    """
    The broker's own record was read and compared with ours, after the result was out.

    ``differences`` is empty where plan and fills are what the broker has.
    """

    kind: Literal["reconciled"] = "reconciled"
    differences: tuple[Difference, ...]


class ShadowCompared(_Event, frozen=True):
    """
    An execution of the account was compared with what a shadow made of the same plan.

    ``executed_at`` is when it ended; ``trouble`` says why there was nothing to compare, or is empty.
    ``lines`` counts the lines that at least one of the two traded.
    """

    kind: Literal["shadow_compared"] = "shadow_compared"
    plan_id: str
    against: str
    executed_at: AwareDatetime
    clean: bool
    differences: tuple[ShadowDifference, ...] = ()
    compared_fields: tuple[ShadowField, ...] = ()
    lines: int = 0
    trouble: str = ""


class CallsCounted(_Event, frozen=True):
    """
    What a process has asked of the broker since it counted last: with the end of a run, and its comparison.

    ``resent`` counts orders that were sent again, ``waits`` and ``waited_s`` the waits for the broker's rate,
    ``commits`` those of the run's events, this one included. A run that was broken off counted for nobody.
    """

    kind: Literal["calls_counted"] = "calls_counted"
    calls: tuple[CallCount, ...] = ()
    resent: Annotated[int, Field(ge=0)] = 0
    waits: Annotated[int, Field(ge=0)] = 0
    waited_s: float = 0
    commits: Annotated[int, Field(ge=0)] = 0


class Severity(StrEnum):
    """How much an alert wants somebody's attention."""

    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class Alerted(_Event, frozen=True):
    """Something happened that a person should see; ``plan_id`` is named outside of an execution's stream."""

    kind: Literal["alerted"] = "alerted"
    severity: Severity
    reason: Reason
    detail: str
    symbol: str = ""
    plan_id: str = ""


Event = (
    ExecutionStarted
    | ExecutionResumed
    | LineClosed
    | RulesBroken
    | FundsAllotted
    | OrderRecorded
    | OrderRequoted
    | OrderReported
    | OrderRefused
    | OrderNotSent
    | OrderDoubted
    | OrderUnresolved
    | OrderResolved
    | CancelRequested
    | CancelAsked
    | AccountChosen
    | Halted
    | Unhalted
    | StageChanged
    | StopRequested
    | Reconciled
    | ShadowCompared
    | CallsCounted
    | ExecutionRefused
    | ExecutionSuspended
    | ExecutionCompleted
    | Alerted
)
_EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


class Recorded(NamedTuple):
    """An event as it stands in its stream: numbered from 1, in UTC, with the hash of all up to it."""

    stream: str
    number: int
    at: datetime
    hash: str
    event: Event


def encode(event: Event) -> str:
    """Write an event as the JSON text that is stored and hashed."""
    return event.model_dump_json()


def decode(payload: str) -> Event:
    """
    Read a stored event.

    Raises:
        ValueError: The text is no event that this version knows (pydantic's ValidationError is one).

    """
    return _EVENT.validate_json(payload)
