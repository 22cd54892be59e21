"""Examining the set-up: every check in its order, going on after a failure where that makes sense."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from planfill.application.checking import (
    asked,
    of_account,
    of_alerts,
    of_blocks,
    of_examiner,
    of_halt,
    of_ledger,
    of_money,
    of_session,
    of_settings,
    quote_of,
    skipped,
    unanswered,
)
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import Ledger
from planfill.application.staging import rung_of
from planfill.application.stopping import StopSignal
from planfill.application.trying import CHECK, TryOrder
from planfill.domain.errors import ExecutionError, SettingsError
from planfill.domain.examination import Examination, Finding, in_order, not_checked
from planfill.domain.market import Account, MarketSession, Quote
from planfill.domain.policy import Policy
from planfill.domain.rollout import forbidden

# What needs a broker.
_OF_THE_BROKER: Final = (
    "account", "blocks", "clock", "buying power", "market hours", "market data", "rate limit",
)  # fmt: skip
_A_LIQUID_SYMBOL: Final = "SPY"


def without_settings(error: SettingsError, *, order: bool) -> Examination:
    """Give the examination of a set-up whose settings cannot be read: nothing else can be checked."""
    rest = (*_OF_THE_BROKER, "ledger", "halt", "alerts", *((CHECK,) if order else ()))
    return Examination.of((*of_settings(error), *skipped(rest, "the settings are not valid")))


@dataclass(frozen=True, slots=True)
class Examine:
    """The use-case. Broker and ledger are made when they are asked for; ``settings`` says what was chosen."""

    brokerage: Callable[[], Brokerage]
    ledger: Callable[[], Ledger]
    clock: Clock
    policy: Policy
    settings: str
    switch: HaltSwitch | None = None
    targets: Sequence[str] = ()

    async def __call__(self, stop: StopSignal, *, order: bool) -> Examination:
        """Check everything; with ``order``, place one far from the market and cancel it."""
        try:
            brokerage = self.brokerage()
        except SettingsError as e:
            why = "the broker cannot be built with these settings"
            ledger = await of_ledger(self.ledger, None, self.clock.now())
            halt = await of_halt(self.ledger, self.switch, None)
            asked_for = skipped((CHECK,), f"not sent: {why}") if order else ()
            return Examination.of(
                (
                    *of_settings(e),
                    *skipped(_OF_THE_BROKER, why),
                    ledger,
                    halt,
                    of_alerts(self.targets),
                    *asked_for,
                )
            )
        return Examination.of(await _Round(self, brokerage, stop).all(order=order))


class _Round:
    """One round of checks: what has been found, and what later checks stand on."""

    def __init__(self, examine: Examine, brokerage: Brokerage, stop: StopSignal) -> None:
        self._examine = examine
        self._brokerage = brokerage
        self._stop = stop
        self._findings = [in_order("settings", examine.settings)]
        self._account: Account | None = None
        self._session: MarketSession | None = None
        self._quote: Quote | None = None

    async def all(self, *, order: bool) -> list[Finding]:
        """Do the checks; once a stop is asked for, the rest of them is not begun."""
        checks: list[tuple[str, Callable[[], Awaitable[tuple[Finding, ...]]]]] = [
            ("connection", self._way),
            ("account", self._ask_account),
            ("blocks", self._blocks),
            ("clock", self._clock),
            ("buying power", self._money),
            ("market hours", self._hours),
            ("market data", self._data),
            ("rate limit", self._rate),
            ("ledger", self._ledger),
            ("halt", self._halt),
            ("alerts", self._alerts),
        ]
        if order:
            checks.append((CHECK, self._order))
        for name, check in checks:
            self._findings += skipped((name,), self._stop.detail) if self._stop.reason else await check()
        return self._findings

    async def _way(self) -> tuple[Finding, ...]:
        examiner = self._brokerage.examiner
        return () if examiner is None else await of_examiner("connection", examiner.check_way())

    async def _ask_account(self) -> tuple[Finding, ...]:
        try:
            self._account = await asked(self._brokerage.account.get_account())
        except ExecutionError as e:
            return (unanswered("account", e),)
        return (of_account(self._account),)

    async def _blocks(self) -> tuple[Finding, ...]:
        if self._account is None:
            return _without_account("blocks")
        examiner = self._brokerage.examiner
        named = () if examiner is None else await of_examiner("blocks", examiner.check_flags())
        # A block that the family does not name must not pass for none.
        return (
            named if named and not (self._account.blocked and _well(named)) else (of_blocks(self._account),)
        )

    async def _clock(self) -> tuple[Finding, ...]:
        if self._account is None:
            return _without_account("clock")
        examiner = self._brokerage.examiner
        return () if examiner is None else await of_examiner("clock", examiner.check_clock())

    async def _money(self) -> tuple[Finding, ...]:
        return _without_account("buying power") if self._account is None else (of_money(self._account),)

    async def _hours(self) -> tuple[Finding, ...]:
        if self._account is None:
            return _without_account("market hours")
        try:
            self._session = await asked(self._brokerage.hours.get_session())
        except ExecutionError as e:
            return (unanswered("market hours", e),)
        return (of_session(self._session),)

    async def _data(self) -> tuple[Finding, ...]:
        examiner = self._brokerage.examiner
        finding, self._quote = await quote_of(
            _A_LIQUID_SYMBOL if examiner is None else examiner.symbol,
            self._brokerage.market_data,
            self._examine.clock,
            max_age_s=self._examine.policy.execution.max_quote_age_s,
            is_open=self._session is None or self._session.is_open,
        )
        return (finding,)

    async def _rate(self) -> tuple[Finding, ...]:
        examiner = self._brokerage.examiner
        return () if examiner is None else await of_examiner("rate limit", examiner.check_rate())

    async def _ledger(self) -> tuple[Finding, ...]:
        account = None if self._account is None else self._account.key
        return (await of_ledger(self._examine.ledger, account, self._examine.clock.now()),)

    async def _halt(self) -> tuple[Finding, ...]:
        account = None if self._account is None else self._account.key
        return (await of_halt(self._examine.ledger, self._examine.switch, account),)

    async def _alerts(self) -> tuple[Finding, ...]:
        return (of_alerts(self._examine.targets),)

    async def _order(self) -> tuple[Finding, ...]:
        """Place the trial order, if all that it stands on is in order; the account is held meanwhile."""
        bad = next((one.check for one in self._findings if not one.is_well), None)
        if bad is not None:
            return (
                not_checked(CHECK, f"not sent: {bad} is not in order", "put that in order, then try again"),
            )
        if self._account is None or self._quote is None or self._session is None or not self._session.is_open:
            why = "not sent: the market is closed, and a cancel could wait for its open"
            return (not_checked(CHECK, why, "try again when the market is open"),)
        try:
            symbol = self._quote.symbol
            instrument = (await asked(self._brokerage.instruments.get_instruments([symbol]))).get(symbol)
            if instrument is None or not instrument.tradable:
                return (not_checked(CHECK, f"not sent: {symbol} is not traded here"),)
            claim = await self._examine.ledger().claim(
                self._account.key, holder="planfill doctor", at=self._examine.clock.now()
            )
        except ExecutionError as e:
            return (not_checked(CHECK, f"not sent: {e}", "try again when that is over"),)
        async with claim:
            rung = await rung_of(self._examine.ledger(), self._account.key)
            unearned = forbidden(self._account.key, rung, self._examine.policy.rollout)
            (halt,) = await self._halt()
            if self._stop.reason or not halt.is_well or unearned:
                return skipped((CHECK,), f"not sent: {self._stop.detail or unearned or halt.found}")
            examine = self._examine
            return (
                await TryOrder(self._brokerage, examine.clock, examine.policy.execution)(
                    self._quote, instrument
                ),
            )


def _without_account(check: str) -> tuple[Finding, ...]:
    return skipped((check,), "the account does not answer")


def _well(findings: tuple[Finding, ...]) -> bool:
    return all(one.is_well for one in findings)
