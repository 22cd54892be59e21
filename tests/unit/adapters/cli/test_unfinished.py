"""Naming what is unfinished never stands in a command's way."""

from __future__ import annotations

from typing import NoReturn

import pytest

from planfill.adapters.cli.printing import Printer
from planfill.adapters.cli.unfinished import name_unfinished
from planfill.application.facade import ExecutionFacade
from planfill.domain.errors import LedgerUnavailable


class Unreadable(ExecutionFacade):
    """Has a ledger that is busy just now."""

    def __init__(self) -> None:
        pass

    def executions(self, *, unfinished: bool = False) -> NoReturn:
        assert unfinished
        raise LedgerUnavailable("locked")


def test_a_ledger_that_cannot_be_read_is_for_the_command_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    name_unfinished(Unreadable(), Printer(str, as_json=False), "")
    assert capsys.readouterr() == ("", "")
