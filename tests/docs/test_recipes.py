"""The recipes run: each snippet as it stands, with stand-ins for what is not ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from program import Program

from planfill.adapters.brokers.mock import MockBroker, MockSettings
from planfill.adapters.clock import SystemClock
from planfill.domain import errors

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "recipes.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
PRICES: Final = {"SPY": "400", "QQQ": "300"}
PLAN: Final = {
    "plan_id": "plan-1",
    "correlation_id": "run-1",
    "timestamp": "2021-03-31T14:59:00Z",
    "items": [{"symbol": "SPY", "action": "BUY", "trade_amount": "100"}],
}


def snippets(heading: str, language: str) -> list[str]:
    _, found, rest = TEXT.partition(f"\n## {heading}\n")
    assert found
    section = re.split(r"\n## ", rest)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {"PRICES": json.dumps(PRICES), "CASH": "10000", "HOLDINGS": "{}"}.items():
        monkeypatch.setenv(f"PLANFILL_MOCK__{name}", value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


async def shares() -> dict[str, Any]:
    """Read what is held from the mock broker's own book."""
    broker = MockBroker(MockSettings.model_validate({"prices": PRICES}), SystemClock())
    return dict(await broker.get_positions(list(PRICES)))


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, text=True, timeout=60)


@pytest.mark.parametrize(
    ("plan", "said"), [(json.dumps(PLAN), "done"), ("{}", "the plan or the settings are wrong")]
)
def test_standard_input(folder: Path, plan: str, said: str) -> None:
    (snippet,) = snippets("From another program, by standard input", "sh")
    (folder / "plan.json").write_text(plan, encoding="utf-8")
    ran = shell(snippet)
    assert ran.stdout.startswith(said), ran.stderr
    if said == "done":
        assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["status"] == "SUCCEEDED"


async def test_cron_executes_one_plan_a_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table, script = snippets("cron", "sh")
    lines = [line.split(maxsplit=5)[5] for line in table.splitlines() if not line.startswith("#")]
    assert all(line.startswith("cd /srv/planfill && ") for line in lines)
    rebalance, look = (line.removeprefix("cd /srv/planfill && ") for line in lines)
    # The engine writes another plan each time it is asked; on one day it is asked once.
    engine = folder / "bin" / "my-engine"
    engine.parent.mkdir()
    engine.write_text(f"#!/bin/sh\necho asked >> asked\ncat <<'END'\n{json.dumps(PLAN)}\nEND\n", "utf-8")
    engine.chmod(0o755)
    (folder / "rebalance.sh").write_text(f"#!/bin/sh\n{script}", "utf-8")
    (folder / "rebalance.sh").chmod(0o755)
    (folder / "keys.env").write_text("export PLANFILL_LOG__LEVEL=WARNING\n", "utf-8")
    monkeypatch.setenv("PATH", f"{engine.parent}{os.pathsep}{os.environ['PATH']}")
    for _ in range(2):
        assert shell(rebalance).returncode == 0
    assert (folder / "asked").read_text(encoding="utf-8") == "asked\n"
    assert (folder / "rebalance.log").read_text(encoding="utf-8").count("SUCCEEDED") == 2
    held = await shares()
    assert held["SPY"] < 1
    program, *arguments = look.removesuffix(" > /dev/null").split()
    assert program == "planfill"
    assert Program(folder, monkeypatch, capsys)(*arguments).code == 0


class S3:
    """A bucket in a folder; ``forgets`` loses what is put back, as a function does that is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.forgets = False

    def download_file(self, bucket: str, key: str, path: str) -> None:
        shutil.copy(self._folder / bucket / key, path)

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        if not self.forgets:
            shutil.copy(path, self._folder / bucket / key)


async def test_lambda_brings_its_ledger_along(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = snippets("AWS Lambda", "python")
    bucket, disk = folder / "s3", folder / "disk"
    (bucket / "my-ledger").mkdir(parents=True)
    disk.mkdir()
    (bucket / "my-ledger" / "planfill.db").touch()
    s3 = S3(bucket)
    boto3 = ModuleType("boto3")
    boto3.client = lambda service: {"s3": s3}[service]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setenv("PLANFILL_LOG__FILE", "")
    # That the record was lost shows when it is reconciled, which waits as long for what is late.
    monkeypatch.setenv("PLANFILL_EXECUTION__FUNDING_WAIT_S", "0")
    monkeypatch.setenv("PLANFILL_MOCK__BOOK", str(folder / "planfill-mock.db"))
    names: dict[str, Any] = {}
    exec(snippet.replace('"/tmp"', repr(str(disk))), names)  # noqa: S102 - our own page

    def call(plan_id: str) -> dict[str, Any]:
        """Call the function on a machine that keeps nothing."""
        shutil.rmtree(disk)
        disk.mkdir()
        answer: dict[str, Any] = names["handler"]({**PLAN, "plan_id": plan_id}, None)
        json.dumps(answer)
        return answer

    first = call("plan-1")
    assert first["status"] == "SUCCEEDED"
    assert call("plan-1") == first
    s3.forgets = True
    assert call("plan-2")["status"] == "SUCCEEDED"
    s3.forgets = False
    assert call("plan-2")["status"] == "SUCCEEDED"
    monkeypatch.chdir(folder)
    # Two plans of $100 at about $400 were traded, the second of them once though its record was lost.
    assert 0.49 < (await shares())["SPY"] < 0.5


class Retry(Exception):
    """What Celery raises so that a task comes again."""


class Celery:
    """Takes functions for tasks, as Celery does."""

    def __init__(self, name: str, broker: str) -> None:
        assert name
        assert broker

    def task(self, **options: object) -> Callable[[Callable[..., object]], Callable[..., object]]:
        assert options == {"bind": True, "acks_late": True, "max_retries": 30}
        return lambda function: lambda *args: function(self, *args)

    def retry(self, countdown: int) -> Retry:
        return Retry(countdown)


async def test_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = snippets("Celery", "python")
    celery = ModuleType("celery")
    celery.Celery = Celery  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "celery", celery)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    first = names["rebalance"](PLAN)
    assert first["status"] == "SUCCEEDED"
    assert names["rebalance"](PLAN) == first
    monkeypatch.setenv("PLANFILL_MOCK__MARKET_OPEN", "false")
    with pytest.raises(Retry):
        names["rebalance"]({**PLAN, "plan_id": "plan-2"})
    assert (await shares())["SPY"] < 1


async def test_data_frames() -> None:
    (snippet,) = snippets("DataFrames", "python")
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    assert names["result"].status == "SUCCEEDED"
    assert list(names["orders"].index) == ["SPY", "QQQ"]
    assert names["filled"].sum() == pytest.approx(9000, abs=5)
    assert set(await shares()) == {"SPY", "QQQ"}


def test_every_error_that_is_named_is_one() -> None:
    section = TEXT.partition("## From another program")[0]
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", section)) - {"ExecutionManager", "TypeError"}
    assert named == {"ProcessForked", "AlreadyClosed"}
    assert all(hasattr(errors, name) for name in named)
