"""The checks of ``planfill doctor`` that hold for any broker, over its ports."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeVar

from planfill.application.heeding import halt_of
from planfill.domain.errors import (
    AccountBusy,
    AccountMismatch,
    BrokerConnectionError,
    ExecutionError,
    NotAuthorizedError,
    RateLimited,
)
from planfill.domain.examination import Finding, in_order, not_checked, not_in_order, note
from planfill.domain.identity import AccountKey
from planfill.domain.market import Quote
from planfill.domain.numerals import plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from planfill.application.ports.clock import Clock
    from planfill.application.ports.halt import HaltSwitch
    from planfill.application.ports.ledger import Ledger
    from planfill.application.ports.market import MarketData
    from planfill.domain.errors import SettingsError
    from planfill.domain.market import Account, MarketSession, NoQuote

_T = TypeVar("_T")
_SET_RIGHT: Final = "set it right in the settings file or in the environment"
# What the ledger is tried with where nobody says which account it is.
_NOBODYS: Final = AccountKey(broker="doctor", environment="doctor", number="doctor")
_HOLDER: Final = "planfill doctor"


async def asked(question: Awaitable[_T]) -> _T:
    """Wait for an answer; what an adapter did not foresee is no answer."""
    try:
        return await question
    except ExecutionError:
        raise
    except Exception as e:
        msg = f"{type(e).__name__} in the adapter"
        raise BrokerConnectionError(msg) from e


async def of_examiner(name: str, question: Awaitable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """Give the findings of a family's own check, or that it could not be done."""
    try:
        return tuple(await asked(question))
    except ExecutionError as e:
        return (unanswered(name, e),)


def of_settings(error: SettingsError) -> tuple[Finding, ...]:
    """Give one finding a problem of the settings."""
    return tuple(
        not_in_order("settings", f"{one.path}: {one.message}" if one.path else one.message, _SET_RIGHT)
        for one in error.problems
    )


def unanswered(check: str, error: ExecutionError) -> Finding:
    """Say that a broker did not answer, and what to do about it."""
    match error:
        case NotAuthorizedError():
            remedy = "see that the keys are of this environment, are not revoked, and may do this"
        case RateLimited():
            remedy = "another program may use up the account's requests: stop it, or wait a minute"
        case AccountMismatch():
            remedy = "set the keys of this account, or its number"
        case _:
            remedy = "see the network and the broker's status page, then try again"
    return not_in_order(check, str(error), remedy)


def of_account(account: Account) -> Finding:
    """Say which account has answered."""
    if account.currency != "USD":
        found = f"{account.key} is in {account.currency}"
        return not_in_order("account", found, "use an account in USD: plans are in dollars")
    return in_order("account", f"{account.key} answers, in USD")


def of_blocks(account: Account) -> Finding:
    """Say whether anything blocks the account."""
    if account.blocked:
        remedy = "have this lifted at the broker: until then every plan is refused"
        return not_in_order("blocks", f"{account.key}: {account.blocked}", remedy)
    return in_order("blocks", "nothing blocks the account")


def of_money(account: Account) -> Finding:
    """Say what can be bought with."""
    found = (
        f"cash ${plain(account.cash_usd)}, settled ${plain(account.settled_usd)}, "
        f"buying power ${plain(account.buying_power_usd)}, open buys ${plain(account.open_buys_usd)}"
    )
    if account.cash_usd < 0:
        remedy = "pay the debt off, or sell: with funding = cash nothing is bought"
        return not_in_order("buying power", f"the account owes its broker: {found}", remedy)
    if account.cash_usd <= account.open_buys_usd:
        return note("buying power", found, "deposit or sell something before plans that only buy")
    return in_order("buying power", found)


def of_session(session: MarketSession) -> Finding:
    """Say whether the market is open; that it is closed is no fault."""
    if session.is_open:
        return in_order("market hours", f"open{_at(' until', session.closes_at)}")
    return note("market hours", f"closed{_at(', opens', session.opens_at)}", "plans are refused until then")


async def quote_of(
    symbol: str, market_data: MarketData, clock: Clock, *, max_age_s: float, is_open: bool
) -> tuple[Finding, Quote | None]:
    """Ask for a quote, and say what it is worth; none is given that an order must not stand on."""
    check = "market data"
    try:
        told = (await asked(market_data.get_current_prices([symbol]))).get(symbol)
    except NotAuthorizedError as e:
        return not_in_order(check, str(e), "choose a feed that this account may read, or see the keys"), None
    except ExecutionError as e:
        return unanswered(check, e), None
    if not isinstance(told, Quote):
        return _no_quote(symbol, told, is_open=is_open), None
    age_s = (clock.now() - told.at).total_seconds()
    found = f"{symbol} {plain(told.bid)} to {plain(told.ask)} from {told.source}, {age_s:.1f} s old"
    if is_open and age_s > max_age_s:
        remedy = f"use a feed that is not late, or see the clock: older than {max_age_s:g} s counts as stale"
        return not_in_order(check, found, remedy), None
    return in_order(check, found), told


def _no_quote(symbol: str, told: NoQuote | None, *, is_open: bool) -> Finding:
    why = "the source does not know it" if told is None else told.detail or told.reason
    found = f"no usable quote of {symbol}: {why}"
    if not is_open:
        return note("market data", found, "try again when the market is open")
    return not_in_order("market data", found, "see whether the source of prices is the one that is meant")


async def of_ledger(make: Callable[[], Ledger], account: AccountKey | None, at: datetime) -> Finding:
    """Write to the ledger, as a claim does; nothing of it stays but a number."""
    try:
        ledger = make()
        async with await ledger.claim(account or _NOBODYS, holder=_HOLDER, at=at):
            known = await ledger.executions(account)
    except AccountBusy as e:
        return note("ledger", f"in use: {e}")
    except ExecutionError as e:
        return not_in_order("ledger", str(e), "until then nothing is executed")
    left = [one.key.plan_id for one in known if not one.finished]
    if left:
        return note(
            "ledger", f"can be written to; unfinished: {', '.join(left)}", f"planfill resume {left[0]}"
        )
    return in_order("ledger", f"can be written to; {len(known)} executions, none unfinished")


async def of_halt(
    make: Callable[[], Ledger], switch: HaltSwitch | None, account: AccountKey | None
) -> Finding:
    """Say whether the account, or all, are halted; what cannot be read halts."""
    try:
        halt = await halt_of(make(), switch, account)
    except ExecutionError as e:
        return not_in_order("halt", str(e), "nothing is sent until this can be read")
    if halt is None:
        return in_order("halt", "none is in force")
    return not_in_order("halt", str(halt), "lift it once its reason is gone")


def of_alerts(targets: Sequence[str]) -> Finding:
    """Say who is told of alerts."""
    if targets:
        return in_order("alerts", f"told: {', '.join(targets)}; planfill alerts test tries them")
    return note("alerts", "none configured: alerts stand in the log and in the ledger")


def skipped(checks: Sequence[str], why: str) -> tuple[Finding, ...]:
    """Say of each check why it was not done."""
    return tuple(not_checked(check, why) for check in checks)


def _at(word: str, moment: datetime | None) -> str:
    return "" if moment is None else f"{word} {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
