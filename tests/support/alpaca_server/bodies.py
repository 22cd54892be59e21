"""Alpaca's JSON, key by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from alpaca_server.moments import NEW_YORK, stamp
from planfill.domain.numerals import plain
from planfill.domain.order import OrderType, Side
from planfill.domain.report import OrderStatus

if TYPE_CHECKING:
    from planfill.adapters.brokers.mock.ticket import Ticket, Trade

_NAMES: Final = UUID("5f0c3f52-6a6c-4c57-9f0e-3a1f5a7f0d11")
_CENT: Final = Decimal("0.01")
_STATUS: Final = {
    OrderStatus.NEW: "new", OrderStatus.PARTIALLY_FILLED: "partially_filled", OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "canceled", OrderStatus.EXPIRED: "expired", OrderStatus.REJECTED: "rejected",
}  # fmt: skip
UNFILLED: Final = {"filled_qty": "0", "filled_avg_price": None, "filled_at": None}
PRICE_DIGITS: Final = Decimal("0.000000001")


@dataclass(slots=True)
class Paper:
    """What Alpaca keeps of an order beside what the exchange has."""

    id: str
    created_at: datetime
    submitted_at: datetime
    expires_at: datetime
    time_in_force: str = "day"
    extended_hours: bool = False
    visible_at: datetime | None = None
    cancel_due: datetime | None = None
    fills_first: bool = False
    # Until the market opens; what was routed once is not accepted a second time.
    waits: bool = False
    routed: bool = True
    replaced_by: str | None = None
    replaces: str | None = None

    def submitted(self, now: datetime) -> datetime:
        """When it was submitted, as far as is known now: it is stamped anew when it is routed."""
        return self.submitted_at if now >= self.submitted_at else self.created_at


@lru_cache(maxsize=10_000)
def named(kind: str, what: str) -> str:
    """Give a stable id."""
    return str(uuid5(_NAMES, f"{kind}/{what}"))


def status_of(ticket: Ticket, paper: Paper, now: datetime) -> str:
    """Give the status that is shown."""
    if paper.replaced_by and not ticket.is_open and ticket.status is not OrderStatus.FILLED:
        return "replaced"
    if paper.cancel_due is not None and ticket.is_open and now < paper.cancel_due:
        return "pending_cancel"
    if ticket.is_open and not paper.routed:
        return "accepted"
    return _STATUS[ticket.status]


def order(ticket: Ticket, paper: Paper, now: datetime) -> dict[str, Any]:
    """Write an order: all its 36 keys."""
    terms, status = ticket.order, status_of(ticket, paper, now)
    average = ticket.average()
    changed = stamp(ticket.changed_at)
    kind = "market" if terms.order_type is OrderType.MARKET else "limit"
    intent = "buy_to_open" if terms.side is Side.BUY else "sell_to_close"
    return {
        "asset_class": "us_equity",
        "asset_id": named("asset", terms.symbol),
        "canceled_at": changed if status == "canceled" else None,
        "client_order_id": terms.client_order_id,
        "created_at": stamp(paper.created_at),
        "expired_at": changed if status == "expired" else None,
        "expires_at": _whole_second(paper.expires_at),
        "extended_hours": paper.extended_hours,
        "failed_at": changed if status == "rejected" else None,
        "filled_at": changed if status == "filled" else None,
        "filled_avg_price": plain(average.quantize(PRICE_DIGITS)) if average is not None else None,
        "filled_qty": plain(ticket.filled),
        "hwm": None,
        "id": paper.id,
        "legs": None,
        "limit_price": plain(terms.limit_price) if terms.limit_price is not None else None,
        "notional": plain(terms.notional) if terms.notional is not None else None,
        "order_class": "",
        "order_type": kind,
        "position_intent": intent,
        "qty": plain(terms.quantity) if terms.quantity is not None else None,
        "replaced_at": changed if paper.replaced_by else None,
        "replaced_by": paper.replaced_by,
        "replaces": paper.replaces,
        "side": terms.side.lower(),
        "source": None,
        "status": status,
        "stop_price": None,
        # What has ended is not stamped any more.
        "submitted_at": stamp(paper.submitted(now if ticket.is_open else ticket.changed_at)),
        "subtag": None,
        "symbol": terms.symbol,
        "time_in_force": paper.time_in_force,
        "trail_percent": None,
        "trail_price": None,
        "type": kind,
        "updated_at": changed,
    }


def accepted(ticket: Ticket, paper: Paper, now: datetime) -> dict[str, Any]:
    """Write the answer to a new order: whatever becomes of it, it is pending first, or waits for the open."""
    body = order(ticket, paper, now)
    return body | {
        **UNFILLED, "status": "pending_new" if paper.routed else "accepted",
        "submitted_at": stamp(paper.created_at), "updated_at": stamp(paper.created_at),
    }  # fmt: skip


def account(
    number: str, cash: Decimal, free: Decimal, settled: Decimal, equity: Decimal, *, blocked: bool
) -> dict[str, Any]:
    """Write the account, without the fields that Alpaca has removed."""
    dollars, spare = money(cash), money(free)
    return {
        "account_blocked": blocked, "account_number": number, "accrued_fees": "0",
        "admin_configurations": {}, "balance_asof": "2026-10-30", "buying_power": spare, "cash": dollars,
        "created_at": "2026-09-01T03:00:00.1Z", "crypto_status": "ACTIVE", "crypto_tier": 1,
        "currency": "USD", "effective_buying_power": spare, "equity": money(equity),
        "id": named("account", number), "initial_margin": "0", "intraday_adjustments": "0",
        "last_equity": money(equity), "last_maintenance_margin": "0",
        "long_market_value": money(equity - cash), "maintenance_margin": "0", "multiplier": "1",
        "non_marginable_buying_power": money(settled), "options_approved_level": 0,
        "options_buying_power": "0", "options_trading_level": 0, "pending_reg_taf_fees": "0",
        "portfolio_value": money(equity), "position_market_value": money(equity - cash),
        "regt_buying_power": spare, "short_market_value": "0", "shorting_enabled": False, "sma": "0",
        "status": "ACTIVE", "trade_suspended_by_user": False, "trading_blocked": blocked,
        "transfers_blocked": False, "user_configurations": None,
    }  # fmt: skip


def position(symbol: str, held: Decimal, free: Decimal, price: Decimal) -> dict[str, Any]:
    """Write a position."""
    value = plain(held * price)
    return {
        "asset_class": "us_equity", "asset_id": named("asset", symbol), "asset_marginable": True,
        "avg_entry_price": plain(price), "change_today": "0", "cost_basis": value,
        "current_price": plain(price), "exchange": "ARCA", "lastday_price": plain(price),
        "market_value": value, "qty": plain(held), "qty_available": plain(free), "side": "long",
        "symbol": symbol, "unrealized_intraday_pl": "0", "unrealized_intraday_plpc": "0",
        "unrealized_pl": "0", "unrealized_plpc": "0",
    }  # fmt: skip


def asset(symbol: str, *, tradable: bool, fractionable: bool) -> dict[str, Any]:
    """Write an asset."""
    return {
        "attributes": ["fractional_eh_enabled", "has_options"] if fractionable else ["has_options"],
        "borrow_status": "easy_to_borrow", "class": "us_equity", "easy_to_borrow": True, "exchange": "ARCA",
        "fractionable": fractionable, "id": named("asset", symbol), "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30", "margin_requirement_short": "30", "marginable": True,
        "name": f"{symbol} Example", "shortable": True, "status": "active", "symbol": symbol,
        "tradable": tradable,
    }  # fmt: skip


def fill(trade: Trade, ticket: Ticket, paper: Paper, cumulated: Decimal) -> dict[str, Any]:
    """Write a fill as an activity; its id begins with New York's time, so that activities sort by it."""
    whole = ticket.order.quantity
    left = whole - cumulated if whole is not None else Decimal(0)
    there = trade.filled_at.astimezone(NEW_YORK)
    milliseconds = there.microsecond // 1000
    return {
        "activity_type": "FILL", "cum_qty": plain(cumulated),
        "id": f"{there:%Y%m%d%H%M%S}{milliseconds:03}::{named('fill', paper.id + trade.fill_id)}",
        "leaves_qty": plain(max(left, Decimal(0))), "order_id": paper.id,
        "order_status": "partially_filled" if left > 0 else "filled", "price": plain(trade.price),
        "qty": plain(trade.quantity), "side": trade.side.lower(), "symbol": trade.symbol,
        "transaction_time": stamp(trade.filled_at),
        "type": "partial_fill" if left > 0 else "fill",
    }  # fmt: skip


@lru_cache
def _whole_second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def money(amount: Decimal) -> str:
    """Write dollars, to the cent."""
    return plain(amount.quantize(_CENT, ROUND_FLOOR))
