"""``planfill metrics`` as it is typed."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from program import Program, wait_for
from stage import a_plan, buy, hold

PLAN = a_plan(buy("SPY", "10000"), hold("IWM"), buy("NONE", "500"))


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path, monkeypatch, capsys)
    program.write("plan.json", PLAN)
    return program


def test_the_figures_stand_beside_their_targets(planfill: Program) -> None:
    result = planfill("execute", "plan.json", "--json").document
    ended = planfill("metrics")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["metric", "target", "figure", "met"]
    assert lines[1].split() == [
        "order",
        "success",
        "rate",
        ">",
        "95",
        "%",
        "100.0",
        "%",
        "(1",
        "of",
        "1)",
        "yes",
    ]
    assert any(line.startswith("executions logged") and "100.0 % (1 of 1)" in line for line in lines)
    assert any(line.split() == ["1", "BLOCKED", "NOT_TRADABLE"] for line in lines)
    assert f"executions: 1 (1 {result['status']}), with " in ended.out
    document = planfill("metrics", "--json").document
    assert list(document) == ["figures", "targets"]
    assert document["figures"]["filled_usd"] == result["filled_usd"]
    assert document["figures"]["orders_placed"] == result["orders_placed"] == 1
    assert len(document["targets"]) == 8


def test_a_period_is_whole_days(planfill: Program) -> None:
    day = planfill("execute", "plan.json", "--json").document["started_at"][:10]

    def executions(*period: str) -> int:
        return int(planfill("metrics", "--json", *period).document["figures"]["executions"])

    assert executions("--since", day, "--until", day) == 1
    assert executions("--since", day, "--until", "9999-12-31") == 1
    assert executions("--until", "2020-12-31") == executions("--since", "9999-12-31") == 0


def test_without_a_log_file_nothing_is_logged_and_that_is_said(planfill: Program) -> None:
    planfill.settings(log__file="")
    planfill("execute", "plan.json")
    (logged,) = [
        line for line in planfill("metrics").out.splitlines() if line.startswith("executions logged")
    ]
    assert logged.split()[3:] == ["%", "0.0", "%", "(0", "of", "1)", "NO"]


def test_without_a_ledger_nothing_is_measured_and_none_is_made(planfill: Program) -> None:
    ended = planfill("metrics")
    assert ended.code == 0
    assert "nothing to measure" in ended.out
    assert "executions: 0, with 0 events" in ended.out
    assert not (planfill.folder / "planfill.db").exists()


def test_a_day_that_is_none_is_one_message(planfill: Program) -> None:
    ended = planfill("metrics", "--since", "yesterday")
    assert (ended.code, ended.out) == (2, "")
    assert "'yesterday' does not match the formats '%Y-%m-%d'" in ended.err


def test_a_file_for_the_node_exporter_has_the_same_figures(planfill: Program) -> None:
    planfill("execute", "plan.json")
    ended = planfill("metrics", "--textfile", "planfill.prom")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    text = (planfill.folder / "planfill.prom").read_text("utf-8")
    assert "\nplanfill_orders_placed 1.0\n" in text
    assert '\nplanfill_lines{outcome="BLOCKED",reason="NOT_TRADABLE"} 1.0\n' in text


def test_prometheus_is_answered_until_ctrl_c(planfill: Program) -> None:
    planfill("execute", "plan.json")
    with planfill.spawn("metrics", "--serve", "0") as process:
        try:
            url = wait_for("/metrics", process).split()[4].removesuffix(";")
            assert url.startswith("http://127.0.0.1:")
            with urlopen(url, timeout=30) as answer:  # noqa: S310
                assert b"\nplanfill_orders_placed 1.0\n" in answer.read()
        finally:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--textfile", "no/x.prom"), "no/x.prom cannot be written: No such file or directory"),
        (("--serve", "nope"), "--serve takes HOST:PORT or a port of 127.0.0.1"),
        (("--serve", "127.0.0.1:65536"), "not '127.0.0.1:65536'"),
        (("--textfile", "x", "--serve", "0"), "--textfile and --serve are two ways: take one"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_exit_2(
    planfill: Program, arguments: tuple[str, ...], says: str
) -> None:
    ended = planfill("metrics", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_port_that_somebody_has_is_named(planfill: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = planfill("metrics", "--serve", address)
    assert ended.code == 2
    assert f"nobody can listen on {address}: Address already in use" in ended.err


def test_without_the_extra_it_says_what_to_install(
    planfill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "planfill.adapters.metrics.prometheus", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ended = planfill("metrics", "--textfile", "planfill.prom")
    assert ended.code == 2
    assert "need prometheus_client: pip install 'planfill[metrics]'" in ended.err
