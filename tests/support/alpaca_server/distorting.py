"""Orders, quotes and the clock, shown otherwise than they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from alpaca_server.faults import Fault
from alpaca_server.moments import at_the_exchange, stamp

FUTURE_STATUS: Final = "held_by_aliens"
_UNFILLED: Final = {"filled_qty": "0", "filled_avg_price": None, "filled_at": None}
_ORDERS: Final[Mapping[Fault, dict[str, Any]]] = {
    Fault.NO_ID: {"id": None},
    Fault.MISSING_ID: {},
    Fault.FUTURE_STATUS: {"status": FUTURE_STATUS},
    Fault.FILLED_BEFORE_ANSWER: {**_UNFILLED, "status": "new"},
    Fault.LATE_FILL: _UNFILLED,
    Fault.UNPRICED: {"filled_avg_price": None},
}
_OLD: Final = timedelta(hours=1)
_AHEAD: Final = timedelta(seconds=90)


def distorted(body: bytes, fault: Fault | None) -> bytes:
    """Show an order or a list of them, quotes or the clock, otherwise than they are."""
    if fault is None or not body.startswith((b"{", b"[")):
        return body
    told = json.loads(body)
    if fault in _ORDERS:
        shown: Any = (
            [one | _ORDERS[fault] for one in told] if isinstance(told, list) else told | _ORDERS[fault]
        )
        if fault is Fault.MISSING_ID:
            del shown["id"]
    elif fault is Fault.CLOCK_DRIFTS:
        ahead = datetime.fromisoformat(told["timestamp"]) + _AHEAD
        shown = told | {"timestamp": at_the_exchange(ahead)}
    elif fault is Fault.NULL_QUOTES:
        shown = {"quotes": None}
    elif fault is Fault.NO_QUOTES:
        shown = {"quotes": {}}
    elif fault in _QUOTES:
        shown = {
            "quotes": {symbol: quote | _QUOTES[fault](quote) for symbol, quote in told["quotes"].items()}
        }
    else:
        return body
    return json.dumps(shown, sort_keys=True).encode()


def _stale(quote: Mapping[str, Any]) -> dict[str, Any]:
    return {"t": stamp(datetime.fromisoformat(quote["t"]) - _OLD)}


_QUOTES: Final[Mapping[Fault, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    Fault.ZERO_QUOTES: lambda _: {"ap": 0, "as": 0},
    Fault.STALE_QUOTES: _stale,
    Fault.CROSSED_QUOTES: lambda quote: {"ap": quote["bp"], "bp": quote["ap"]},
}
