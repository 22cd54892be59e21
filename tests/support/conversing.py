"""Orders and conversations with the local gateway, through ib_async."""

from __future__ import annotations

from typing import Any

from ib_async import IB, Contract, Order, StartupFetchNONE, Stock, Trade
from ib_gateway import IbGateway


async def connected(gateway: IbGateway, client_id: int = 7) -> IB:
    """Connect a client, which asks for its positions and for nothing else."""
    ib = IB()
    ib.RaiseRequestErrors = True
    await ib.connectAsync(
        "127.0.0.1", gateway.port, clientId=client_id, timeout=2, fetchFields=StartupFetchNONE
    )
    return ib


def a_stock(symbol: str = "SPY", **terms: Any) -> Contract:
    """Name a stock as IB does."""
    return Stock(symbol, "SMART", "USD", **terms)


def a_buy(shares: Any, *, limit: float | None = None, ref: str = "", **terms: Any) -> Order:
    """Build an order of so many shares, at the market or a limit."""
    kind: dict[str, Any] = {"orderType": "MKT"}
    if limit is not None:
        kind = {"orderType": "LMT", "lmtPrice": limit}
    return Order(**{"action": "BUY", "totalQuantity": shares, "tif": "DAY", "orderRef": ref, **kind, **terms})


async def placed(ib: IB, order: Order, symbol: str = "SPY") -> Trade:
    """Place an order, and hear what becomes of it at once."""
    trade = ib.placeOrder(a_stock(symbol), order)
    await heard(ib)
    return trade


async def heard(ib: IB) -> None:
    """Hear all that was told so far: messages keep their order, and an answer comes after them."""
    await ib.reqCurrentTimeAsync()


def raw(ib: IB) -> Any:
    """Give what sends single messages, which has no types."""
    return ib.client
