"""Alpaca's refusals as they were seen, and the error that each of them is."""

from __future__ import annotations

from planfill.adapters.brokers.alpaca.outcomes import DuplicateOrderId
from planfill.domain import errors as err

# What Alpaca was seen to answer to an order: status, code, text, and what it is.
ANSWERS: list[tuple[int, int, str, type[err.ExecutionError]]] = [
    (422, 40010001, "client_order_id must be unique", DuplicateOrderId),
    (403, 40310000, "insufficient buying power", err.InsufficientFundsError),
    (403, 40310000, "insufficient day trading buying power", err.InsufficientFundsError),
    (
        403, 40310000, "insufficient qty available for order (requested: 1.05, available: 0.55)",
        err.InsufficientQuantityError,
    ),
    (403, 40310000, 'asset "OCGN" is not fractionable', err.NotFractionableError),
    (403, 40310000, "potential wash trade detected. use complex orders", err.WashTradeError),
    (422, 42210000, "potential wash trade detected. use complex orders", err.WashTradeError),
    (403, 40310000, "cost basis must be >= minimal amount of order 1", err.OrderTooSmallError),
    (403, 40310000, "account is not allowed to short", err.ShortSaleError),
    (403, 40310000, "cannot open a long buy while a short sell order is open", err.WashTradeError),
    (403, 40310000, "account is not authorized to trade", err.AccountBlockedError),
    (403, 40310000, "account is restricted to liquidation only", err.AccountBlockedError),
    (403, 40310000, "new orders are rejected by user request", err.AccountBlockedError),
    (403, 40310000, "fractional trading is disabled for this account", err.AccountBlockedError),
    (403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am", err.MarketClosedError),
    (403, 40310000, "cls orders must be submitted after 7:00pm and before 3:55pm", err.MarketClosedError),
    (
        403, 40310000, "unable to open new notional orders while having open closing position orders",
        err.ShortSaleError,
    ),
    (403, 40310100, "trade denied due to pattern day trading protection", err.AccountBlockedError),
    (422, 40010001, "qty must be > 0", err.OrderTooSmallError),
    (422, 40010001, "limit price must be > 0", err.OrderRejected),
    (422, 40010001, "limit orders require a limit price", err.OrderRejected),
    (422, 40010001, "stop orders require a stop price", err.OrderRejected),
    (422, 40010001, "stop limit orders require both stop and limit price", err.OrderRejected),
    (422, 40010001, "market orders require no stop or limit price", err.OrderRejected),
    (422, 40010001, "only one of qty or notional is accepted", err.OrderRejected),
    (422, 40010001, "qty or notional is required", err.OrderRejected),
    (422, 40010001, "invalid order type", err.OrderRejected),
    (422, 40010001, "invalid time_in_force", err.OrderRejected),
    (422, 40010001, "invalid side", err.OrderRejected),
    (422, 40010001, "client_order_id must be no more than 128 characters", err.OrderRejected),
    (422, 40010001, "asset XXX is not active", err.NotTradableError),
    (422, 40010001, "unable to replace order, order isn't sent to exchange yet", err.OrderRejected),
    (422, 42210000, 'asset "XXX" not found', err.NotTradableError),
    (
        422, 42210000,
        "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria",
        err.PriceIncrementError,
    ),
    (422, 42210000, "notional value must be limited to 2 decimal places", err.PriceIncrementError),
    (422, 40010001, "notional must be >= 1.00", err.OrderTooSmallError),
    (422, 42210000, "notional must be >= 1.00", err.OrderTooSmallError),
    (422, 42210000, "fractional orders must be DAY orders", err.OrderRejected),
    (422, 42210000, "fractional orders must be simple orders", err.OrderRejected),
    (422, 42210000, "fractional orders cannot be sold short", err.ShortSaleError),
    (422, 42210000, "extended hours order must be DAY or GTC limit orders", err.MarketClosedError),
    (422, 42210000, "extended hours order must be DAY limit orders", err.MarketClosedError),
    (422, 42210000, "position intent mismatch, inferred: X, specified: Y", err.OrderRejected),
    (404, 40410000, "symbol not found: XXX", err.NotTradableError),
    (401, 40110000, "request is not authorized", err.NotAuthorizedError),
    (400, 40010000, "both qty and notional", err.OrderRejected),
    (429, 42910000, "rate limit exceeded", err.RateLimited),
]  # fmt: skip
