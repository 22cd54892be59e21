"""How many requests a plan takes: those that the page on Alpaca lists, and no more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from alpaca_server import AlpacaServer
from at_alpaca import a_manager, an_alpaca, use
from stage import a_plan, buy, sell

from planfill.domain.result import ExecutionResult, ExecutionStatus

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "alpaca.md"
BUYS: Final = (buy("SPY", "1000"), buy("QQQ", "1000"), buy("IWM", "1000"))
SELLS: Final = (sell("GLD", "1000"), sell("TLT", "1000"))
KINDS: Final = {
    "/account": "account", "/orders": "orders", "/positions": "positions", "/clock": "clock",
    "/assets": "assets", "/stocks/quotes/latest": "quotes",
}  # fmt: skip


def listed(column: str) -> Counter[str]:
    """Read what the page lists, without the orders."""
    text = PAGE.read_text(encoding="utf-8").partition("## Requests of a plan")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line] for line in lines)
    of = head.index(column)
    paths = {row[0].strip("`").split()[1]: row[of] for row in rows if row[0].startswith("`GET")}
    return Counter({KINDS[path]: int(count) for path, count in paths.items()})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlpacaServer]:
    monkeypatch.chdir(tmp_path)
    with an_alpaca(cash="100000", holdings={"GLD": "100", "TLT": "100"}) as server:
        use(server, monkeypatch)
        yield server


@pytest.fixture
def counted(server: AlpacaServer) -> Iterator[Callable[..., Counter[str]]]:
    def counted(name: str, *lines: dict[str, object]) -> Counter[str]:
        began, offset = time.time(), time.time() - time.monotonic()
        result: ExecutionResult = execution.execute_rebalance_plan(a_plan(*lines, plan_id=name))
        assert result.status is ExecutionStatus.SUCCEEDED
        ended = result.finished_at.timestamp()
        found = Counter(s.kind for s in server.requests if began <= s.at_s + offset <= ended)
        assert found.pop("place") == len(lines)
        execution.reconciliation()
        return found

    with a_manager() as execution:
        yield counted


def test_the_first_plan_of_a_process(counted: Callable[..., Counter[str]]) -> None:
    expected, found = listed("Without sells"), counted("first", *BUYS)
    assert sum(expected.values()) == 6
    # Whether the stream is heard before the first order is accepted is a race: else a list is read.
    assert found - expected in (Counter(), Counter(orders=1))
    assert expected - found == Counter()


@pytest.mark.parametrize(
    ("column", "lines", "most"), [("Without sells", BUYS, 5), ("With sells", (*SELLS, *BUYS), 8)]
)
async def test_a_further_plan(
    column: str,
    lines: tuple[dict[str, object], ...],
    most: int,
    counted: Callable[..., Counter[str]],
    server: AlpacaServer,
) -> None:
    expected = listed(column) - Counter(assets=1)
    assert sum(expected.values()) == most
    counted("first", *BUYS)
    await server.wait_for_listener()
    assert counted("second", *lines) == expected
