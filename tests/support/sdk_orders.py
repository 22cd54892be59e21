"""Orders as the SDK writes them, with terms that any account could place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest


def buy(client: TradingClient, symbol: str = "SPY", **terms: Any) -> Order:
    """Buy at the market, one share where nothing else is said."""
    quantity = {} if "notional" in terms else {"qty": 1}
    return _submit(client, MarketOrderRequest, symbol, **({"side": OrderSide.BUY} | quantity | terms))


def sell(client: TradingClient, symbol: str, **terms: Any) -> Order:
    """Sell at the market, one share where nothing else is said."""
    return buy(client, symbol, **({"side": OrderSide.SELL} | terms))


def bid(client: TradingClient, symbol: str = "SPY", *, limit: float = 100, **terms: Any) -> Order:
    """Buy at a limit, far from the market where nothing else is said."""
    terms = {"side": OrderSide.BUY, "qty": 1, "limit_price": limit} | terms
    return _submit(client, LimitOrderRequest, symbol, **terms)


def refused(ask: Callable[[], object]) -> tuple[int, dict[str, Any]]:
    """Ask, and give status and body of the refusal."""
    with pytest.raises(APIError) as caught:
        ask()
    response = caught.value.response
    assert response is not None
    body = response.json()
    assert list(body) == sorted(body)
    return response.status_code, body


def _submit(client: TradingClient, kind: type[Any], symbol: str, **terms: Any) -> Order:
    terms = {"time_in_force": TimeInForce.DAY} | terms
    return cast("Order", client.submit_order(kind(symbol=symbol, **terms)))
