"""
The errors, and what a caller may do about each.

    ExecutionError
    |-- PlanError                     the plan cannot be executed as it is; nothing was sent
    |   |-- PlanInvalid               lists every problem, each with its path
    |   |-- PlanConflict              another plan was executed under this plan id
    |   |-- PlanNotApproved           its digest is not the approved one
    |   |-- PlanUnknown               the ledger knows no such plan id
    |   |-- AccountMismatch           it is executed on another account than the settings name
    |   `-- OrderNotInDoubt           there is nothing to resolve about the order
    |-- SettingsError                 lists every problem, each with its path
    |-- BrokerConnectionError
    |   |-- BrokerUnavailable         certainly not placed: sending again is safe
    |   |   |-- NotPermitted          our own gate said no: nothing was sent
    |   |   `-- RateLimited           too many requests: later
    |   `-- OutcomeUnknown            it may be working: ask before sending again
    |       `-- OrderHidden           it is there, and not shown: never send again
    |-- OrderPlacementError
    |   |-- OrderRejected             the broker refused it: final
    |   |   |-- InsufficientFundsError
    |   |   |-- InsufficientQuantityError
    |   |   |-- NotFractionableError
    |   |   |-- NotTradableError
    |   |   |-- MarketClosedError
    |   |   |-- OrderTooSmallError
    |   |   |-- PriceIncrementError
    |   |   |-- WashTradeError
    |   |   |-- ShortSaleError
    |   |   |-- AccountBlockedError
    |   |   `-- NotAuthorizedError    also a BrokerConnectionError: whatever is asked is refused
    |   `-- OrderConflict             the broker has another order under this client order id
    |-- OrderNotFound                 the broker answered that it has no such order
    |-- LedgerError
    |   |-- LedgerUnavailable         nothing may be sent
    |   |-- LedgerTooNew              written by a newer version
    |   |-- LedgerCorrupt             an event row is not what its hash says
    |   `-- FenceLost                 another process holds the stream now
    |-- AccountBusy                   another execution holds the account
    |-- AccountUnknown                the settings name another account
    |-- HaltUnavailable               nobody can say whether there is a halt, or change that: nothing is sent
    |-- ShadowFailed                  the shadow gave nothing to compare; the execution stands
    |-- AlertNotDelivered             a target has not taken a message; it is sent again later
    |-- ProcessForked                 the object belongs to the parent process
    `-- AlreadyClosed                 the object was closed: make a new one
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Problem(Value, frozen=True):
    """One thing that is wrong with a document, and where."""

    path: str
    message: str


class ExecutionError(Exception):
    """Whatever keeps Planfill from executing; ``exit_code`` is what a command ends with."""

    exit_code: ClassVar[int] = 70
    problems: tuple[Problem, ...] = ()


class PlanError(ExecutionError):
    """The plan cannot be executed as it is; nothing was sent."""

    exit_code = 2


class _Listed(ExecutionError):
    """An error made of problems."""

    title: ClassVar[str]

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {p.path}: {p.message}" if p.path else f"\n  {p.message}" for p in problems)
        super().__init__(f"{self.title}:{lines}")


class PlanInvalid(_Listed, PlanError):
    """The plan document is wrong; ``problems`` lists everything, each with its path."""

    title = "the plan is not valid"


class PlanConflict(PlanError):
    """Another plan was executed under this plan id: give the new one an id of its own."""


class PlanNotApproved(PlanError):
    """The plan is not the one that was approved: preview it again."""


class PlanUnknown(PlanError):
    """The ledger knows no execution of this plan id."""


class AccountMismatch(PlanError):
    """The plan is executed on, or was given to, another account: nothing is sent to this one."""


class OrderNotInDoubt(PlanError):
    """The ledger has no such order, or knows what became of it: there is nothing to resolve."""


class SettingsError(_Listed):
    """The settings are wrong; ``problems`` lists everything, each with its path."""

    exit_code = 2
    title = "the settings are not valid"


class BrokerConnectionError(ExecutionError):
    """The broker could not be talked to."""

    exit_code = 3


class BrokerUnavailable(BrokerConnectionError):
    """The request certainly had no effect: sending it again is safe."""


class NotPermitted(BrokerUnavailable):
    """Our own gate said no before the order was sent; ``reason`` is a ``domain.outcome.Reason``."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class RateLimited(BrokerUnavailable):
    """The broker takes no more requests for now; this one had no effect."""


class OutcomeUnknown(BrokerConnectionError):
    """The request may have had its effect: ask before sending it again."""


class OrderHidden(OutcomeUnknown):
    """The broker has the order, and does not show it: that it is not found proves nothing."""


class OrderPlacementError(ExecutionError):
    """An order was not placed, or not as it was meant."""

    exit_code = 1


class OrderRejected(OrderPlacementError):
    """The broker refused the order. Final: it is never re-sized and never resent. ``raw`` is its answer."""

    def __init__(self, message: str, *, raw: str = "") -> None:
        self.raw = raw
        super().__init__(message)


class InsufficientFundsError(OrderRejected):
    """The account's buying power does not cover the order."""


class InsufficientQuantityError(OrderRejected):
    """The account does not hold, or has not free, what the order sells."""


class NotFractionableError(OrderRejected):
    """The instrument trades in whole shares only."""


class NotTradableError(OrderRejected):
    """The instrument cannot be traded at this broker."""


class MarketClosedError(OrderRejected):
    """The market is closed for this order."""


class OrderTooSmallError(OrderRejected):
    """The order is worth less than the broker takes."""


class PriceIncrementError(OrderRejected):
    """A price or an amount of the order has more digits than the broker takes."""


class WashTradeError(OrderRejected):
    """An open order of the other side stands against the order."""


class ShortSaleError(OrderRejected):
    """The order would sell what is not held."""


class AccountBlockedError(OrderRejected):
    """The account may not trade, or not this."""


class NotAuthorizedError(OrderRejected, BrokerConnectionError):
    """The broker does not accept our keys, or they may not do this; no further request will fare better."""


class OrderConflict(OrderPlacementError):
    """The broker has an order under this client order id whose terms differ from ours."""


class OrderNotFound(ExecutionError):
    """
    The broker answered that it has no such order; within its read lag this proves nothing.

    ``since`` is where the records begin of a broker that does not keep them: of an order that may have been
    sent before, it proves nothing either.
    """

    def __init__(self, message: str, *, since: datetime | None = None) -> None:
        self.since = since
        super().__init__(message)

    def tells_of(self, sent_at: datetime) -> bool:
        """Tell whether an order that was sent then would be found."""
        return self.since is None or self.since <= sent_at


class LedgerError(ExecutionError):
    """The ledger cannot be used as it is."""

    exit_code = 2


class LedgerUnavailable(LedgerError):
    """The ledger can be neither read nor written: nothing may be sent."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer version of Planfill."""


class LedgerCorrupt(LedgerError):
    """An event row is not what its hash says it was."""


class FenceLost(LedgerError):
    """Another process has claimed the stream since: stop at once."""

    exit_code = 3


class AccountBusy(ExecutionError):
    """Another execution holds the account; the message says which, and since when."""

    exit_code = 3


class AccountUnknown(ExecutionError):
    """The settings name another account than the one that is meant, or several and none was chosen."""

    exit_code = 2


class HaltUnavailable(ExecutionError):
    """Nobody can say whether there is a halt, or change that: nothing is sent."""

    exit_code = 3


class ShadowFailed(ExecutionError):
    """The shadow gave nothing to compare with; what was executed stands."""

    exit_code = 1


class AlertNotDelivered(ExecutionError):
    """A target of alerts has not taken a message; orders are not concerned, and it is sent again later."""

    exit_code = 1


class ProcessForked(ExecutionError):
    """The object was made before a fork: make a new one in the child process."""


class AlreadyClosed(ExecutionError):
    """The object was closed: make a new one."""
