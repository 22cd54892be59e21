"""Every provider in every configuration: the wiring is data, and data is checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from dependency_injector.providers import Object

from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.ports.brokerage import BrokerPlugin
from planfill.bootstrap.container import Container
from planfill.bootstrap.settings import load_settings

CONFIGURATIONS = {
    "memory": '[ledger]\nurl = "memory://"\n',
    "sqlite": '[ledger]\nurl = "sqlite:///planfill.db"\n',
    "figures": "[execution]\nmax_plan_age_s = 0\n",
    "alerts": '[alerts.targets.phone]\nseverity = "CRITICAL"\n',
    "prices": '[prices]\nsources = ["broker", "file"]\nfile = "prices.csv"\nsecond = "file"\n',
}


def a_container(folder: Path, text: str) -> Container:
    prices = folder / "prices.csv"
    prices.write_text("symbol,price\nSPY,400\n")
    file = folder / "planfill.toml"
    file.write_text(f'{text}[mock]\nprices = "{prices}"\nbook = "{folder / "book.db"}"\n')
    return Container(configuration=Object(load_settings(file)))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_provider_can_be_built_in_every_configuration(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "alerts":
        monkeypatch.setenv("PLANFILL_ALERTS__TARGETS__PHONE__URL", "json://127.0.0.1")
        monkeypatch.setenv("PLANFILL_ALERTS__HEARTBEAT_URL", "https://127.0.0.1")
    container = a_container(tmp_path, CONFIGURATIONS[name])
    # A URL that names no file is no SQL ledger's: that branch is not taken.
    chosen = {k: p for k, p in container.providers.items() if name != "memory" or not k.startswith("sql_")}
    built = {key: provider() for key, provider in chosen.items()}
    assert built["writer"] is (built["memory_ledger"] if name == "memory" else built["sql_writer"])
    assert built["execute"].ledger is built["writer"]
    assert built["execute"].cursors is built["writer"]
    assert built["execute"].brokerage is built["brokerage"]
    assert built["preview"].rehearsal.brokerage is not built["brokerage"]
    assert built["preview"].rehearsal.ledger is not built["writer"]


def test_a_rehearsal_writes_to_no_ledger_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    container = a_container(tmp_path, CONFIGURATIONS["sqlite"])
    assert isinstance(container.preview().rehearsal.ledger, MemoryLedger)
    assert isinstance(container.execute().ledger, SqlLedger)
    assert container.preview().rehearsal.listeners == ()


@pytest.mark.parametrize(("text", "expected"), [("", 86400), ("[execution]\nmax_plan_age_s = 0\n", 0)])
def test_the_brokers_own_plan_age_holds_where_the_settings_have_none(
    text: str, expected: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = a_container(tmp_path, text).configuration()
    real = dataclasses.replace(chosen, plugin=dataclasses.replace(chosen.plugin, max_plan_age_s=86400))
    assert Container(configuration=Object(real)).figures().execution.max_plan_age_s == expected


def test_a_broker_that_rehearses_like_it_trades_needs_no_second_maker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    container = a_container(tmp_path, "")
    configuration = container.configuration()
    plain = BrokerPlugin(configuration.plugin.settings, configuration.plugin.build)
    container.configuration.override(
        Object(type(configuration)(configuration.settings, plain, configuration.brokerage))
    )
    assert container.stage().capabilities == container.brokerage().capabilities
