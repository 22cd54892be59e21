"""The local Alpaca's answers are those that Alpaca's own OpenAPI documents describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from alpaca_server import AlpacaServer
from jsonschema import Draft202012Validator, ValidationError
from sdk_orders import bid, buy, sell

ROOT: Final = Path(__file__).resolve().parents[2]
# Beside the repository, or one folder further out.
PLACES: Final = tuple(up / "shared/reference/alpaca-openapi" for up in (ROOT.parent, ROOT.parent.parent))
# Recorded answers have these, and the documents do not.
UNLISTED: Final = {
    "Order": {"source", "subtag"},
    "Account": {
        "admin_configurations", "crypto_tier", "effective_buying_power", "position_market_value",
        "user_configurations",
    },
}  # fmt: skip
# The documents still have these, and Alpaca removed them on 2026-07-06.
REMOVED: Final = {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"}


class Documents:
    """The schemas by name, read as JSON Schema."""

    def __init__(self, folder: Path) -> None:
        self.schemas: dict[str, Any] = {}
        for name in ("trading-api.json", "market-data-api.json"):
            told = json.loads((folder / name).read_text(encoding="utf-8"))
            self.schemas |= _nullable(told["components"]["schemas"])

    def check(self, name: str, body: object) -> None:
        """Fail where a body is not what the schema says, or has keys that nobody knows of."""
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": self.schemas}}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(body)
        if "properties" in self.schemas[name]:
            assert isinstance(body, dict)
            assert set(body) - set(self.schemas[name]["properties"]) == UNLISTED.get(name, set())


def _nullable(schema: Any) -> Any:
    """Say in JSON Schema's way that something may be null, which OpenAPI 3.0 has its own word for."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    read = {name: _nullable(value) for name, value in schema.items()}
    if read.get("nullable") is True and isinstance(read.get("type"), str):
        read["type"] = [read["type"], "null"]
    return read


@pytest.fixture(scope="module")
def documents() -> Documents:
    for folder in PLACES:
        if folder.is_dir():
            return Documents(folder)
    pytest.skip("shared reference absent: no alpaca-openapi beside the repository")


def test_orders_in_every_state_are_documented(documents: Documents, client: TradingClient) -> None:
    buy(client)
    buy(client, notional=25)
    resting = bid(client)
    client.cancel_order_by_id(bid(client, "KO", limit=10).id)
    client.patch(f"/orders/{resting.id}", {"limit_price": "101"})
    terms = {"symbol": "QQQ", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1.5"}
    documents.check("Order", client.post("/orders", terms))
    every: Any = client.get("/orders", {"status": "all"})
    assert {order["status"] for order in every} == {"filled", "new", "canceled", "replaced"}
    for order in every:
        documents.check("Order", order)


def test_account_positions_and_assets_are_documented(documents: Documents, client: TradingClient) -> None:
    account: Any = client.get("/account")
    documents.check("Account", account)
    assert not REMOVED & set(account)
    assert set(documents.schemas["Account"]["properties"]) >= REMOVED
    for path, name in (("/positions", "Position"), ("/assets", "Assets")):
        listed: Any = client.get(path)
        assert listed
        for one in listed:
            documents.check(name, one)


def test_lists_of_many_answers_are_documented(
    documents: Documents, server: AlpacaServer, client: TradingClient
) -> None:
    bid(client)
    canceled: Any = client.delete("/orders")
    buy(client, "KO")
    server.hold_fills()
    sell(client, "MSFT")
    closed: Any = client.delete("/positions")
    for one in canceled:
        documents.check("CanceledOrderResponse", one)
    assert {one["status"] for one in closed} == {200, 403}
    for one in closed:
        # The document has no body for what failed.
        documents.check("PositionClosedReponse", one if one["status"] == 200 else one | {"body": {
            "notional": None, "type": "market", "time_in_force": "day"}})  # fmt: skip


def test_hours_and_fills_are_documented(
    documents: Documents, server: AlpacaServer, client: TradingClient
) -> None:
    server.hold_fills()
    bid(client, limit=400, qty=5)
    server.let_fill("SPY")
    documents.check("legacy_clock", client.get("/clock"))
    days: Any = client.get("/calendar", {"start": "2026-10-29", "end": "2026-11-03"})
    fills: Any = client.get("/account/activities/FILL")
    assert days
    assert fills
    for name, listed in (("legacy_calendar_day", days), ("TradingActivities", fills)):
        for one in listed:
            documents.check(name, one)


def test_prices_are_documented(documents: Documents, data: StockHistoricalDataClient) -> None:
    symbols = {"symbols": "SPY,KO,ZERO,NOSUCH"}
    documents.check("stock_latest_quotes_resp", data.get("/stocks/quotes/latest", symbols))
    documents.check("stock_latest_trades_resp", data.get("/stocks/trades/latest", symbols))
    shots: Any = data.get("/stocks/snapshots", symbols)
    documents.check("stock_snapshots_resp", shots)
    assert set(shots) == {"SPY", "KO", "ZERO"}


@pytest.mark.parametrize(
    "change",
    [{"qty": 1}, {"status": "odd"}, {"id": "7"}, {"filled_qty": None}, {"type": None}, {"unheard_of": 1}],
    ids=str,
)
def test_what_is_not_documented_would_be_noticed(
    documents: Documents, client: TradingClient, change: dict[str, object]
) -> None:
    order: Any = client.get(f"/orders/{buy(client).id}")
    documents.check("Order", order)
    with pytest.raises((AssertionError, ValidationError)):
        documents.check("Order", order | change)
