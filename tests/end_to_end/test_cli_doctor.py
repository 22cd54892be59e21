"""``planfill doctor`` as its user meets it: one line a check with its remedy, and no secret in any."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from alpaca_server import AlpacaServer, Fault, Market
from program import Ended, Program

from planfill import ExecutionManager
from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.cli.doctoring import _left
from planfill.adapters.clock import SystemClock
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.domain.report import ExecutionReport, OrderStatus

NOBODY: Final = 65534
OF_THE_MOCK: Final = [
    "settings", "prices", "book", "account", "blocks", "buying power", "market hours", "market data",
    "ledger", "halt", "alerts",
]  # fmt: skip
OF_ALPACA: Final = [
    "settings", "keys", "url", "dns", "tls", "account", "blocks", "clock", "buying power", "market hours",
    "market data", "rate limit", "ledger", "halt", "alerts",
]  # fmt: skip


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.settings(mock__holdings="{}", mock__cash="1000")
    return program


def found(ended: Ended) -> dict[str, Any]:
    """Give the findings of the document by the name of the check."""
    assert list(ended.document) == ["in_order", "findings"]
    findings = ended.document["findings"]
    assert all(list(one) == ["check", "status", "found", "remedy"] for one in findings)
    assert ended.document["in_order"] is (ended.code == 0)
    return {one["check"]: one for one in findings}


def failed(ended: Ended) -> list[str]:
    assert ended.code == 1
    return [name for name, one in found(ended).items() if one["status"] == "NOT_IN_ORDER"]


async def the_orders(planfill: Program) -> list[ExecutionReport]:
    broker = MockBroker(
        MockSettings.model_validate({"prices": planfill.folder / "prices.json"}), SystemClock()
    )
    return list(await broker.list_orders(SystemClock().now() - timedelta(days=1)))


async def test_what_is_in_order_is_one_line_a_check_and_no_order_is_sent(planfill: Program) -> None:
    ended = planfill("doctor")
    assert (ended.code, ended.err) == (0, "")
    *lines, verdict = ended.out.splitlines()
    assert verdict == "IN ORDER: 11 checks"
    assert [line[14:].partition("  ")[0] for line in lines] == OF_THE_MOCK
    assert {line[:12].strip() for line in lines} == {"ok", "note"}
    assert await the_orders(planfill) == []


async def test_with_order_one_is_placed_and_canceled_and_its_id_is_printed(planfill: Program) -> None:
    ended = planfill("doctor", "--order")
    assert ended.code == 0, ended.out
    (report,) = await the_orders(planfill)
    assert report.status is OrderStatus.CANCELED
    assert not report.client_order_id.startswith("pf-")
    line = ended.out.splitlines()[-2]
    assert report.client_order_id in line
    assert report.broker_order_id in line


def test_the_document_has_every_finding(planfill: Program) -> None:
    ended = planfill("doctor", "--json")
    assert list(found(ended)) == OF_THE_MOCK
    assert ended.err == ""


def test_without_prices_the_settings_are_named_and_the_ledger_is_still_checked(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLANFILL_MOCK__PRICES")
    ended = planfill("doctor", "--order", "--json")
    assert failed(ended) == ["settings"]
    assert "mock.prices: no prices" in found(ended)["settings"]["found"]
    assert found(ended)["ledger"]["status"] == "IN_ORDER"
    assert found(ended)["account"]["status"] == found(ended)["order"]["status"] == "NOT_CHECKED"


def test_every_problem_of_the_settings_is_a_line_and_nothing_crashes(planfill: Program) -> None:
    planfill.settings(execution__poll_s="-1", limits__nonsense="1")
    ended = planfill("doctor")
    assert ended.code == 1
    lines = [line for line in ended.out.splitlines() if line.startswith("NOT IN ORDER  settings")]
    assert len(lines) == 2
    assert any("execution.poll_s" in line for line in lines)
    assert any("limits.nonsense" in line for line in lines)
    assert all("; set it right" in line for line in lines)
    assert ended.err == ""


def test_a_file_of_settings_that_is_not_there_is_a_line(planfill: Program) -> None:
    ended = planfill("doctor", "--config", "nowhere.toml", "--json")
    assert failed(ended) == ["settings"]
    assert "nowhere.toml cannot be read" in found(ended)["settings"]["found"]


async def test_a_blocked_account_is_named_and_no_order_is_sent(planfill: Program) -> None:
    planfill.settings(mock__blocked="under review")
    ended = planfill("doctor", "--order", "--json")
    assert failed(ended) == ["blocks"]
    assert "under review" in found(ended)["blocks"]["found"]
    assert await the_orders(planfill) == []


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Be bound by permissions; root is not."""
    before = os.geteuid()
    os.seteuid(before or NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every user reaches, and no other user may write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_ledger_is_named_with_its_remedy(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planfill = Program(open_folder, monkeypatch, capsys)
    planfill.settings(mock__holdings="{}", mock__cash="1000", mock__book=":memory:")
    assert planfill("doctor").code == 0
    for path in open_folder.glob("planfill.db*"):
        path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_ordinary_user():
        ended = planfill("doctor", "--order", "--json")
    assert failed(ended) == ["ledger", "halt"]
    assert "allow" in found(ended)["ledger"]["found"]
    assert found(ended)["order"]["status"] == "NOT_CHECKED"


def test_ctrl_c_while_the_order_is_out_cancels_it_first(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted: list[str] = []

    async def interrupted_place(self: MockBroker, order: Any) -> Any:
        report = await placed(self, order)
        os.kill(os.getpid(), signal.SIGINT)
        interrupted.append(order.client_order_id)
        return report

    placed = MockBroker.place_order
    monkeypatch.setattr(MockBroker, "place_order", interrupted_place)
    ended = planfill("doctor", "--order")
    assert interrupted
    assert "what was sent is canceled first" in ended.err
    assert f"{interrupted[0]} " in ended.out
    assert "found by its client order id, canceled" in ended.out


def test_what_is_left_at_once_says_what_may_be_working() -> None:
    assert "doctor-" in _left(order=True).error.message
    assert "doctor-" not in _left(order=False).error.message


def test_an_interrupt_before_the_facade_hears_it_leaves_at_once(planfill: Program) -> None:
    script = (
        "import os, signal, sys\n"
        "from planfill.application.inspecting import InspectingFacade\n"
        "def early(self, **_):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "InspectingFacade.examine = early\n"
        "from planfill.bootstrap.cli import main\n"
        "sys.exit(main(['doctor', '--order']))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=planfill.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (4, "")
    assert "begins with doctor-" in ran.stderr


@pytest.mark.usefixtures("planfill")
def test_python_gets_the_same() -> None:
    with ExecutionManager.from_settings() as execution:
        examination = execution.examine(order=True)
    assert examination.in_order
    assert [one.check for one in examination.findings] == [*OF_THE_MOCK, "order"]


def test_ports_of_the_callers_own_are_examined_too() -> None:
    prices = {"prices": {"SPY": 400}, "book": ":memory:", "cash": 1000, "holdings": {}}
    broker = MockBroker(MockSettings.model_validate(prices), SystemClock())
    with ExecutionManager(broker=broker, ledger=MemoryLedger()) as execution:
        examination = execution.examine()
    assert examination.in_order
    assert "the caller's own" in examination.findings[0].found


class TestAlpaca:
    """Over a loopback server, through the real SDK."""

    @pytest.fixture
    def market(self) -> Market:
        return Market({"prices": {"SPY": "400"}, "book": ":memory:", "cash": "1000", "holdings": {}})

    @pytest.fixture
    def server(
        self, market: Market, planfill: Program, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[AlpacaServer]:
        with AlpacaServer(market, requests_per_minute=200) as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            yield server

    def test_all_is_in_order_and_the_order_is_placed_and_canceled(
        self, planfill: Program, server: AlpacaServer
    ) -> None:
        ended = planfill("doctor", "--order", "--json")
        assert ended.code == 0, ended.out
        assert list(found(ended)) == [*OF_ALPACA, "order"]
        ((ticket, paper),) = server.market.listed()
        assert not ticket.is_open
        assert ticket.order.client_order_id in found(ended)["order"]["found"]
        assert paper.id in found(ended)["order"]["found"]
        assert (ticket.order.limit_price or 0) < Decimal(201)

    def test_no_secret_is_printed_or_logged_whatever_fails(
        self, planfill: Program, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key, secret = "PKPLANTEDPLANTED0001", "planted-secret-planted"
        told = ""
        settings: tuple[dict[str, str], ...] = (
            {},
            {"APCA_API_KEY_ID": server.key, "APCA_API_SECRET_KEY": server.secret},
            {"APCA_API_KEY_ID": secret, "APCA_API_SECRET_KEY": key},
            {"APCA_API_SECRET_KEY": f"{secret}\nx"},
            {"APCA_API_KEY_ID": key.replace("PK", "AK")},
            {"PLANFILL_ALPACA__TRADING_URL": "http://127.0.0.1:1"},
            {"PLANFILL_ALPACA__ENVIRONMENT": secret},
        )
        for changed in settings:
            for name, value in {"APCA_API_KEY_ID": key, "APCA_API_SECRET_KEY": secret, **changed}.items():
                monkeypatch.setenv(name, value)
            # As it would be without the redaction of all that is printed.
            monkeypatch.setattr("planfill.bootstrap.cli._Assembly.redact", lambda _, text: text)
            ended = planfill("doctor", "--order")
            assert ended.code in {0, 1}
            told += ended.out + ended.err
        log = planfill.folder / "planfill.log"
        told += log.read_text() if log.exists() else ""
        assert "NOT IN ORDER" in told
        for hidden in (key, secret, server.key, server.secret, "PLANTED", "planted"):
            assert hidden not in told

    def test_keys_that_are_refused_are_named_with_what_to_do(
        self, planfill: Program, server: AlpacaServer
    ) -> None:
        server.secret = "another"  # noqa: S105
        ended = planfill("doctor", "--order", "--json")
        assert failed(ended) == ["account", "market data"]
        assert "keys" in found(ended)["account"]["remedy"]
        assert [seen.method for seen in server.requests] == ["GET"] * len(server.requests)

    def test_a_broker_that_is_not_there_is_named_and_the_rest_goes_on(
        self, planfill: Program, server: AlpacaServer
    ) -> None:
        planfill.settings(alpaca__trading_url="http://127.0.0.1:1")
        ended = planfill("doctor", "--order", "--json")
        assert failed(ended) == ["account"]
        assert "Connection refused" in found(ended)["account"]["found"]
        assert found(ended)["market data"]["status"] == found(ended)["ledger"]["status"] == "IN_ORDER"

    def test_an_order_whose_answer_is_lost_is_found_and_canceled(
        self, planfill: Program, server: AlpacaServer
    ) -> None:
        server.faults.once("place", Fault.RESET)
        ended = planfill("doctor", "--order", "--json")
        assert ended.code == 0, ended.out
        ((ticket, _),) = server.market.listed()
        assert not ticket.is_open

    def test_a_cancel_that_is_ignored_is_said_loudly(self, planfill: Program, server: AlpacaServer) -> None:
        planfill.settings(execution__cancel_grace_s="0.5", alpaca__read_lag_s="0")
        server.faults.always("cancel", Fault.CANCEL_IGNORED)
        ended = planfill("doctor", "--order", "--json")
        assert failed(ended) == ["order"]
        assert "THE CANCEL IS NOT CONFIRMED" in found(ended)["order"]["found"]


def test_the_help_names_it(planfill: Program) -> None:
    assert "doctor" in planfill("--help").out
    assert "--order" in planfill("doctor", "--help").out
    assert json.loads(planfill("doctor", "--json").out)["in_order"]
