"""The settings: a file, the environment over it, and every problem at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from planfill.bootstrap.settings import Configuration, load_settings
from planfill.domain.errors import SettingsError
from planfill.domain.plan import Urgency


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(text: str) -> Configuration:
    Path("planfill.toml").write_text(text)
    return load_settings()


def problems(text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        settings(text)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_without_a_file_everything_has_its_default() -> None:
    found = load_settings()
    assert found.settings.broker.adapter == "mock"
    assert found.settings.ledger.url == "sqlite:///planfill.db"
    assert found.policy.execution.cash_buffer_bps == 50
    assert found.policy.limits.max_market_usd == 100000


def test_the_file_is_overridden_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_EXECUTION__POLL_S", "0.5")
    monkeypatch.setenv("PLANFILL_MOCK__CASH", "1000.10")
    found = settings("[execution]\npoll_s = 1\ncash_buffer_bps = 10\n[mock]\ncash = 5\n")
    assert found.policy.execution.poll_s == 0.5
    assert found.policy.execution.cash_buffer_bps == 10
    assert dict(found.brokerage)["cash"] == Decimal("1000.10")


def test_a_file_can_be_named() -> None:
    Path("other.toml").write_text("[execution]\npoll_s = 1\n")
    assert load_settings(Path("other.toml")).policy.execution.poll_s == 1


def test_every_problem_is_listed_with_its_path_and_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANFILL_EXECUTOIN__POLL_S", "1")
    monkeypatch.setenv("PLANFILL_MOCK__PRICE", "prices.json")
    found = problems("[execution]\npol_s = 1\nconcurrency = 0\nstyle = 'vwap'\n[ledgr]\nurl = 'x'\n[zzz]\n")
    assert found["PLANFILL_EXECUTOIN__POLL_S"] == "unknown; did you mean 'execution'?"
    assert found["mock.price"] == "unknown; did you mean 'prices'?"
    assert found["execution.pol_s"] == "unknown; did you mean 'poll_s'?"
    assert found["ledgr"] == "unknown; did you mean 'ledger'?"
    assert found["zzz"] == "no such setting"
    assert "1" in found["execution.concurrency"]
    assert "market" in found["execution.style"]


def test_a_misspelt_variable_alone_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_QQQ", "1")
    assert problems("") == {"PLANFILL_QQQ": "no such setting"}


@pytest.mark.parametrize(
    ("name", "hint"), [("mokc", "did you mean 'mock'?"), ("ninjatrader", "known are alpaca, ib, mock")]
)
def test_an_unknown_broker_is_named_with_the_nearest(name: str, hint: str) -> None:
    assert hint in problems(f'[broker]\nadapter = "{name}"\n')["broker.adapter"]


def test_the_broker_can_be_swapped_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_BROKER__ADAPTER", "nobody")
    assert "nobody" in problems("")["broker.adapter"]


def test_a_broker_table_that_is_no_table_is_a_problem() -> None:
    assert "broker" in problems("broker = 3\n")


def test_a_file_that_is_missing_a_folder_or_not_toml_is_one_clear_message(folder: Path) -> None:
    for path, text in ((folder / "none.toml", "cannot be read"), (folder, "cannot be read")):
        with pytest.raises(SettingsError, match=text):
            load_settings(path)
    assert "is not TOML" in problems("[execution\n")[""]


def test_the_style_of_an_urgency_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_EXECUTION__URGENCY__LOW", "walk")
    assert settings("[execution.urgency]\nhigh = 'limit'\n").policy.execution.urgency == {
        Urgency.LOW: "walk",
        Urgency.HIGH: "limit",
    }


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ('sources = ["broker", "file"]', "prices", "the source 'file' needs prices.file"),
        ('second = "file"', "prices", "the source 'file' needs prices.file"),
        ('second = "broker"', "prices", "there is nothing to compare: 'broker' is the only source"),
        ("sources = []", "prices.sources", "at least 1 item"),
        ('sources = ["yahoo"]', "prices.sources[0]", "'broker' or 'file'"),
    ],
)
def test_sources_of_prices_that_make_no_sense_are_refused(text: str, path: str, message: str) -> None:
    found = problems(f"[prices]\n{text}\n")
    assert message in found[path]


def test_where_alerts_go_is_a_secret_of_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(
        '[alerts]\nheartbeat_url = "https://a"\n'
        '[alerts.targets.phone]\nurl = "json://a"\nseverty = "CRITICAL"\n'
    )
    assert "PLANFILL_ALERTS__HEARTBEAT_URL" in found["alerts.heartbeat_url"]
    assert "PLANFILL_ALERTS__TARGETS__PHONE__URL" in found["alerts.targets.phone.url"]
    assert found["alerts.targets.phone.severty"] == "unknown; did you mean 'severity'?"
    monkeypatch.setenv("PLANFILL_ALERTS__TARGETS__PHONE__URL", "json://a-token")
    monkeypatch.setenv("PLANFILL_ALERTS__HEARTBEAT_URL", "https://a-token")
    alerts = settings('[alerts.targets.phone]\nseverity = "CRITICAL"\n').settings.alerts
    assert alerts.targets["phone"].severity == "CRITICAL"
    assert "a-token" not in repr(alerts)


def test_an_alert_target_without_an_address_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANFILL_ALERTS__HEARTBEAT_URL", "ftp://a-token")
    assert problems("[alerts.targets.my_phone]\n") == {
        "alerts.targets.my_phone.url": "missing: set PLANFILL_ALERTS__TARGETS__MY_PHONE__URL",
        "alerts.heartbeat_url": "it begins with https:// or http://",
    }


@pytest.mark.parametrize("text", ["alerts = 1\n", "[alerts]\ntargets = 1\n", "[alerts.targets.Phone]\n"])
def test_alerts_that_are_no_tables_are_a_problem_with_its_path(text: str) -> None:
    (path,) = problems(text)
    assert path.startswith("alerts")
