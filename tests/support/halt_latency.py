"""How soon a halt is obeyed: 200 lines at the local Alpaca, one process that sends, another that halts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from alpaca_server import AlpacaServer, Market
from program import command

LINES: Final = 200
# Some work at the broker, most are still to be sent: eight at a time take five seconds.
_WORKING: Final = 60
_AT_ONCE: Final = 8
_RTT_S: Final = 0.2
_PER_MINUTE: Final = 20000
_TIMEOUT_S: Final = 120


Means = Callable[[Path, dict[str, str]], AbstractContextManager[Callable[[], None]]]


class Measured(NamedTuple):
    """
    What was seen of one halt.

    ``late_s`` is how many seconds after the halt stood each further order was sent; ``ended_s`` when the
    execution had ended. ``orders`` counts those at the broker by their state, ``lines`` those of the result
    by outcome and reason.
    """

    late_s: tuple[float, ...]
    command_s: float
    ended_s: float
    status: str
    orders: Counter[str]
    lines: Counter[tuple[str, str | None]]


# The interpreter's start is none of the halt's time: it has started, and waits for a line.
_WARM: Final = """
import sys
import alembic.command, sqlalchemy, planfill.bootstrap.manager, planfill.adapters.ledgers.sql
from planfill.bootstrap.cli import main
print("ready", flush=True)
if sys.stdin.readline():
    sys.exit(main(["halt", "--reason", "measured"]))
"""


@contextmanager
def by_command(folder: Path, environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Halt as an operator does."""
    with subprocess.Popen(
        [sys.executable, "-c", _WARM],
        cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def halt() -> None:
            process.communicate("now\n", timeout=_TIMEOUT_S)
            assert process.returncode == 0

        yield halt


@contextmanager
def by_hand(folder: Path, _environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Halt where Planfill cannot be started."""
    yield (folder / "planfill.db.halt").touch


def measure(folder: Path, means: Means) -> Measured:
    """Execute the lines in a fresh folder, halt when some work, and wait for the end."""
    symbols = [f"S{number:03}" for number in range(LINES)]
    market = Market(
        {"prices": dict.fromkeys(symbols, "100"), "book": ":memory:", "cash": "1000000", "holdings": {}}
    )
    with AlpacaServer(market, rtt_s=_RTT_S, requests_per_minute=_PER_MINUTE) as server:
        server.hold_fills()
        environment = _environment(server)
        (folder / "plan.json").write_text(json.dumps(_plan(symbols)), encoding="utf-8")
        working = _when_they_work(market)
        with means(folder, environment) as halt, subprocess.Popen(
            command("execute", "plan.json", "--json"),
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            if not working.wait(_TIMEOUT_S):
                process.kill()
                raise TimeoutError
            began = time.monotonic()
            halt()
            stood = time.monotonic()
            out, _ = process.communicate(timeout=_TIMEOUT_S)
        ended = time.monotonic()
        result = json.loads(out)
        return Measured(
            late_s=tuple(
                seen.at_s - stood for seen in server.requests if seen.kind == "place" and seen.at_s > stood
            ),
            command_s=stood - began,
            ended_s=ended - stood,
            status=result["status"],
            orders=Counter(order["status"] for order in server.orders()),
            lines=Counter((line["outcome"], line["reason"]) for line in result["lines"]),
        )


def _when_they_work(market: Market) -> threading.Event:
    """Give what is set once the market has taken enough orders."""
    working, tell, taken = threading.Event(), market.on_event, Counter[str]()

    def on_event(*told: Any) -> Any:
        taken["events"] += 1
        if taken["events"] >= _WORKING:
            working.set()
        return tell(*told)

    market.on_event = on_event
    return working


def _environment(server: AlpacaServer) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PLANFILL_", "APCA_"))}
    settings = {
        "PLANFILL_EXECUTION__MAX_PLAN_AGE_S": "0",
        "PLANFILL_EXECUTION__CONCURRENCY": str(_AT_ONCE),
        "PLANFILL_ALPACA__REQUESTS_PER_MINUTE": str(_PER_MINUTE),
    }
    return ours | server.environment() | settings


def _plan(symbols: list[str]) -> dict[str, Any]:
    items = [{"symbol": symbol, "action": "BUY", "trade_amount": "1000"} for symbol in symbols]
    return {
        "plan_id": "halted", "correlation_id": "halted", "timestamp": "2021-03-31T15:00:00Z", "items": items,
    }  # fmt: skip
