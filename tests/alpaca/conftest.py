"""A local Alpaca, and the real SDK, unpatched, that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer, Market

HELD = "MSFT"


@pytest.fixture
def in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledger and log are written where a test runs."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def market() -> Market:
    prices = {
        "SPY": "396.33", "QQQ": "319.13", "KO": "52.71", HELD: "235.77", "NVR": "4711.09", "LEHMQ": "30",
        "CENTS": "0.58", "ZERO": 0,
    }  # fmt: skip
    return Market(
        {
            "prices": prices, "book": ":memory:", "cash": "100000", "holdings": {HELD: "7.5"},
            "not_fractionable": ["NVR"], "not_tradable": ["LEHMQ"],
        }
    )  # fmt: skip


@pytest.fixture
def server(market: Market) -> Iterator[AlpacaServer]:
    with AlpacaServer(market) as server:
        yield server


@pytest.fixture
def client(server: AlpacaServer) -> Iterator[TradingClient]:
    client = TradingClient(server.key, server.secret, url_override=server.url)
    yield client
    client._session.close()


@pytest.fixture
def data(server: AlpacaServer) -> Iterator[StockHistoricalDataClient]:
    client = StockHistoricalDataClient(server.key, server.secret, url_override=server.url)
    yield client
    client._session.close()
