"""The suite of ``make paper``, run at a stand-in on this machine; and its refusals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from alpaca_server import AlpacaServer, Market
from alpaca_server.views import positions
from paper_venue import prices

from planfill.adapters.brokers.alpaca.settings import KEY, SECRET

ROOT: Final = Path(__file__).resolve().parents[2]
FAST: Final = {"PLANFILL_ALPACA__REQUESTS_PER_MINUTE": "100000"}


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    market = Market(
        {
            "prices": prices(), "book": ":memory:", "cash": "100000", "holdings": {},
            "not_fractionable": ["OCGN"],
        }
    )  # fmt: skip
    with AlpacaServer(market, requests_per_minute=100_000) as server:
        yield server


def run(server: AlpacaServer, *tests: str, **changed: str) -> subprocess.CompletedProcess[str]:
    ours = ("PLANFILL_", "APCA_", "CI", "PYTEST_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-m",
            "paper",
            "-rs",
            "-p",
            "no:cacheprovider",
            *(tests or ("tests/paper",)),
        ],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**environment, **server.environment(), **FAST, **changed},
        text=True,
        timeout=240,
    )


def counted(ran: subprocess.CompletedProcess[str]) -> dict[str, int]:
    last = ran.stdout.rstrip().splitlines()[-1]
    return {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", last.partition(" in ")[0])}


def test_the_whole_suite_passes_at_a_stand_in_and_only_steered_cards_are_skipped(
    server: AlpacaServer,
) -> None:
    ran = run(server)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert counted(ran)["passed"] >= 30, ran.stdout
    reasons = set(re.findall(r"^SKIPPED \[\d+\] \S+: (.*)$", ran.stdout, re.MULTILINE))
    assert reasons <= {"nobody steers a real market", "every symbol of this venue is tradable"}, reasons
    # What was bought is sold, and nothing works on.
    assert not [ticket for ticket, _ in server.market.listed() if ticket.is_open]
    assert [one["symbol"] for one in positions(server.market)] == ["F"]
    # No name of the suites may look like one of an execution that is in no ledger.
    names = {ticket.order.client_order_id for ticket, _ in server.market.listed()}
    assert all(name.startswith("t") for name in names if "contract" in name)
    assert re.search(r"BUY SPY [\d.]+ at [\d.]+, \$[\d.]+: pf-\S+, [0-9a-f-]{36} at the broker", ran.stdout)


@pytest.mark.parametrize(
    "changed",
    [
        {"PLANFILL_ALPACA__ENVIRONMENT": "live"},
        {KEY: "AKLIVELIVELIVELIVE01"},
        {"PLANFILL_ALPACA__TRADING_URL": "https://api.alpaca.markets"},
    ],
    ids=["environment", "key", "url"],
)
def test_whatever_is_live_is_refused_and_nothing_is_asked(
    server: AlpacaServer, changed: dict[str, str]
) -> None:
    ran = run(server, "tests/paper/test_round_trip.py", **changed)
    assert ran.returncode == 2, ran.stdout
    assert "REFUSED: these tests buy and sell" in ran.stdout + ran.stderr
    assert server.requests == []


def test_without_keys_everything_is_skipped_with_the_reason(server: AlpacaServer) -> None:
    ran = run(server, "tests/paper/test_round_trip.py", **{KEY: "", SECRET: ""})
    assert ran.returncode == 0, ran.stdout
    assert counted(ran) == {"skipped": 1}
    assert f"needs keys: {KEY} and {SECRET}" in ran.stdout
    assert server.requests == []


def test_a_closed_market_skips_and_nothing_is_sent(server: AlpacaServer) -> None:
    server.close_market()
    ran = run(server, "tests/paper/test_round_trip.py")
    assert (ran.returncode, counted(ran)) == (0, {"skipped": 1}), ran.stdout
    assert "the market is closed" in ran.stdout
    assert [seen.method for seen in server.requests] == ["GET"]
