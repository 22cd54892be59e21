"""``[accounts.NAME]``: what an account takes over, what it must say itself, and what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from planfill.adapters.brokers.alpaca import AlpacaSettings
from planfill.adapters.logs.redaction import redactor
from planfill.bootstrap.sections import lacking, secrets_of
from planfill.bootstrap.settings import Configuration, load_settings
from planfill.domain.errors import SettingsError

TWO = """
[limits]
max_order_usd = 500
[mock]
cash = 1000
spread_bps = 4
[accounts.growth]
number = "GROWTH"
[accounts.growth.mock]
account = "GROWTH"
book = "growth.db"
[accounts.income.limits]
max_order_usd = 50
[accounts.income.mock]
cash = 7
"""
KEYS = """
[broker]
adapter = "alpaca"
[accounts.one]
[accounts.two.alpaca]
environment = "live"
[accounts.two.rollout]
allow_live = true
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def accounts(text: str) -> Mapping[str, Configuration]:
    Path("planfill.toml").write_text(text)
    return load_settings().accounts


def problems(text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        accounts(text)
    return {problem.path: problem.message for problem in caught.value.problems}


def alpaca(one: Configuration) -> AlpacaSettings:
    assert isinstance(one.brokerage, AlpacaSettings)
    return one.brokerage


def test_an_account_overlays_the_tables_at_the_top_setting_by_setting() -> None:
    found = accounts(TWO)
    growth, income = found["growth"], found["income"]
    assert (growth.account, growth.number) == ("growth", "GROWTH")
    assert growth.policy.limits.max_order_usd == 500
    assert income.policy.limits.max_order_usd == 50
    assert dict(growth.brokerage)["cash"] == 1000
    assert dict(income.brokerage)["cash"] == 7
    assert dict(income.brokerage)["spread_bps"] == dict(growth.brokerage)["spread_bps"] == 4
    assert growth.settings.ledger == income.settings.ledger


def test_an_accounts_own_variable_goes_over_its_section_and_that_over_the_variable_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANFILL_LIMITS__MAX_ORDER_USD", "600")
    monkeypatch.setenv("PLANFILL_ACCOUNTS__GROWTH__MOCK__CASH", "12.5")
    found = accounts(TWO)
    assert found["growth"].policy.limits.max_order_usd == 600
    assert found["income"].policy.limits.max_order_usd == 50
    assert dict(found["growth"].brokerage)["cash"] == Decimal("12.5")
    assert dict(found["income"].brokerage)["cash"] == 7


def test_an_account_can_be_at_another_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_ACCOUNTS__INCOME__BROKER__ADAPTER", "alpaca")
    found = accounts(TWO + '[accounts.third.broker]\nadapter = "alpaca"\n')
    assert [one.settings.broker.adapter for one in found.values()] == ["mock", "alpaca", "alpaca"]


def test_keys_are_each_accounts_own_and_the_variables_of_the_broker_serve_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("APCA_API_KEY_ID", "PLANFILL_ALPACA__KEY_ID"):
        monkeypatch.setenv(variable, "PK-SOMEBODYS")
    for variable in ("APCA_API_SECRET_KEY", "PLANFILL_ALPACA__SECRET_KEY"):
        monkeypatch.setenv(variable, "somebodys-secret")
    monkeypatch.setenv("PLANFILL_ACCOUNTS__ONE__ALPACA__KEY_ID", "PK-OF-ONE")
    monkeypatch.setenv("PLANFILL_ACCOUNTS__ONE__ALPACA__SECRET_KEY", "secret-of-one")
    found = accounts(KEYS)
    assert alpaca(found["one"]).key_id.get_secret_value() == "PK-OF-ONE"
    assert alpaca(found["one"]).secret_key.get_secret_value() == "secret-of-one"
    assert found["one"].lacking == ()
    assert alpaca(found["two"]).key_id.get_secret_value() == ""
    assert alpaca(found["two"]).secret_key.get_secret_value() == ""
    assert [problem.message for problem in found["two"].lacking] == [
        "not set: put it into the environment as PLANFILL_ACCOUNTS__TWO__ALPACA__KEY_ID",
        "not set: put it into the environment as PLANFILL_ACCOUNTS__TWO__ALPACA__SECRET_KEY",
    ]
    assert "secret-of-one" not in repr(found)


def test_the_keys_of_every_account_are_hidden() -> None:
    environment = {
        "PLANFILL_ACCOUNTS__ONE__ALPACA__KEY_ID": "PK-OF-ONE",
        "PLANFILL_ACCOUNTS__ONE__ALPACA__SECRET_KEY": "secret-of-one",
    }
    assert redactor(environment)("PK-OF-ONE and secret-of-one") == "*** and ***"


def test_a_key_in_the_file_is_refused_without_showing_it() -> None:
    found = problems(KEYS + '[accounts.three.alpaca]\nkey_id = "PK-OF-THREE"\n')
    assert found == {"accounts.three.alpaca.key_id": "a secret: put it into the environment, not into a file"}


def test_the_same_key_for_two_accounts_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONE", "TWO"):
        monkeypatch.setenv(f"PLANFILL_ACCOUNTS__{name}__ALPACA__KEY_ID", "AK-OF-BOTH")
    assert problems(KEYS) == {
        "accounts.two.alpaca.key_id": "accounts.one has it already: each account needs its own"
    }


def test_two_accounts_of_one_number_or_one_book_are_refused() -> None:
    same = "accounts.a has it already: each account needs its own"
    assert problems("[accounts.a]\n[accounts.b]\n") == {
        "accounts.b.mock.account": same,
        "accounts.b.mock.book": same,
    }
    in_memory = '[mock]\nbook = ":memory:"\n[accounts.a]\n[accounts.b.mock]\naccount = "B"\n'
    assert list(accounts(in_memory)) == ["a", "b"]


def test_two_accounts_at_one_gateway_of_interactive_brokers_need_each_a_client_id() -> None:
    text = '[broker]\nadapter = "ib"\n[accounts.a.ib]\naccount = "DU1"\n[accounts.b.ib]\naccount = "DU2"\n'
    assert list(problems(text)) == ["accounts.b.ib.client_id"]
    assert list(problems(text + "client_id = 72\n")) == [
        "accounts.b.ib.client_id"
    ]  # of previews of the first
    assert list(accounts(text + "client_id = 73\n")) == ["a", "b"]
    assert list(problems(text.replace("DU2", "DU1") + "port = 7497\n")) == ["accounts.b.ib.account"]


def test_one_number_for_two_accounts_of_a_broker_is_refused() -> None:
    numbered = TWO.replace(
        "[accounts.income.limits]", '[accounts.income]\nnumber = "GROWTH"\n[accounts.income.limits]'
    )
    assert list(problems(numbered)) == ["accounts.income.number"]


def test_one_gateway_that_shows_one_account_is_not_two_by_two_client_ids() -> None:
    text = '[broker]\nadapter = "ib"\n[accounts.a]\n[accounts.b.ib]\nclient_id = 81\n'
    assert list(problems(text)) == ["accounts.b.ib.account"]
    assert list(accounts(f"{text}port = 4003\n")) == ["a", "b"]
    named = text.replace("[accounts.a]", '[accounts.a.ib]\naccount = "DU1"')
    assert list(accounts(f'{named}account = "DU2"\n')) == ["a", "b"]
    assert list(problems(f'{named}account = "DU1"\n')) == ["accounts.b.ib.account"]


def test_secrets_that_may_be_left_out_are_no_more_taken_over_than_others() -> None:
    class Token(BaseModel):
        token: SecretStr | None = None
        name: str = ""

    assert secrets_of(Token) == ("token",)
    assert lacking("a", "some", Token) == {}


def test_leave_to_trade_real_money_is_each_accounts_own() -> None:
    live = '[rollout]\nallow_live = true\n[alpaca]\nenvironment = "live"\n[accounts.one]\n'
    found = problems('[broker]\nadapter = "alpaca"\n' + live)
    assert list(found) == ["accounts.one.rollout.allow_live"]
    assert "real money" in found["accounts.one.rollout.allow_live"]
    assert alpaca(accounts(KEYS)["two"]).is_live


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("accounts = 3\n", "accounts", "[accounts.NAME]"),
        ("[accounts]\na = 3\n", "accounts.a", "[accounts.a]"),
        ("[accounts.Growth]\n", "accounts.Growth", "small letters"),
        ("[accounts.a__b]\n", "accounts.a__b", "small letters"),
        ("[accounts.a]\nnumber = 3\n", "accounts.a.number", "in quotation marks"),
        ('[accounts.a]\nnumber = ""\n', "accounts.a.number", "in quotation marks"),
        ('[accounts.a.ledger]\nurl = "memory://"\n', "accounts.a.ledger", "all else is shared, at the top"),
        ("[accounts.a]\nmock = 3\n", "accounts.a.mock", "the tables broker, prices"),
        ("[accounts.a.limits]\nmax_ordr_usd = 3\n", "accounts.a.limits.max_ordr_usd", "'max_order_usd'"),
        ('[accounts.a.broker]\nadapter = "mokc"\n', "accounts.a.broker.adapter", "'mock'"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_with_its_path(text: str, path: str, message: str) -> None:
    assert message in problems(text)[path]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("PLANFILL_ACCOUNTS__GROWHT__MOCK__CASH", "no account 'growht' in the settings: the accounts are "),
        ("PLANFILL_ACCOUNTS__GROWTH__LEDGER__URL", "all else is shared, at the top"),
        ("PLANFILL_ACCOUNTS__GROWTH__NUMBER", "the number of the account at its broker"),
    ],
)
def test_a_variable_that_sets_nothing_of_an_account_is_a_problem(
    variable: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "3")
    assert message in problems(TWO)[variable]


def test_a_variable_of_an_account_where_there_are_none_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_ACCOUNTS__A__MOCK__CASH", "3")
    assert problems("")["PLANFILL_ACCOUNTS__A__MOCK__CASH"].endswith("there is none")
