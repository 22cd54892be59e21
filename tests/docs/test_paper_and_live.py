"""How to swap, and to go live: the settings load, the commands exist, every check is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from alpaca_server import AlpacaServer, Market
from program import Program

from planfill.adapters.cli.doctoring import _WORDS
from planfill.bootstrap.settings import load_settings
from planfill.domain.examination import CheckStatus
from planfill.domain.stages import Stage

ROOT: Final = Path(__file__).resolve().parents[2]
SWAP: Final = "how-to/swap-the-broker.md"
STAGES: Final = "how-to/go-live.md"
LIVE: Final = "how-to/paper-and-live.md"
Table = Callable[[str, str], list[dict[str, str]]]


def blocks(page: str, language: str) -> list[str]:
    text = re.sub(r"^   ", "", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(("page", "key", "live"), [(SWAP, "PKX", False), (LIVE, "AKX", True)])
def test_the_settings_are_those_of_alpaca(
    planfill: Program, monkeypatch: pytest.MonkeyPatch, page: str, key: str, *, live: bool
) -> None:
    (text,) = blocks(page, "toml")
    monkeypatch.setenv("APCA_API_KEY_ID", key)
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    configuration = load_settings(planfill.write("planfill.toml", text))
    assert configuration.settings.broker.adapter == "alpaca"
    brokerage: Any = configuration.brokerage
    brokerage.check()
    assert brokerage.is_live is live


@pytest.mark.parametrize("page", [SWAP, LIVE])
def test_every_command_exists(planfill: Program, page: str) -> None:
    commands = "\n".join(blocks(page, "sh"))
    named = set(re.findall(r"^planfill ([a-z]+)", commands, re.MULTILINE))
    assert "doctor" in named
    for command in named:
        assert planfill(command, "--help").code == 0, command
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z]+)", commands, re.MULTILINE):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
    assert ("make paper" in commands) is (page == LIVE)


def test_every_command_of_the_stages_exists(planfill: Program) -> None:
    commands = re.findall(r"^planfill ([a-z]+ [a-z]+)$", "\n".join(blocks(STAGES, "sh")), re.MULTILINE)
    assert commands == ["rollout status", "rollout promote"]
    for command in commands:
        assert planfill(*command.split(), "--help").code == 0, command


def test_the_table_of_the_stages_names_each(table: Table) -> None:
    assert [row["Stage"] for row in table(STAGES, "# Go live, stage by stage")] == list(Stage)


def test_every_check_of_the_doctor_is_named(
    planfill: Program, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    planfill.settings(mock__holdings="{}", mock__cash="1000")
    found = checks(planfill)
    market = Market({"prices": {"SPY": "400"}, "book": ":memory:", "cash": "1000", "holdings": {}})
    with AlpacaServer(market) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        found |= checks(planfill)
    told = {name for row in table(SWAP, "## What the doctor says") for name in row["Check"].split(", ")}
    assert told == found | {"connection"}


def checks(planfill: Program) -> set[str]:
    ended = planfill("doctor", "--order", "--json")
    assert ended.code == 0, ended.out
    return {one["check"] for one in json.loads(ended.out)["findings"]}


def test_every_word_and_status_is_explained() -> None:
    text = (ROOT / "docs" / SWAP).read_text(encoding="utf-8")
    assert all(f"`{status}`" in text for status in CheckStatus)
    assert all(f"`{word}`" in text for word in _WORDS.values())
