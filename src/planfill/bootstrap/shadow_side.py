"""The process of a shadow that is another Planfill: ``python -m planfill.bootstrap.shadow_side``."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planfill.adapters.ledgers.sqlite import SqliteFile
from planfill.adapters.shadows.answering import answer
from planfill.bootstrap.container import ledger_kind
from planfill.bootstrap.logging import console
from planfill.bootstrap.manager import ExecutionManager
from planfill.bootstrap.settings import load_settings
from planfill.domain.errors import ShadowFailed
from planfill.domain.reading import read_plan
from planfill.domain.stages import LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping


def orders(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    Execute the plan by the other settings, exactly once too, and tell what became of each line.

    Raises:
        ShadowFailed: They would touch what the live side uses, or real money; nothing was sent.
        ExecutionError: It could not be executed.

    """
    file = Path(request["settings"])
    _price_the_mock(file, request["quotes"])
    configuration = load_settings(file)
    if configuration.plugin.is_live and configuration.plugin.is_live(configuration.brokerage):
        msg = f"{file} is set to live: a shadow never trades real money"
        raise ShadowFailed(msg)
    if _same(configuration.settings.ledger.url, request["ledger"]):
        msg = f"{file} names our own ledger, {request['ledger']}: set ledger.url to one of the shadow's own"
        raise ShadowFailed(msg)
    # What our settings call the account means nothing to settings that have no names, or other ones.
    named = request["plan"].get("account") in configuration.accounts
    plan = read_plan(request["plan"] if named else {**request["plan"], "account": None})
    with console("ERROR"), ExecutionManager.from_settings(file) as execution:
        account = execution.account_for(plan)
        if account.environment == LIVE:
            msg = f"{file} names the live account {account}: a shadow never trades real money"
            raise ShadowFailed(msg)
        if str(account) == request["account"]:
            msg = f"{file} names our own account, {account}: the shadow needs one of its own"
            raise ShadowFailed(msg)
        result = execution.execute_rebalance_plan(plan)
        if result.exit_code > 1:
            msg = f"there the plan is {result.status}: {result.detail}"
            raise ShadowFailed(msg)
        return [one.model_dump(mode="json") for one in execution.traded(plan.plan_id)]


def _same(one: str, other: str) -> bool:
    """Tell whether two URLs name one ledger, however they are written."""
    if ledger_kind(one) != "sql" or ledger_kind(other) != "sql":
        return False
    return _file(one) == _file(other)


def _file(url: str) -> Path:
    return SqliteFile(url, busy_timeout_s=0).path.resolve()


def _price_the_mock(file: Path, quotes: Mapping[str, str]) -> None:
    """Let a mock without prices fill at the quotes that the live side saw."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    if "prices" not in document.get("mock", {}):
        os.environ.setdefault("PLANFILL_MOCK__PRICES", json.dumps(dict(quotes)))


if __name__ == "__main__":
    answer(orders)
