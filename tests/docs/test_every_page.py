"""Every command and snippet of every page runs, loads or reads, or a test of the page's own sees to it."""

from __future__ import annotations

import io
import json
import re
import shlex
import textwrap
import tomllib
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema
import pytest
import typer
from program import Program

from planfill import ExecutionManager
from planfill.adapters.cli.app import app
from planfill.bootstrap.settings import GROUP, load_settings
from planfill.domain.reading import read_plan

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
TESTS: Final = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
FENCE: Final = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
# Up to a comment, a pipe, a redirection or the next command.
COMMAND: Final = re.compile(r"(?:^|[\s$(])planfill ((?:\"[^\"]*\"|'[^']*'|[^\"'#|<>;&`)\n])+)")
PLAN: Final = {
    "plan_id": "PLAN_ID",
    "correlation_id": "run-1",
    "timestamp": "2021-03-31T20:55:00Z",
    "items": [
        {"symbol": "SPY", "action": "BUY", "trade_amount": "20"},
        {"symbol": "QQQ", "action": "BUY", "trade_amount": "20"},
    ],
}
EXTRAS: Final = set(metadata("planfill").get_all("Provides-Extra", []))
ACCOUNTS: Final = '[ledger]\nurl = "sqlite:///accounts.db"\n' + "".join(
    f'[accounts.{name}.mock]\naccount = "{name.upper()}"\nbook = "{name}.db"\n'
    for name in ("growth", "income")
)
# They go on until Ctrl-C.
ENDLESS: Final = ("--every", "--serve")
# What the commands of the pages end with, where it is not 0: nothing is in doubt, and nothing is earned yet.
ENDS: Final = {"resolve": 2, "rollout promote": 1}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    number: int
    language: str
    text: str

    @property
    def is_script(self) -> bool:
        """Whether it is more than a list of commands."""
        return re.search(r"\$[({\w?]|^\$ |PLANFILL_MOCK__PRICES", self.text, re.MULTILINE) is not None

    @property
    def is_tested_elsewhere(self) -> bool:
        """Whether a test names the page: it runs what the page shows."""
        mine = Path(__file__)
        return any(self.page.name in text for path, text in TESTS.items() if path != mine)


def blocks(*languages: str) -> list[Block]:
    """Find the blocks of some languages on all pages."""
    return [
        Block(page, number, language, textwrap.dedent(text))
        for page in PAGES
        for number, (_, language, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1)
        if language in languages
    ]


def named(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}, block {block.number}"


@pytest.fixture
def planfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    planfill = Program(tmp_path, monkeypatch, capsys)
    for name, key in {"key_id": "PKX", "secret_key": "secret"}.items():
        monkeypatch.setenv(f"APCA_API_{name.upper()}", key)
    (tmp_path / "docs").symlink_to(DOCS)
    planfill.settings(mock__holdings="{}", mock__cash="100000")
    return planfill


def test_every_command_of_every_block_runs(planfill: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each, in the order of the pages, in one folder in which a plan has been executed."""
    planfill.write("planfill.toml", '[shadow.old]\norders = "old/{plan_id}.csv"\n')
    (planfill.folder / "old").mkdir()
    planfill.write(
        "old/PLAN_ID.csv", "symbol,side,quantity,price\nSPY,BUY,0.049995,400.08\nQQQ,BUY,0.06666,300.06\n"
    )
    planfill.write("accounts.toml", ACCOUNTS)
    planfill.write("plan.json", PLAN)
    planfill.write("first.json", PLAN | {"plan_id": "first"})
    digest = planfill("preview", "first.json", "--json").document["digest"]
    assert planfill("execute", "plan.json").code == 0
    found: dict[str, Block] = {}
    for block in blocks("", "sh", "console"):
        if block.is_script:
            assert block.is_tested_elsewhere, named(block)
            continue
        found |= {command.strip(): block for command in COMMAND.findall(block.text)}
    assert len(found) > 25
    failed = []
    for command, block in found.items():
        here = command.replace("/var/lib/node_exporter/", "").replace("momentum-hrp-2021-03-31", "PLAN_ID")
        arguments = shlex.split(here.replace("DIGEST", digest))
        assert_known(arguments)
        if any(option in arguments for option in ENDLESS):
            continue
        if "--account" in arguments:
            arguments += ["--config", "accounts.toml"]
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(PLAN).encode())))
        ended = planfill(*arguments)
        expected = next((code for start, code in ENDS.items() if command.startswith(start)), 0)
        if ended.code != expected:
            failed.append(f"{named(block)}: planfill {command}: {ended.code}, {ended.err[-300:]}")
    assert failed == []


def assert_known(words: list[str]) -> None:
    """Go down to the command that is meant; see that it has the options that are named."""
    command: Any = typer.main.get_command(app)
    for word in words:
        nested = getattr(command, "commands", {})
        if nested and not word.startswith("-"):
            assert word in nested, words
            command = nested[word]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
    assert {word for word in words if word.startswith("--")} <= options, words


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_command_in_the_text_is_one(page: Path) -> None:
    whole = page.read_text(encoding="utf-8")
    text = FENCE.sub("", whole)
    for command in re.findall(r"`planfill ([a-z][^`]*)`", text):
        assert_known(shlex.split(command))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        *re.findall(r"`make ([a-z]+)\b", text),
        *re.findall(r"^(?:\$ )?make ([a-z]+)", whole, re.MULTILINE),
    }
    assert targets <= set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert {
        extra for found in re.findall(r"planfill\[([\w,]+)\]", whole) for extra in found.split(",")
    } <= EXTRAS


@pytest.mark.parametrize("block", blocks("toml"), ids=named)
def test_every_table_of_settings_loads(planfill: Program, block: Block) -> None:
    content = tomllib.loads(block.text)
    if "project" in content:
        assert GROUP in content["project"]["entry-points"]
    elif "sample" not in content:  # its test installs it
        live = "live" in str(content.get("alpaca"))
        planfill.settings(alpaca__key_id="AKX" if live else "PKX")
        # An address is a secret, which no page and no file has.
        for name in content.get("alerts", {}).get("targets", {}):
            planfill.settings(**{f"alerts__targets__{name}__url": "json://localhost"})
        load_settings(planfill.write("planfill.toml", block.text))


@pytest.mark.parametrize("block", blocks("json"), ids=named)
def test_every_document_is_one(block: Block) -> None:
    content = json.loads(block.text)
    if "items" in content:
        assert read_plan(content).plan_id == content["plan_id"]
    elif "error" in content:
        schema = json.loads((DOCS / "reference" / "result.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(content, schema)
    else:
        read_plan(PLAN | content)


@pytest.mark.parametrize("block", blocks("python"), ids=named)
def test_every_snippet_runs(planfill: Program, block: Block) -> None:
    if "account=" in block.text:
        planfill.write("planfill.toml", ACCOUNTS)
    if not block.is_tested_elsewhere:
        run: Callable[[str, dict[str, object]], None] = exec
        run(block.text, {"ExecutionManager": ExecutionManager, "plan": PLAN})


def test_a_block_in_a_list_is_found() -> None:
    assert FENCE.findall("1. one\n\n   ```sh\n   planfill list\n   ```\n") == [
        ("   ", "sh", "   planfill list\n")
    ]
    assert COMMAND.findall("planfill list --unfinished  # all\n$ planfill show X | less\n") == [
        "list --unfinished  ",
        "show X ",
    ]
