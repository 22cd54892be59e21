"""The local Alpaca shows account, positions, assets, hours, fills and prices as Alpaca does."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import (
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetStatus
from alpaca.trading.requests import ClosePositionRequest, GetAssetsRequest, GetCalendarRequest
from alpaca_server import AlpacaServer, Fault
from alpaca_server.moments import at_the_exchange
from sdk_orders import bid, buy, refused, sell

from planfill.domain.values import Quantity

ACCOUNT: Final = [
    "account_blocked", "account_number", "accrued_fees", "admin_configurations", "balance_asof",
    "buying_power", "cash", "created_at", "crypto_status", "crypto_tier", "currency",
    "effective_buying_power", "equity", "id", "initial_margin", "intraday_adjustments", "last_equity",
    "last_maintenance_margin", "long_market_value", "maintenance_margin", "multiplier",
    "non_marginable_buying_power", "options_approved_level", "options_buying_power",
    "options_trading_level", "pending_reg_taf_fees", "portfolio_value", "position_market_value",
    "regt_buying_power", "short_market_value", "shorting_enabled", "sma", "status",
    "trade_suspended_by_user", "trading_blocked", "transfers_blocked", "user_configurations",
]  # fmt: skip
POSITION: Final = [
    "asset_class", "asset_id", "asset_marginable", "avg_entry_price", "change_today", "cost_basis",
    "current_price", "exchange", "lastday_price", "market_value", "qty", "qty_available", "side",
    "symbol", "unrealized_intraday_pl", "unrealized_intraday_plpc", "unrealized_pl", "unrealized_plpc",
]  # fmt: skip


def test_the_account_has_what_alpaca_shows_and_not_what_it_has_removed(client: TradingClient) -> None:
    answer: Any = client.get("/account")
    assert list(answer) == ACCOUNT
    assert answer["cash"] == "100000"
    account: Any = client.get_account()
    assert account.pattern_day_trader is None
    assert account.daytrade_count is None


def test_open_buys_reserve_buying_power_and_sales_free_it_when_they_fill(
    server: AlpacaServer, client: TradingClient
) -> None:
    def power() -> str:
        account: Any = client.get_account()
        return str(account.buying_power)

    order = bid(client, limit=100, qty=10)
    assert power() == "99000"
    client.cancel_order_by_id(order.id)
    assert power() == "100000"
    server.hold_fills()
    sell(client, "MSFT", qty=2)
    assert power() == "100000"
    server.let_fill("MSFT")
    assert float(power()) > 100_400


def test_a_position_shows_what_orders_leave_of_it(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    sell(client, "MSFT", qty=2)
    (position,) = client.get("/positions")
    assert list(position) == POSITION
    one: Any = client.get_open_position("MSFT")
    assert (one.qty, one.qty_available, one.current_price) == ("7.5", "5.5", "235.77")
    assert client.get_open_position(one.asset_id) == one
    assert refused(lambda: client.get_open_position("KO")) == (
        404,
        {"code": 40410000, "message": "position does not exist"},
    )


def test_a_position_is_closed_whole_or_in_part(client: TradingClient) -> None:
    part: Any = client.close_position("MSFT", ClosePositionRequest(qty="1.5"))
    assert (part.qty, part.side.value, part.type.value) == ("1.5", "sell", "market")
    share: Any = client.close_position("MSFT", ClosePositionRequest(percentage="50"))
    assert share.qty == "3"
    rest: Any = client.close_position("MSFT")
    assert rest.qty == "3"
    assert client.get_all_positions() == []


def test_all_positions_are_closed_with_a_status_each(server: AlpacaServer, client: TradingClient) -> None:
    buy(client, "KO", qty=2)
    server.hold_fills()
    held = sell(client, "MSFT", qty=7)
    told: Any = client.delete("/positions")
    done = {one["symbol"]: (one["status"], one["body"]) for one in told}
    assert [seen.status for seen in server.requests if seen.kind == "close"] == [207]
    assert done["KO"][0] == 200
    assert done["KO"][1]["qty"] == "2"
    assert done["MSFT"][0] == 403
    assert done["MSFT"][1]["related_orders"] == [str(held.id)]
    again: Any = client.close_all_positions(cancel_orders=True)
    assert {one.symbol: one.status for one in again} == {"KO": 200, "MSFT": 200}


def test_assets_say_how_they_trade(client: TradingClient) -> None:
    every: Any = client.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE))
    found = {asset.symbol: asset for asset in every}
    assert {"SPY", "MSFT", "NVR"} < set(found)
    assert (found["SPY"].fractionable, found["NVR"].fractionable) == (True, False)
    assert "fractional_eh_enabled" not in found["NVR"].attributes
    assert (found["SPY"].tradable, found["LEHMQ"].tradable) == (True, False)
    assert isinstance(found["SPY"].id, UUID)
    assert client.get_all_assets(GetAssetsRequest(status=AssetStatus.INACTIVE)) == []
    assert client.get_asset("SPY") == client.get_asset(found["SPY"].id) == found["SPY"]
    assert refused(lambda: client.get_asset("NOSUCH"))[1] == {
        "code": 40410000,
        "message": "asset not found for NOSUCH",
    }


def test_the_clock_is_new_yorks(server: AlpacaServer, client: TradingClient) -> None:
    told: Any = client.get("/clock")
    assert told["is_open"] is True
    for name in ("timestamp", "next_open", "next_close"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}-0[45]:00", told[name])
    server.close_market()
    clock: Any = client.get_clock()
    assert clock.is_open is False
    assert abs((clock.timestamp - server.market.clock.now()).total_seconds()) < 5


def test_summer_and_winter_differ_in_new_york() -> None:
    zone = ZoneInfo("UTC")
    assert at_the_exchange(datetime(2026, 7, 1, 13, 30, tzinfo=zone)) == "2026-07-01T09:30:00.000000100-04:00"
    assert (
        at_the_exchange(datetime(2026, 12, 1, 14, 30, tzinfo=zone)) == "2026-12-01T09:30:00.000000100-05:00"
    )


def test_the_calendar_has_the_days_asked_for(client: TradingClient) -> None:
    days: Any = client.get_calendar(GetCalendarRequest(start=date(2026, 10, 29), end=date(2026, 11, 3)))
    assert [str(day.date) for day in days] == ["2026-10-29", "2026-10-30", "2026-11-02", "2026-11-03"]
    # The SDK's times have no zone.
    assert days[0].open == datetime(2026, 10, 29, 9, 30)  # noqa: DTZ001
    (friday,) = client.get("/calendar", {"start": "2026-10-30", "end": "2026-10-30"})
    assert friday["settlement_date"] == "2026-11-02"
    assert len(client.get("/calendar")) <= 1


def test_fills_are_activities_page_by_page(server: AlpacaServer, client: TradingClient) -> None:
    server.hold_fills()
    order = bid(client, limit=400, qty=5)
    for _ in range(2):
        server.let_fill("SPY", Quantity(Decimal(2)))
    server.let_fill("SPY")
    path, oldest_first = "/account/activities/FILL", {"direction": "asc", "page_size": "2"}
    first: Any = client.get(path, oldest_first)
    second: Any = client.get(path, oldest_first | {"page_token": first[-1]["id"]})
    third: Any = client.get(path, oldest_first | {"page_token": second[-1]["id"]})
    fills = first + second
    assert ([len(first), len(second)], third) == ([2, 1], [])
    assert [(f["qty"], f["cum_qty"], f["leaves_qty"], f["type"], f["order_status"]) for f in fills] == [
        ("2", "2", "3", "partial_fill", "partially_filled"),
        ("2", "4", "1", "partial_fill", "partially_filled"),
        ("1", "5", "0", "fill", "filled"),
    ]
    assert {(f["activity_type"], f["order_id"], f["side"], f["symbol"]) for f in fills} == {
        ("FILL", str(order.id), "buy", "SPY")
    }
    newest_first: Any = client.get(path)
    assert newest_first == fills[::-1]
    there = datetime.fromisoformat(fills[0]["transaction_time"]).astimezone(ZoneInfo("America/New_York"))
    stamp, _, rest = fills[0]["id"].partition("::")
    assert stamp == f"{there:%Y%m%d%H%M%S}{there.microsecond // 1000:03}"
    assert str(UUID(rest)) == rest
    assert client.get("/account/activities", {"activity_types": "FILL"}) == newest_first
    assert client.get("/account/activities", {"activity_types": "DIV"}) == []
    since: Any = client.get(path, {"after": fills[0]["transaction_time"], "direction": "asc"})
    assert since == fills[1:]


def test_quotes_leave_out_what_they_do_not_know_and_0_is_no_price(data: StockHistoricalDataClient) -> None:
    quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["SPY", "ZERO", "NOSUCH"]))
    assert set(quotes) == {"SPY", "ZERO"}
    assert 0 < quotes["SPY"].bid_price <= quotes["SPY"].ask_price
    assert (quotes["ZERO"].bid_price, quotes["ZERO"].ask_price) == (0, 0)
    raw: Any = data.get("/stocks/quotes/latest", {"symbols": "SPY"})
    assert sorted(raw["quotes"]["SPY"]) == ["ap", "as", "ax", "bp", "bs", "bx", "c", "t", "z"]


def test_trades_and_snapshots_are_the_last_ones(data: StockHistoricalDataClient) -> None:
    trades = data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=["SPY", "NOSUCH"]))
    assert set(trades) == {"SPY"}
    assert trades["SPY"].price == 396.33
    shots: Any = data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["SPY", "KO", "NOSUCH"]))
    assert set(shots) == {"SPY", "KO"}
    assert shots["KO"].latest_trade.price == 52.71
    assert shots["KO"].latest_quote.symbol == "KO"


def test_quotes_can_be_null(server: AlpacaServer, data: StockHistoricalDataClient) -> None:
    server.faults.once("quotes", Fault.NULL_QUOTES)
    assert data.get("/stocks/quotes/latest", {"symbols": "SPY"}) == {"quotes": None}
