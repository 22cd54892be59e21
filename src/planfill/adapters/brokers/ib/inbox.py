"""What the gateway says over one connection, as ib_async decodes it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib import outcomes
from planfill.adapters.brokers.ib.asked import NOBODY, POSITIONS, TIME, Lost, Refused
from planfill.adapters.brokers.ib.inbox_of_orders import OrderInbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from ib_async.contract import Contract, ContractDetails

_HALTED: Final = 49


class _Machine:
    """Where times are that name no zone: with the gateway, on this machine."""

    TimezoneTWS = ""


class Inbox(OrderInbox):
    """
    The wrapper that ib_async's client calls, under ib_async's names.

    ib_async's own takes any message about an order for its end, and mixes what is told with what it guesses.
    """

    ib = _Machine()
    defaultTimezone = UTC

    def __init__(self, client_id: int, heard: Callable[[], None]) -> None:
        super().__init__(client_id, heard)
        self.accounts: list[str] = []
        self.is_cut_off = False
        self.cuts = 0
        """How often it was cut off from IB: what was read meanwhile is not what there is."""
        self.last_message = ""

    def exception(self, what: str) -> None:
        """Take the decoder's word that it could not read something: it may be any of the answers."""
        self.fail(Lost(f"the gateway said what cannot be read: {what[:200]}"))

    def setEventsDone(self) -> None:
        """Take note that the connection has ended."""
        self.closed.set()
        self.fail(Lost("the connection was lost"))

    def connectionClosed(self) -> None:
        """Pass over what ``setEventsDone`` has said."""

    def connectAck(self) -> None:
        """Let the client go on by itself."""

    def nextValidId(self, number: int) -> None:
        """Take a number that no order has had."""
        self.use_after(number - 1)

    def managedAccounts(self, accounts: str) -> None:
        """Take the accounts that the gateway shows."""
        self.accounts = [account for account in accounts.split(",") if account]

    def position(self, account: str, contract: Contract, shares: float, _cost: float) -> None:
        """Take what an account holds of something."""
        self.add(POSITIONS, (account, contract, shares))

    def positionEnd(self) -> None:
        """Take note that all positions were told."""
        self.end(POSITIONS)

    def accountSummary(self, number: int, account: str, tag: str, value: str, currency: str) -> None:
        """Take one figure of an account."""
        self.add(number, (account, tag, value, currency))

    def accountSummaryEnd(self, number: int) -> None:
        """Take note that all figures were told."""
        self.end(number)

    def contractDetails(self, number: int, details: ContractDetails) -> None:
        """Take one of the contracts that fit a question."""
        self.add(number, details)

    def contractDetailsEnd(self, number: int) -> None:
        """Take note that there are no more."""
        self.end(number)

    def currentTime(self, seconds: int) -> None:
        """Take the gateway's time."""
        self.add(TIME, seconds)
        self.end(TIME)

    def priceSizeTick(self, number: int, kind: int, price: float, size: float) -> None:
        """Take a price, and how many shares are shown at it."""
        if number in self.watches:
            self.watches[number].price(kind, price, size)

    def tickSize(self, number: int, kind: int, size: float) -> None:
        """Take a size alone."""
        if number in self.watches:
            self.watches[number].size(kind, size)

    def tickGeneric(self, number: int, kind: int, value: float) -> None:
        """Take whether trading is halted."""
        if number in self.watches and kind == _HALTED:
            self.watches[number].tell("halted", value)

    def marketDataType(self, number: int, kind: int) -> None:
        """Take whether quotes are live."""
        if number in self.watches:
            self.watches[number].tell("kind", kind)

    def error(self, number: int, code: int, text: str, _advanced: str) -> None:
        """Take a message: about a question, an order, or the gateway's own way to IB."""
        if code in outcomes.CUT_OFF | outcomes.RESTORED:
            self.is_cut_off = code in outcomes.CUT_OFF
            self.cuts += self.is_cut_off
            self.heard()
        if number == NOBODY:
            self.last_message = outcomes.said(code, text)
            if outcomes.is_read_only(code, text):
                self.fail(Refused(code, text))
            return
        if (self._client_id, number) in self.orders:
            self.orders[self._client_id, number].messages.append((code, text))
            self.heard()
        self.wake(number)
        if not outcomes.is_warning(code):
            self.refuse(number, Refused(code, text))
            if number in self.watches:
                self.watches[number].fail(Refused(code, text))
