"""A gateway on this machine, and ib_async, unpatched, that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from conversing import connected
from ib_async import IB
from ib_gateway import IbGateway, Market

HELD = "MSFT"


@pytest.fixture
def market() -> Market:
    prices = {
        "SPY": "396.33", "QQQ": "319.13", "KO": "52.71", HELD: "235.77", "NVR": "4711.09", "LEHMQ": "30",
        "BRK.B": "250", "ZERO": 0, "MINUS": "-3", "WORDS": "n/a",
    }  # fmt: skip
    return Market(
        {
            "prices": prices, "book": ":memory:", "cash": "100000", "holdings": {HELD: "7"},
            "not_fractionable": ["NVR"], "not_tradable": ["LEHMQ"], "fee_usd_per_share": "0.005",
        }
    )  # fmt: skip


@pytest.fixture
def gateway(market: Market) -> Iterator[IbGateway]:
    with IbGateway(market) as gateway:
        yield gateway


@pytest.fixture
async def ib(gateway: IbGateway) -> AsyncIterator[IB]:
    ib = await connected(gateway)
    yield ib
    ib.disconnect()
