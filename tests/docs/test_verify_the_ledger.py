"""The page on audits: its commands run as they stand, and its recipe for a hash is the one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs/how-to/verify-the-ledger.md").read_text(encoding="utf-8")
BIN: Final = Path(sys.executable).parent
EXECUTE: Final = "planfill execute docs/examples/plans/2021-03-31.plan.json"


def run(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    ours = ("PLANFILL_", "COLUMNS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    prices = {"PLANFILL_MOCK__PRICES": "docs/examples/plans/2021-03-31.prices.json"}
    shell = ("bash", "-euc", commands)
    return subprocess.run(
        shell,
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment | prices | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands of the page have run."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "docs").symlink_to(ROOT / "docs")
    assert run(EXECUTE, folder).returncode == 0
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    ran = run(commands, folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("IN ORDER in 1 stream") == 3
    return folder


def test_the_commands_run_as_they_stand(folder: Path) -> None:
    assert (folder / "execution.jsonl").exists()


def test_a_head_that_is_not_there_is_found(folder: Path) -> None:
    (command,) = re.findall(r"^planfill audit verify --against .*$", PAGE, re.MULTILINE)
    assert run(command, folder).returncode == 1


def test_the_hash_of_an_event_is_made_as_the_page_says(folder: Path) -> None:
    *events, last = map(json.loads, (folder / "execution.jsonl").read_text(encoding="ascii").splitlines())
    before = "0" * 64
    for event in events:
        texts = (before, event["stream"], str(event["number"]), event["at"], event["payload"])
        content = "".join(f"{text}\n{len(text)}\n" for text in texts)
        before = hashlib.sha256(content.encode()).hexdigest()
        assert event["hash"] == before
    assert (last["head"], last["number"]) == (before, len(events))
