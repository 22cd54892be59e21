"""Several accounts in one file: every order goes to the account that was named, and to no other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from program import Program
from stage import a_plan, buy

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.brokers.mock.account import MockAccount
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.opening import stream_of
from planfill.domain.errors import (
    AccountMismatch,
    AccountUnknown,
    BrokerUnavailable,
    OrderNotInDoubt,
    PlanInvalid,
    PlanNotApproved,
    SettingsError,
)
from planfill.domain.events import Event, ExecutionStarted, OrderUnresolved
from planfill.domain.identity import AccountKey, ExecutionKey, client_order_ids
from planfill.domain.order import Side
from planfill.domain.outcome import Reason
from planfill.domain.policy import Policy
from planfill.domain.reading import read_plan
from planfill.domain.resolution import NeverPlaced
from planfill.domain.result import ExecutionResult, ExecutionStatus
from planfill.domain.values import Money
from planfill.testing.builders import an_order, an_order_recorded

SETTINGS = """
[ledger]
url = "sqlite:///ledger.db"
[log]
file = ""
[mock]
cash = "10000"
[mock.prices]
SPY = "400"
QQQ = "300"
[accounts.growth.mock]
account = "G-1"
book = "growth.db"
[accounts.income]
number = "I-1"
[accounts.income.limits]
max_order_usd = 500
[accounts.income.mock]
account = "I-1"
book = "income.db"
"""
KEYS = {
    "growth": AccountKey(broker="mock", environment="mock", number="G-1"),
    "income": AccountKey(broker="mock", environment="mock", number="I-1"),
}
PLAN = a_plan(buy("SPY", "400"))
GROWTH, INCOME = PLAN | {"account": "growth"}, PLAN | {"account": "income"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    settings()
    return tmp_path


def settings(text: str = SETTINGS) -> None:
    Path("planfill.toml").write_text(text)


def opened(account: str | None = None) -> ExecutionManager:
    return ExecutionManager.from_settings(account=account)


def bought(name: str) -> list[tuple[str, str]]:
    """Give what the broker of an account has of orders: their names and symbols."""
    book = Path(f"{name}.db")
    if not book.exists():
        return []
    chosen = {"prices": {"SPY": "400"}, "book": book, "account": KEYS[name].number}
    broker = MockBroker(MockSettings.model_validate(chosen), SystemClock())
    orders = asyncio.run(broker.brokerage().records.list_orders(datetime(2020, 1, 1, tzinfo=UTC)))
    assert all(one.side is Side.BUY for one in orders)
    return [(one.client_order_id, one.symbol) for one in orders]


def begun(plan: dict[str, Any], key: AccountKey, *more: Event) -> None:
    """Leave an execution of which only the beginning is recorded, as a killed process does."""
    read, now = read_plan(plan), datetime.now(UTC)
    execution = ExecutionKey(account=key, plan_id=read.plan_id)
    event = ExecutionStarted(
        plan=read,
        digest=read.digest,
        account=key,
        cash_usd=Money(Decimal(10000)),
        policy=Policy(),
        holder="a process that is gone",
    )

    async def write() -> None:
        ledger = SqlLedger("sqlite:///ledger.db")
        async with await ledger.claim(key, holder="it", at=now) as claim:
            await ledger.append(stream_of(execution), [event, *more], at=now, claim=claim)
        await ledger.aclose()

    asyncio.run(write())


def test_one_process_serves_several_accounts_each_with_its_own_book_ids_and_limits() -> None:
    with opened() as execution:
        first = execution.execute_rebalance_plan(GROWTH)
        second = execution.execute_rebalance_plan(a_plan(buy("QQQ", "450"), plan_id="p2", account="income"))
        too_much = execution.execute_rebalance_plan(a_plan(buy("QQQ", "600"), plan_id="p3", account="income"))
        known = [(one.key.plan_id, str(one.key.account)) for one in execution.executions()]
    assert (first.status, first.account) == (ExecutionStatus.SUCCEEDED, "mock:mock:G-1")
    assert (second.status, second.account) == (ExecutionStatus.SUCCEEDED, "mock:mock:I-1")
    assert too_much.status is ExecutionStatus.REFUSED
    assert known == [("plan-1", "mock:mock:G-1"), ("p2", "mock:mock:I-1"), ("p3", "mock:mock:I-1")]
    for name, plan_id, symbol in (("growth", "plan-1", "SPY"), ("income", "p2", "QQQ")):
        ids = client_order_ids(ExecutionKey(account=KEYS[name], plan_id=plan_id), (symbol,), 1)
        assert bought(name) == [(ids[symbol], symbol)]


def test_a_plan_that_names_no_account_goes_to_the_chosen_one_or_nowhere() -> None:
    with opened() as execution, pytest.raises(AccountUnknown) as caught:
        execution.execute_rebalance_plan(PLAN)
    assert "planfill.toml has the accounts growth, income, and none of them was named" in str(caught.value)
    with opened("income") as execution:
        assert execution.execute_rebalance_plan(PLAN).account == "mock:mock:I-1"
        assert execution.events("plan-1")[0].event.model_dump()["plan"]["account"] == "income"
    assert (len(bought("growth")), len(bought("income"))) == (0, 1)


def test_a_plan_for_another_account_than_the_chosen_one_is_refused() -> None:
    with opened("income") as execution, pytest.raises(PlanInvalid, match="'growth', and 'income' was chosen"):
        execution.execute_rebalance_plan(GROWTH)
    assert bought("growth") == bought("income") == []


@pytest.mark.parametrize("text", [SETTINGS, "[mock]\ncash = 1\n"])
def test_an_account_that_is_not_there_is_named_with_the_file_and_those_that_are(text: str) -> None:
    settings(text)
    there = "has growth, income" if text is SETTINGS else r"has none \(\[accounts.NAME\]\)"
    with opened() as execution:
        for call in (execution.execute_rebalance_plan, execution.preview):
            with pytest.raises(AccountUnknown, match=f"no account 'gowth' in planfill.toml: it {there}"):
                call(PLAN | {"account": "gowth"})
    with pytest.raises(AccountUnknown, match="no account 'gowth'"):
        opened("gowth")
    assert bought("growth") == bought("income") == []


def test_the_same_plan_is_never_executed_on_a_second_account() -> None:
    with opened() as execution:
        result = execution.execute_rebalance_plan(GROWTH)
        assert execution.execute_rebalance_plan(GROWTH) == result
        for call in (execution.execute_rebalance_plan, execution.preview):
            with pytest.raises(
                AccountMismatch, match=r"was given to account 'growth' on .* an id of its own"
            ):
                call(INCOME)
    with opened("income") as execution, pytest.raises(AccountMismatch):
        execution.execute_rebalance_plan(PLAN)
    assert (len(bought("growth")), bought("income")) == (1, [])


def test_a_plan_that_was_given_to_an_account_is_not_executed_on_another_once_the_sections_are_gone() -> None:
    def alone(account: str, book: str) -> ExecutionManager:
        top = SETTINGS.partition("[accounts")[0]
        settings(top.replace("[mock]", f'[mock]\naccount = "{account}"\nbook = "{book}"'))
        return opened()

    with alone("I-1", "income.db") as execution:
        execution.halt("not now")
        assert execution.execute_rebalance_plan(PLAN).status is ExecutionStatus.REFUSED
        execution.unhalt()
    settings()
    with opened("growth") as execution:
        result = execution.execute_rebalance_plan(PLAN)
    with (
        alone("I-1", "income.db") as execution,
        pytest.raises(AccountMismatch, match="given to mock:mock:G-1"),
    ):
        execution.execute_rebalance_plan(PLAN)
    with alone("G-1", "growth.db") as execution:
        assert execution.execute_rebalance_plan(PLAN) == result
    assert (len(bought("growth")), bought("income")) == (1, [])


def test_what_was_refused_on_one_account_can_be_tried_again_there_and_nowhere_else() -> None:
    with opened() as execution:
        execution.halt("not now", account="growth")
        assert execution.execute_rebalance_plan(GROWTH).status is ExecutionStatus.REFUSED
        with pytest.raises(AccountMismatch):
            execution.execute_rebalance_plan(INCOME)
        execution.unhalt(account="growth")
        assert execution.execute_rebalance_plan(GROWTH).success
    assert (len(bought("growth")), bought("income")) == (1, [])


def test_of_two_accounts_that_are_given_one_plan_at_once_one_executes_it() -> None:
    def execute(account: str) -> ExecutionResult | AccountMismatch:
        with opened(account) as execution:
            try:
                return execution.execute_rebalance_plan(PLAN)
            except AccountMismatch as e:
                return e

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(execute, ("growth", "income", "income", "growth")))
    assert len(bought("growth")) + len(bought("income")) == 1
    assert sum(isinstance(one, AccountMismatch) for one in results) == 2


async def test_accounts_are_executed_side_by_side_and_no_lock_is_shared() -> None:
    with opened() as execution:
        both = await asyncio.gather(
            execution.execute_rebalance_plan_async(GROWTH),
            execution.execute_rebalance_plan_async(INCOME | {"plan_id": "p2"}),
        )
    assert [one.status for one in both] == [ExecutionStatus.SUCCEEDED] * 2


def test_an_approval_is_for_one_account() -> None:
    with opened() as execution:
        approved = execution.preview(GROWTH).digest
        with pytest.raises(PlanNotApproved):
            execution.execute_rebalance_plan(INCOME, approved=approved)
        assert execution.execute_rebalance_plan(GROWTH, approved=approved).success
    with opened("growth") as execution:
        assert execution.preview(PLAN).digest == approved


def test_resume_takes_the_recorded_account_whatever_is_chosen_now() -> None:
    begun(GROWTH, KEYS["growth"])
    with opened("income") as execution, pytest.raises(AccountMismatch, match="'growth', not on 'income'"):
        execution.resume("plan-1")
    with opened() as execution:
        assert execution.resume("plan-1").account == "mock:mock:G-1"
    assert (len(bought("growth")), bought("income")) == (1, [])


CALLS: dict[str, Callable[[ExecutionManager], object]] = {
    "resume": lambda execution: execution.resume("plan-1"),
    "cancel": lambda execution: execution.cancel("plan-1"),
    "reconcile": lambda execution: execution.reconcile("plan-1"),
    "execute": lambda execution: execution.execute_rebalance_plan(PLAN),
}


@pytest.mark.parametrize("call", CALLS)
def test_nothing_that_was_executed_without_a_name_goes_to_the_wrong_account(call: str) -> None:
    begun(PLAN, KEYS["growth"])
    with opened("income") as execution, pytest.raises(AccountMismatch, match=r"G-1.*"):
        CALLS[call](execution)
    if call != "execute":
        with opened() as execution, pytest.raises(AccountUnknown, match="none of them was named"):
            CALLS[call](execution)
    assert bought("growth") == bought("income") == []


def test_what_was_executed_without_a_name_is_finished_on_the_account_that_it_was_on() -> None:
    begun(PLAN, KEYS["growth"])
    with opened("growth") as execution:
        assert execution.execute_rebalance_plan(PLAN).success
        assert execution.resume("plan-1").success
    assert (len(bought("growth")), bought("income")) == (1, [])


def test_an_account_that_was_renamed_or_has_no_name_any_more_is_found_by_its_key() -> None:
    begun(GROWTH, KEYS["growth"])
    settings(SETTINGS.replace("accounts.growth", "accounts.bold"))
    with opened() as execution, pytest.raises(AccountUnknown, match="no account 'growth'"):
        execution.resume("plan-1")
    with opened("income") as execution, pytest.raises(AccountMismatch):
        execution.resume("plan-1")
    with opened("bold") as execution:
        assert execution.resume("plan-1").success
    assert len(bought("growth")) == 1


def test_a_name_that_means_another_account_now_gets_nothing_of_the_old_ones_plans() -> None:
    with opened() as execution:
        assert execution.execute_rebalance_plan(GROWTH).success
    begun(GROWTH | {"plan_id": "p2"}, KEYS["growth"])
    settings(SETTINGS.replace('"G-1"', '"G-2"').replace("growth.db", "new.db"))
    with opened() as execution:
        with pytest.raises(AccountMismatch, match="G-1"):
            execution.execute_rebalance_plan(GROWTH)
        with pytest.raises(AccountMismatch, match="G-1"):
            execution.resume("p2")
    assert not Path("new.db").exists() or len(bought("growth")) == 1


def test_keys_of_another_account_than_the_number_says_get_nothing() -> None:
    settings(SETTINGS.replace('account = "I-1"', 'account = "I-2"'))
    with opened() as execution:
        with pytest.raises(
            AccountMismatch, match="has the number I-1 in the settings, and its keys are those of"
        ):
            execution.execute_rebalance_plan(INCOME)
        with pytest.raises(AccountMismatch):
            execution.preview(INCOME)
    with opened("income") as execution:
        assert "set the keys of this account" in str(execution.examine())
    assert bought("income") == []


def test_a_halt_of_all_ends_each_accounts_executions_at_its_own_broker() -> None:
    begun(GROWTH, KEYS["growth"])
    begun(INCOME | {"plan_id": "p2"}, KEYS["income"])
    begun(PLAN | {"plan_id": "p3"}, AccountKey(broker="mock", environment="mock", number="OLD"))
    with opened() as execution:
        report = execution.halt("stop")
        assert {(one.plan_id, one.account) for one in report.ended} == {
            ("plan-1", "mock:mock:G-1"),
            ("p2", "mock:mock:I-1"),
        }
        (trouble,) = report.troubles
        assert "none of them was named" in trouble
    assert bought("growth") == bought("income") == []


@pytest.mark.parametrize("number", ["", 'number = "G-1"\n'])
def test_an_account_whose_broker_says_nothing_is_halted_by_name_where_the_ledger_knows_it(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(SETTINGS.replace("[accounts.growth.mock]", f"[accounts.growth]\n{number}[accounts.growth.mock]"))
    with opened() as execution:
        execution.execute_rebalance_plan(GROWTH)
        execution.execute_rebalance_plan(a_plan(buy("SPY", "400"), plan_id="p2", account="income"))

    async def away(_: object) -> None:
        raise BrokerUnavailable("client id in use")

    monkeypatch.setattr(MockAccount, "get_account", away)
    with opened() as execution:
        assert execution.halt("look", account="growth").halt.account == KEYS["growth"]
    begun(a_plan(buy("SPY", "400"), plan_id="p3", account="income"), KEYS["growth"])
    with opened() as execution:
        # The settings say its number, and that of what was executed under its name is another.
        assert execution.halt("look", account="income").halt.account == KEYS["income"]
    settings(SETTINGS.replace('number = "I-1"\n', ""))
    with opened() as execution, pytest.raises(AccountUnknown, match="'income' is not known here"):
        execution.halt("look", account="income")


@pytest.mark.parametrize("account", ["growth", "G-1", "mock:mock:G-1"])
def test_one_account_is_halted_by_its_name_its_number_or_its_key(account: str) -> None:
    with opened() as execution:
        assert execution.execute_rebalance_plan(GROWTH).success
        assert execution.halt("look", account=account).halt.account == KEYS["growth"]
        more = execution.execute_rebalance_plan(GROWTH | {"plan_id": "p2"})
        other = execution.execute_rebalance_plan(INCOME | {"plan_id": "p3"})
        assert (more.status, other.status) == (ExecutionStatus.REFUSED, ExecutionStatus.SUCCEEDED)
        assert execution.unhalt(account=account).left == ()


def test_what_is_about_one_account_asks_which_one() -> None:
    with opened() as execution:
        for call in (execution.rollout, execution.promote, execution.examine):
            with pytest.raises(AccountUnknown, match="none of them was named"):
                call()
    with opened("growth") as execution:
        assert execution.rollout().account == KEYS["growth"]
        assert "account growth; broker mock" in execution.examine().findings[0].found
        assert execution.account_for(read_plan(PLAN)) == KEYS["growth"]


def test_reconciling_reads_the_record_of_the_account_that_executed() -> None:
    with opened() as execution:
        assert execution.execute_rebalance_plan(GROWTH).success
        assert execution.execute_rebalance_plan(INCOME | {"plan_id": "p2"}).success
        for plan_id, account in ((None, "I-1"), ("plan-1", "G-1")):
            found = execution.reconcile(plan_id)
            assert (found.account, found.exit_code) == (f"mock:mock:{account}", 0)


def test_an_account_without_its_keys_says_which_variable_and_the_others_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "PK-SOMEBODYS")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "somebodys-secret")
    settings(SETTINGS + '[accounts.third.broker]\nadapter = "alpaca"\n')
    with opened() as execution:
        assert execution.execute_rebalance_plan(GROWTH).success
        with pytest.raises(SettingsError, match="PLANFILL_ACCOUNTS__THIRD__ALPACA__KEY_ID"):
            execution.execute_rebalance_plan(PLAN | {"plan_id": "p2", "account": "third"})
    monkeypatch.setenv("PLANFILL_ACCOUNTS__THIRD__ALPACA__KEY_ID", "AK-OF-LIVE")
    monkeypatch.setenv("PLANFILL_ACCOUNTS__THIRD__ALPACA__SECRET_KEY", "secret-of-third")
    with opened() as execution, pytest.raises(SettingsError) as caught:
        execution.execute_rebalance_plan(PLAN | {"plan_id": "p3", "account": "third"})
    assert [one.path for one in caught.value.problems] == ["accounts.third.alpaca.key_id"]


def test_an_order_in_doubt_is_resolved_on_the_account_that_has_it() -> None:
    ids = client_order_ids(ExecutionKey(account=KEYS["growth"], plan_id="plan-1"), ("SPY",), 1)
    order = an_order(client_order_id=ids["SPY"], symbol="SPY", quantity=1)
    unresolved = OrderUnresolved(
        client_order_id=order.client_order_id, reason=Reason.OUTCOME_UNKNOWN, detail="no answer"
    )
    begun(GROWTH, KEYS["growth"], an_order_recorded(order), unresolved)
    begun(GROWTH, KEYS["income"])  # an older ledger may hold one plan of two accounts
    with opened("income") as execution, pytest.raises(AccountMismatch, match="'growth', not on 'income'"):
        execution.resolve(ids["SPY"], NeverPlaced(), "statement")
    with opened() as execution:
        assert execution.resolve(ids["SPY"], NeverPlaced(), "statement").account == "mock:mock:G-1"
        with pytest.raises(OrderNotInDoubt, match="no unfinished execution has an order"):
            execution.resolve(ids["SPY"], NeverPlaced(), "statement")
    assert bought("income") == []


def test_a_ledger_in_memory_is_shared_too() -> None:
    settings(SETTINGS.replace("sqlite:///ledger.db", "memory://"))
    with opened() as execution:
        assert execution.execute_rebalance_plan(GROWTH).success
        assert execution.execute_rebalance_plan(INCOME | {"plan_id": "p2"}).success
        assert len(execution.executions()) == 2
        with pytest.raises(AccountMismatch):
            execution.execute_rebalance_plan(INCOME)


def test_threads_that_use_an_account_first_get_one_broker_for_it() -> None:
    plans = [GROWTH | {"plan_id": f"p{i}"} for i in range(4)]
    with opened() as execution, ThreadPoolExecutor(4) as pool:
        results = list(pool.map(execution.execute_rebalance_plan, plans))
        containers = execution._services.of("growth"), execution._services.of("growth")
        assert containers[0].execute() is containers[1].execute()
    assert {one.account for one in results} == {"mock:mock:G-1"}
    assert {one.status for one in results} <= {ExecutionStatus.SUCCEEDED, ExecutionStatus.REFUSED}


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


def test_the_command_line_goes_to_the_account_that_is_named(planfill: Program) -> None:
    nowhere = planfill("execute", "plan.json")
    assert (nowhere.code, "has the accounts growth, income" in nowhere.err) == (2, True)
    preview = planfill("preview", "plan.json", "--account", "growth").out
    (approved,) = re.findall(r"planfill execute plan.json --approved (\w+) --account growth", preview)
    other = planfill("execute", "plan.json", "--approved", approved, "--account", "income", "--json")
    assert (other.code, other.document["error"]["code"]) == (2, "PLAN_NOT_APPROVED")
    assert planfill("execute", "plan.json", "--approved", approved, "--account", "growth").code == 0
    second = planfill("execute", "plan.json", "--account", "income", "--json")
    assert (second.code, second.document["error"]["code"]) == (2, "ACCOUNT_MISMATCH")
    assert (len(bought("growth")), bought("income")) == (1, [])


@pytest.mark.parametrize(
    "command",
    [
        ("resume", "plan-1"),
        ("cancel", "plan-1"),
        ("reconcile", "plan-1"),
        ("resolve", "pf-x-0-1", "--never-placed", "--reason", "x"),
        ("doctor",),
        ("rollout", "status"),
        ("rollout", "promote"),
        ("preview", "plan.json"),
        ("shadow", "plan.json", "--against", "old"),
    ],
    ids=" ".join,
)
def test_every_command_that_asks_a_broker_takes_the_account(
    planfill: Program, command: tuple[str, ...]
) -> None:
    ended = planfill(*command, "--account", "gowth")
    assert (ended.code, "no account 'gowth' in planfill.toml" in ended.err) == (2, True)


def test_the_commands_after_an_execution_find_its_account_themselves(planfill: Program) -> None:
    begun(GROWTH, KEYS["growth"])
    assert planfill("resume", "plan-1", "--account", "income").code == 2
    assert planfill("resume", "plan-1").code == 0
    assert planfill("reconcile").code == 0
    assert planfill("cancel", "plan-1").code == 0
    assert "mock:mock:G-1" in planfill("show", "plan-1").out
    assert "account growth; broker mock" in planfill("doctor", "--account", "growth").out
    assert "account mock:mock:I-1" in planfill("rollout", "status", "--account", "income").out
    assert planfill("halt", "--account", "income", "--reason", "look").code == 0
    assert "plan-1" not in planfill("watch", "--once").out
    assert (len(bought("growth")), bought("income")) == (1, [])
