"""The reason code of each refusal."""

from __future__ import annotations

from typing import Final

from planfill.domain.errors import (
    AccountBlockedError,
    InsufficientFundsError,
    InsufficientQuantityError,
    MarketClosedError,
    NotAuthorizedError,
    NotFractionableError,
    NotTradableError,
    OrderConflict,
    OrderPlacementError,
    OrderRejected,
    OrderTooSmallError,
    PriceIncrementError,
    ShortSaleError,
    WashTradeError,
)
from planfill.domain.outcome import Reason

REASON_OF: Final[dict[type[OrderPlacementError], Reason]] = {
    OrderRejected: Reason.REJECTED,
    InsufficientFundsError: Reason.INSUFFICIENT_FUNDS,
    InsufficientQuantityError: Reason.INSUFFICIENT_QUANTITY,
    NotFractionableError: Reason.NOT_FRACTIONABLE,
    NotTradableError: Reason.NOT_TRADABLE,
    MarketClosedError: Reason.MARKET_CLOSED,
    OrderTooSmallError: Reason.TOO_SMALL,
    PriceIncrementError: Reason.PRICE_INCREMENT,
    WashTradeError: Reason.WASH_TRADE,
    ShortSaleError: Reason.SHORT_SALE,
    AccountBlockedError: Reason.ACCOUNT_BLOCKED,
    NotAuthorizedError: Reason.NOT_AUTHORIZED,
    OrderConflict: Reason.ORDER_CONFLICT,
}

# What was said of one order holds for all: nothing more is sent.
OF_THE_ACCOUNT: Final = frozenset({Reason.ACCOUNT_BLOCKED, Reason.NOT_AUTHORIZED})


def reason_of(error: OrderPlacementError) -> Reason:
    """Give the reason code of a refusal, or that of the nearest kind of refusal above it."""
    known = (REASON_OF.get(kind) for kind in type(error).__mro__)
    return next((reason for reason in known if reason is not None), Reason.REJECTED)
