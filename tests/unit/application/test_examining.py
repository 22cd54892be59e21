"""What ``doctor`` finds over any broker's ports, and what it leaves unchecked, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from stage import Stage, a_plan, buy

from planfill.adapters.brokers.mock import On
from planfill.adapters.brokers.mock.faults import AgeQuotes, Fail, LeaveOut
from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.examining import Examine, without_settings
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.examiner import BrokerExaminer
from planfill.application.ports.ledger import Ledger
from planfill.application.stopping import StopSignal
from planfill.domain.errors import (
    BrokerUnavailable,
    ExecutionError,
    HaltUnavailable,
    NotAuthorizedError,
    Problem,
    RateLimited,
    SettingsError,
)
from planfill.domain.examination import CheckStatus, Examination, Finding, in_order, not_in_order
from planfill.domain.halting import Halt
from planfill.domain.identity import AccountKey
from planfill.domain.outcome import Reason
from planfill.testing.builders import an_account, an_instrument

WRONG = SettingsError([Problem(path="x.keys", message="not set"), Problem(path="", message="no file")])
OF_ALL = [
    "settings", "prices", "account", "blocks", "clock", "buying power", "market hours", "market data",
    "rate limit", "ledger", "halt", "alerts", "order",
]  # fmt: skip


class Examiner(BrokerExaminer):
    """Finds everything in order, unless told otherwise."""

    symbol = "SPY"

    def __init__(self, **failing: Exception | Finding) -> None:
        self.failing = failing

    async def check_way(self) -> Sequence[Finding]:
        return self._found("prices")

    async def check_flags(self) -> Sequence[Finding]:
        return self._found("blocks")

    async def check_clock(self) -> Sequence[Finding]:
        return self._found("clock")

    async def check_rate(self) -> Sequence[Finding]:
        return self._found("rate limit")

    def _found(self, check: str) -> Sequence[Finding]:
        told = self.failing.get(check.replace(" ", "_"), in_order(check, "as it should be"))
        if isinstance(told, Exception):
            raise told
        return (told,)


async def examine(
    stage: Stage, *, order: bool = False, ledger: Ledger | None = None, stop: StopSignal | None = None
) -> dict[str, Finding]:
    """Examine, and give what was found by the name of the check."""

    def brokerage() -> Brokerage:
        return stage.brokerage

    used = Examine(
        brokerage, lambda: ledger or stage.ledger, stage.clock, stage.policy, "valid", stage.switch
    )
    examination = await used(stop or StopSignal(), order=order)
    assert examination.in_order == all(one.is_well for one in examination.findings)
    assert all(one.remedy for one in examination.findings if one.status is CheckStatus.NOT_IN_ORDER)
    return {one.check: one for one in examination.findings}


def well(found: dict[str, Finding]) -> bool:
    return all(one.is_well for one in found.values())


async def test_a_set_up_that_is_in_order_is_found_so_in_the_order_of_the_checks() -> None:
    stage = Stage()
    stage.replace(examiner=Examiner())
    found = await examine(stage, order=True)
    assert list(found) == OF_ALL
    assert well(found)
    assert "mock:mock:MOCK-1" in found["account"].found
    assert "cash $100000" in found["buying power"].found
    assert "SPY 399.96 to 400.04" in found["market data"].found
    assert "none configured" in found["alerts"].found
    assert found["order"].found.endswith("canceled")


async def test_no_order_is_placed_unless_one_is_asked_for() -> None:
    stage = Stage()
    assert "order" not in await examine(stage)
    assert not await stage.broker.list_orders(stage.clock.now() - timedelta(days=1))


async def test_a_family_without_an_examiner_is_examined_over_its_ports() -> None:
    stage = Stage()
    stage.replace(examiner=None)
    found = await examine(stage, order=True)
    assert well(found)
    missing = {"prices", "clock", "rate limit"}
    assert list(found) == [name for name in OF_ALL if name not in missing]
    assert found["blocks"].found == "nothing blocks the account"


@pytest.mark.parametrize("order", [True, False])
async def test_settings_that_build_no_broker_are_findings_and_the_ledger_is_still_checked(
    *, order: bool
) -> None:
    stage = Stage()

    def brokerage() -> Brokerage:
        raise WRONG

    examined = await Examine(brokerage, lambda: stage.ledger, stage.clock, stage.policy, "", stage.switch)(
        StopSignal(), order=order
    )
    assert_settings_are_named(examined, order=order)
    by_name = {one.check: one for one in examined.findings}
    assert by_name["ledger"].status is CheckStatus.IN_ORDER
    assert by_name["account"].found == "the broker cannot be built with these settings"


@pytest.mark.parametrize("order", [True, False])
def test_settings_that_cannot_be_read_leave_the_rest_unchecked(*, order: bool) -> None:
    examined = without_settings(WRONG, order=order)
    assert_settings_are_named(examined, order=order)
    assert {one.status for one in examined.findings[2:]} == {CheckStatus.NOT_CHECKED}


def assert_settings_are_named(examined: Examination, *, order: bool) -> None:
    first, second, *rest = examined.findings
    assert (first.check, first.found) == ("settings", "x.keys: not set")
    assert (second.check, second.found) == ("settings", "no file")
    assert first.status is second.status is CheckStatus.NOT_IN_ORDER
    assert first.remedy
    assert not examined.in_order
    assert ("order" in [one.check for one in rest]) is order


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NotAuthorizedError("unauthorized"), "keys"),
        (RateLimited("too many"), "another program"),
        (BrokerUnavailable("no answer"), "network"),
        (ValueError("surprise"), "network"),
    ],
)
async def test_an_account_that_does_not_answer_is_named_and_what_needs_it_is_not_checked(
    error: Any, remedy: str
) -> None:
    stage = Stage(On("get_account", Fail(error)))
    stage.replace(examiner=Examiner())
    found = await examine(stage, order=True)
    assert found["account"].status is CheckStatus.NOT_IN_ORDER
    assert remedy in found["account"].remedy
    why = "ValueError in the adapter" if isinstance(error, ValueError) else str(error)
    assert found["account"].found == why
    for name in ("blocks", "clock", "buying power", "market hours"):
        assert (found[name].status, found[name].found) == (
            CheckStatus.NOT_CHECKED,
            "the account does not answer",
        )
    assert found["market data"].status is found["ledger"].status is CheckStatus.IN_ORDER
    assert (found["order"].status, found["order"].found) == (
        CheckStatus.NOT_CHECKED,
        "not sent: account is not in order",
    )


async def test_a_blocked_account_is_named_with_every_reason() -> None:
    stage = Stage(settings={"blocked": "trading is blocked, under review"})
    found = await examine(stage, order=True)
    assert found["blocks"].status is CheckStatus.NOT_IN_ORDER
    assert "trading is blocked, under review" in found["blocks"].found
    assert found["order"].found == "not sent: blocks is not in order"


async def test_a_block_that_the_family_does_not_name_does_not_pass_for_none() -> None:
    stage = Stage(settings={"blocked": "something new"})
    stage.replace(examiner=Examiner())
    assert "something new" in (await examine(stage))["blocks"].found


async def test_a_block_that_the_family_names_is_said_once_with_its_remedy() -> None:
    stage = Stage(settings={"blocked": "suspended"})
    named = not_in_order("blocks", "suspended by its owner", "allow it")
    stage.replace(examiner=Examiner(blocks=named))
    assert (await examine(stage))["blocks"] == named


@pytest.mark.parametrize("name", ["blocks", "clock", "rate limit"])
async def test_a_check_of_the_family_that_cannot_be_done_is_not_in_order(name: str) -> None:
    stage = Stage()
    stage.replace(examiner=Examiner(**{name.replace(" ", "_"): BrokerUnavailable("no answer")}))
    found = await examine(stage)
    assert (found[name].status, found[name].found) == (CheckStatus.NOT_IN_ORDER, "no answer")


async def test_a_way_that_cannot_be_checked_does_not_end_the_round() -> None:
    stage = Stage()
    stage.replace(examiner=Examiner(prices=KeyError("surprise")))
    found = await examine(stage)
    assert found["connection"].found == "KeyError in the adapter"
    assert found["alerts"].is_well


@pytest.mark.parametrize(
    ("fields", "check", "says"),
    [
        ({"currency": "EUR"}, "account", "EUR"),
        ({"cash": "-5"}, "buying power", "owes its broker"),
    ],
)
async def test_an_account_that_cannot_be_used_says_why(fields: dict[str, str], check: str, says: str) -> None:
    found = await examine(with_account(Stage(), **fields))
    assert found[check].status is CheckStatus.NOT_IN_ORDER
    assert says in found[check].found


@pytest.mark.parametrize("open_buys", ["100", "101"])
async def test_an_account_without_money_is_a_note(open_buys: str) -> None:
    found = await examine(with_account(Stage(), cash="100", open_buys=open_buys))
    assert found["buying power"].status is CheckStatus.NOTE
    assert found["buying power"].remedy


def with_account(stage: Stage, *, cash: str = "1000", open_buys: str = "0", **fields: object) -> Stage:
    class Account:
        async def get_account(self) -> object:
            return an_account(cash, open_buys=open_buys, **fields)

    stage.replace(account=Account())
    return stage


async def test_hours_that_cannot_be_asked_are_not_in_order_and_quotes_count_as_if_it_were_open() -> None:
    stage = Stage(
        On("get_session", Fail(BrokerUnavailable("no answer"))),
        On("get_current_prices", AgeQuotes(seconds=999)),
    )
    found = await examine(stage, order=True)
    assert found["market hours"].found == "no answer"
    assert found["market data"].status is CheckStatus.NOT_IN_ORDER
    assert found["order"].status is CheckStatus.NOT_CHECKED


async def test_an_open_market_says_until_when() -> None:
    found = await examine(Stage(settings={"closes_at": "2021-03-31T16:00:00-04:00"}))
    assert found["market hours"].found == "open until 2021-03-31 20:00 UTC"


async def test_a_closed_market_is_no_fault_but_no_order_is_sent_to_it() -> None:
    stage = Stage(
        On("get_current_prices", AgeQuotes(seconds=999)), settings={"opens_at": "2021-03-31T16:00:00Z"}
    )
    found = await examine(stage, order=True)
    assert found["market hours"].found == "closed, opens 2021-03-31 16:00 UTC"
    assert found["market hours"].status is CheckStatus.NOTE
    assert found["market data"].status is CheckStatus.IN_ORDER
    assert (found["order"].status, found["order"].found.split(",")[0]) == (
        CheckStatus.NOT_CHECKED,
        "not sent: the market is closed",
    )


@pytest.mark.parametrize(("is_open", "status"), [(True, "NOT_IN_ORDER"), (False, "NOTE")])
async def test_a_symbol_without_a_quote_is_a_fault_while_the_market_is_open(
    *, is_open: bool, status: str
) -> None:
    settings = {"market_open": is_open, "prices": {"SPY": "0"}}
    found = await examine(Stage(settings=settings), order=True)
    assert found["market data"].status == status
    assert "no usable quote of SPY" in found["market data"].found
    assert found["order"].status is CheckStatus.NOT_CHECKED


async def test_a_symbol_that_the_source_does_not_know_is_named() -> None:
    found = await examine(Stage(On("get_current_prices", LeaveOut("SPY"))))
    assert "the source does not know it" in found["market data"].found


async def test_a_quote_that_is_late_is_a_fault_only_from_the_age_at_which_it_counts_as_stale() -> None:
    at = Stage(On("get_current_prices", AgeQuotes(seconds=60)))
    assert (await examine(at))["market data"].is_well
    over = (await examine(Stage(On("get_current_prices", AgeQuotes(seconds=60.5)))))["market data"]
    assert (over.status, "60.5 s old" in over.found) == (CheckStatus.NOT_IN_ORDER, True)


@pytest.mark.parametrize(
    ("error", "remedy"), [(NotAuthorizedError("no SIP for you"), "feed"), (RateLimited("busy"), "another")]
)
async def test_prices_that_are_refused_say_so_with_their_own_remedy(
    error: ExecutionError, remedy: str
) -> None:
    found = await examine(Stage(On("get_current_prices", Fail(error))))
    assert (found["market data"].found, remedy in found["market data"].remedy) == (str(error), True)


async def test_a_ledger_that_cannot_be_used_is_named_and_no_order_is_sent() -> None:
    ledger = SqlLedger("sqlite:////no/such/folder/ledger.db")
    stage = Stage()
    found = await examine(stage, order=True, ledger=ledger)
    await ledger.aclose()
    assert found["ledger"].status is CheckStatus.NOT_IN_ORDER
    assert "there is no folder" in found["ledger"].found
    assert found["order"].status is CheckStatus.NOT_CHECKED


async def test_a_ledger_in_use_is_a_note_and_no_order_is_sent_beside_the_execution() -> None:
    stage = Stage()
    account = (await stage.broker.get_account()).key
    async with await MemoryLedger(stage.store).claim(account, holder="an execution", at=stage.clock.now()):
        found = await examine(stage, order=True)
    assert found["ledger"].status is CheckStatus.NOTE
    assert "an execution" in found["ledger"].found
    assert found["order"].status is CheckStatus.NOT_CHECKED
    assert not await stage.broker.list_orders(stage.clock.now() - timedelta(days=1))


async def test_an_unfinished_execution_is_named_with_what_finishes_it() -> None:
    stage = Stage()
    await stage.crash_after("order_recorded", a_plan(buy("SPY", "1000")))
    ledger = (await examine(stage))["ledger"]
    assert (ledger.status, ledger.remedy) == (CheckStatus.NOTE, "planfill resume plan-1")


async def test_the_account_is_free_again_after_the_check_and_after_the_order() -> None:
    stage = Stage()
    await examine(stage, order=True)
    assert stage.store.holders == {}


async def test_an_execution_that_begins_after_the_check_of_the_ledger_keeps_the_order_back() -> None:
    stage = Stage()
    account = (await stage.broker.get_account()).key

    class Busy(MemoryLedger):
        """Somebody takes the account as soon as the ledger was checked."""

        async def executions(self, *args: object) -> object:  # type: ignore[override]
            self.taken = True
            return ()

        async def claim(self, *args: object, **rest: object) -> object:  # type: ignore[override]
            if getattr(self, "taken", False):
                await super().claim(account, holder="an execution", at=stage.clock.now())
            return await super().claim(*args, **rest)  # type: ignore[arg-type]

    found = await examine(stage, order=True, ledger=Busy())
    assert "an execution" in found["order"].found
    assert found["order"].status is CheckStatus.NOT_CHECKED


@pytest.mark.parametrize("instruments", [{}, {"SPY": an_instrument(tradable=False)}])
async def test_what_is_not_traded_here_is_not_ordered(instruments: dict[str, object]) -> None:
    class Catalog:
        async def get_instruments(self, _: object) -> dict[str, object]:
            return instruments

    stage = Stage()
    stage.replace(instruments=Catalog())
    found = await examine(stage, order=True)
    assert found["order"].found == "not sent: SPY is not traded here"


async def test_a_stop_ends_the_round_and_nothing_is_sent() -> None:
    stage, stop = Stage(), StopSignal()

    class Stopping(Examiner):
        async def check_way(self) -> Sequence[Finding]:
            stop.request(Reason.INTERRUPTED, "interrupted")
            return ()

    stage.replace(examiner=Stopping())
    found = await examine(stage, order=True, stop=stop)
    assert {one.status for name, one in found.items() if name != "settings"} == {CheckStatus.NOT_CHECKED}
    assert found["order"].found == "interrupted"
    assert not await stage.broker.list_orders(stage.clock.now() - timedelta(days=1))


async def test_a_stop_just_before_the_order_keeps_it_back() -> None:
    stage, stop = Stage(), StopSignal()
    real = stage.brokerage.instruments

    class Catalog:
        async def get_instruments(self, symbols: Sequence[str]) -> object:
            stop.request(Reason.INTERRUPTED, "interrupted")
            return await real.get_instruments(symbols)

    stage.brokerage = replace(stage.brokerage, instruments=Catalog())  # type: ignore[arg-type]
    found = await examine(stage, order=True, stop=stop)
    assert found["order"].found == "not sent: interrupted"
    assert not await stage.broker.list_orders(stage.clock.now() - timedelta(days=1))


@pytest.mark.parametrize("account", [None, AccountKey(broker="mock", environment="mock", number="MOCK-1")])
async def test_a_halt_is_not_in_order_and_no_order_is_tried(account: AccountKey | None) -> None:
    stage = Stage()
    halt = Halt(by="ann", at=stage.clock.now(), reason="odd prices", account=account)
    assert stage.switch is not None
    stage.switch.set(halt)
    found = await examine(stage, order=True)
    assert (found["halt"].status, found["halt"].found) == (CheckStatus.NOT_IN_ORDER, str(halt))
    assert found["order"].status is CheckStatus.NOT_CHECKED
    assert await stage.broker.list_orders(stage.clock.now() - timedelta(days=1)) == []


async def test_a_halt_that_cannot_be_read_is_not_in_order() -> None:
    class Unreadable(MemoryHalts):
        def read(self, account: AccountKey | None) -> Halt | None:
            raise HaltUnavailable(f"cannot be read for {account}")

    stage = Stage(On("get_account", Fail()))
    stage.switch = Unreadable()
    found = await examine(stage)
    assert (found["halt"].status, found["halt"].found) == (
        CheckStatus.NOT_IN_ORDER,
        "cannot be read for None",
    )


async def test_a_halt_that_comes_just_before_the_order_keeps_it_from_being_sent() -> None:
    class Late(MemoryHalts):
        looks = 0

        def read(self, account: AccountKey | None) -> Halt | None:
            self.looks += 1
            return Halt(by="ann", at=stage.clock.now(), reason="odd prices") if self.looks > 1 else None

    stage = Stage()
    stage.switch = Late()
    found = await examine(stage, order=True)
    assert found["halt"].status is CheckStatus.IN_ORDER
    assert (found["order"].status, "odd prices" in found["order"].found) == (CheckStatus.NOT_CHECKED, True)
    assert await stage.broker.list_orders(stage.clock.now() - timedelta(days=1)) == []
