"""The market in a process of its own: ``python -m race.venue FOLDER``, a ``Case`` on its stdin."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import certifi
import trustme
from alpaca_server import AlpacaServer, Market, reception
from certificates import served

from race.protocol import BUNDLE, Case, Job, Seen, tell, told

if TYPE_CHECKING:
    import ssl

FILL_DELAY_S: Final = 0.025
DOLLARS: Final = "1000"
_UNLIMITED: Final = 1_000_000
_TOO_MANY: Final = 429
_MINUTE_S: Final = 60
_READY_S: Final = 5


def orders(case: Case) -> list[list[str]]:
    """Say what is to be traded."""
    sides = ("buy", "sell") if case.sells else ("buy", "buy")
    return [[f"S{number:05}", sides[number % 2], DOLLARS] for number in range(case.lines)]


def market(case: Case) -> Market:
    """Make the market: an account with the money and the shares that the orders need."""
    traded = orders(case)
    prices = {symbol: str(50 + number % 100) for number, (symbol, _, _) in enumerate(traded)}
    return Market(
        {
            "prices": prices,
            "book": ":memory:",
            "cash": str(2 * int(DOLLARS) * case.lines),
            "holdings": {symbol: "100" for symbol, side, _ in traded if side == "sell"},
            "fill_delay_s": FILL_DELAY_S,
        }
    )


def begins_at(case: Case) -> float | None:
    """Say when to begin, so that a system has time to get ready."""
    if case.starts_at_s is None:
        return None
    ready = time.time() + _READY_S
    return ready + (case.starts_at_s - ready) % _MINUTE_S


def certified(folder: Path) -> ssl.SSLContext:
    """Make the server's side of TLS; its authority is written beside the well-known ones."""
    authority = trustme.CA()
    well_known = Path(certifi.where()).read_bytes()
    (folder / BUNDLE).write_bytes(well_known + authority.cert_pem.bytes())
    return served(authority, "localhost")


def seen(server: AlpacaServer, cpu_s: float) -> Seen:
    """Count what came."""
    found = server.orders()
    requests = tuple(server.requests)
    return Seen(
        orders=len(found),
        filled=len({order["symbol"] for order in found if order["status"] == "filled"}),
        requests=dict(Counter(request.kind for request in requests)),
        too_many=sum(request.status == _TOO_MANY for request in requests),
        connections=server.connections,
        cpu_s=cpu_s,
        timeline=timeline(server.requests),
    )


def timeline(requests: Sequence[reception.Seen]) -> list[tuple[str, int, int, int]]:
    """Say when which requests came; those of one kind that follow each other are told together."""
    told = []
    for kind, together in groupby(requests, key=lambda request: request.kind):
        at = [round((request.at_s - requests[0].at_s) * 1000) for request in together]
        told.append((kind, at[0], at[-1], len(at)))
    return told


def main() -> None:
    """Serve until the next line comes, then say what was seen."""
    case = Case.read(told())
    limit = case.requests_per_minute or _UNLIMITED
    tls = certified(Path(sys.argv[1])) if case.tls else None
    server = AlpacaServer(market(case), rtt_s=case.rtt_s, requests_per_minute=limit, tls=tls)
    # A pause for the collection of garbage would be a system's.
    gc.disable()
    with server:
        tell(
            Job(
                key=server.key, secret=server.secret, url=server.url, stream_url=server.stream_url,
                requests_per_minute=limit, orders=orders(case), begins_at=begins_at(case),
            )
        )  # fmt: skip
        before = time.process_time()
        told()
        tell(seen(server, time.process_time() - before))


if __name__ == "__main__":
    main()
