"""Every alert there is, each through a real execution to a real receiver on loopback: it arrives once."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from alert_drives import DRIVES, Drive, Told
from announcing import heard
from postbox import Postbox
from typed import is_a_command
from webhook import Webhook

import planfill
from planfill.domain import raising
from planfill.domain.events import Severity

CRITICAL: Final = [drive for drive in DRIVES if any(told.severity == "CRITICAL" for told in drive.told)]


def named(drive: Drive) -> str:
    return drive.name.replace(" ", "-")


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    with Postbox() as box:
        yield box


def drive_and_look_again(drive: Drive, name: str, url: str, severity: Severity) -> None:
    scene = drive.scene()
    scene.tell(name, url, severity)
    drive.run(scene)
    for _ in range(2):
        with scene.facade() as facade:
            facade.watch()


def assert_told(bodies: Sequence[str], expected: Sequence[Told]) -> None:
    """Each alert is there once, is short, and says what is expected of it; and no other is there."""
    found = heard(bodies)
    expected = sorted(expected)
    assert [(one.severity, one.todo) for one in found] == [(one.severity, one.todo) for one in expected]
    for one, told in zip(found, expected, strict=True):
        assert one.title.startswith(told.title)
        assert [part for part in told.holds if part not in one.text] == []
        assert len(one.text) < 1000
        assert one.todo == "" or is_a_command(one.todo)


@pytest.mark.parametrize("drive", DRIVES, ids=named)
def test_each_alert_arrives_once(drive: Drive, webhook: Webhook) -> None:
    webhook.posted.clear()
    drive_and_look_again(drive, "phone", webhook.url, Severity.WARNING)
    assert_told([one["message"] for one in webhook.posted], drive.told)
    assert "a-secret-token" not in str(webhook.posted)


@pytest.mark.parametrize("drive", CRITICAL, ids=named)
def test_each_critical_alert_comes_by_mail_once_with_the_table_of_its_lines(
    drive: Drive, postbox: Postbox
) -> None:
    postbox.mails.clear()
    drive_and_look_again(drive, "desk", postbox.url, Severity.CRITICAL)
    expected = [told for told in drive.told if told.severity == "CRITICAL"]
    assert_told([one.plain for one in postbox.mails], expected)


def alerting_cases() -> set[str]:
    """Name the events of the table that are alerts: all whose case does more than to return."""
    (table,) = (
        node for node in ast.walk(ast.parse(inspect.getsource(raising._found))) if isinstance(node, ast.Match)
    )
    return {
        pattern.cls.attr
        for case in table.cases
        if not isinstance(case.body[0], ast.Return)
        for pattern in ast.walk(case.pattern)
        if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Attribute)
    }


def places_that_alert() -> set[str]:
    """Name the functions that make an ``Alerted``, which the table hands on."""
    source = Path(planfill.__file__).parent
    return {
        f"{path.stem}.{function.name}"
        for layer in ("domain", "application", "adapters", "bootstrap")
        for path in (source / layer).rglob("*.py")
        if "Alerted(" in (text := path.read_text(encoding="utf-8"))
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "Alerted"
    }


def test_every_row_of_the_table_is_driven() -> None:
    driven = {row for drive in DRIVES for row in drive.rows}
    assert driven == (alerting_cases() - {"Alerted"}) | places_that_alert()
