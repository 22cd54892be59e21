"""
What IB's words mean: the states of orders, and the numbers of its messages.

The messages are `documented <https://www.interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/>`_; which of
them mean no is in the table below. What nobody recognises proves nothing: an order of which only that was
said is in doubt, and is looked for.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from planfill.domain import errors as err
from planfill.domain.report import OrderStatus

# Inactive is an order that IB holds back, or has refused: while it is listed as open, it may yet work.
STATUSES: Final[dict[str, OrderStatus]] = {
    "ApiPending": OrderStatus.PENDING_NEW,
    "PendingSubmit": OrderStatus.PENDING_NEW,
    "PreSubmitted": OrderStatus.NEW,
    "Submitted": OrderStatus.NEW,
    "PendingCancel": OrderStatus.PENDING_CANCEL,
    "ApiCancelled": OrderStatus.CANCELED,
    "Cancelled": OrderStatus.CANCELED,
    "Filled": OrderStatus.FILLED,
    "Inactive": OrderStatus.SUSPENDED,
}
# IB has the order, and nobody has confirmed it yet: what comes next may be a refusal.
UNCONFIRMED: Final = frozenset({"", "ApiPending", "PendingSubmit"})
# How a refused order stands, before or after the message that tells why. Inactive is also one that waits in
# TWS for a person to let it go: only a message that certainly means no makes it a refusal.
CANCELED_ALREADY: Final = frozenset({"Cancelled", "ApiCancelled"})
MAY_BE_REFUSED: Final = CANCELED_ALREADY | {"Inactive"}

CANCELED: Final = 202
# After these an order that was to be canceled is done, being canceled, or unknown: only a report tells.
NOT_CANCELABLE: Final = frozenset({CANCELED, 161, 10147, 10148})
# The gateway's own way to IB: broken, and there again.
CUT_OFF: Final = frozenset({1100, 2110})
RESTORED: Final = frozenset({1101, 1102})
CLIENT_ID_IN_USE: Final = 326
_READ_ONLY: Final = r"(?i)read-?only"
# Said about an order that is taken: that it waits for the open, or for shares; that a preset of TWS fits.
_WARNINGS: Final = frozenset({399, 404, 10349})
_MORE_WARNINGS: Final = range(2100, 2200)


class Refusal(NamedTuple):
    """A message about an order by its number, a part of its text, and the error that it is."""

    code: int
    text: str
    error: type[err.ExecutionError]


# The first row that fits counts.
REFUSALS: Final = (
    # Of these the order was not taken, and may be sent again: under a new number, slower, later.
    Refusal(103, r"", err.BrokerUnavailable),
    Refusal(100, r"", err.RateLimited),
    Refusal(504, r"", err.BrokerUnavailable),
    Refusal(321, _READ_ONLY, err.NotAuthorizedError),
    Refusal(110, r"", err.PriceIncrementError),
    Refusal(10243, r"", err.NotFractionableError),
    Refusal(200, r"", err.NotTradableError),
    Refusal(203, r"", err.NotTradableError),
    Refusal(412, r"", err.NotTradableError),
    Refusal(460, r"", err.NotTradableError),
    Refusal(388, r"", err.OrderTooSmallError),
    Refusal(434, r"", err.OrderTooSmallError),
    Refusal(
        201,
        r"(?i)insufficient|available funds|equity with loan|settled cash|buying power|exceeds .*(cash|funds)",
        err.InsufficientFundsError,
    ),
    Refusal(201, r"(?i)\bshort\b|shortable", err.ShortSaleError),
    Refusal(201, r"(?i)(exchange|market) is closed", err.MarketClosedError),
    Refusal(201, r"(?i)pattern day trad|account .*(closed|blocked|restricted)", err.AccountBlockedError),
    Refusal(201, r"(?i)trading permission|not available for trading|not tradable", err.NotTradableError),
    Refusal(201, r"(?i)price variation", err.PriceIncrementError),
    *(
        Refusal(code, r"", err.OrderRejected)
        for code in (113, 116, 133, 201, 321, 355, 387, 435, 436, 10052, 10244, 10268)
    ),
)


def refused(code: int, text: str) -> err.ExecutionError | None:
    """Give the error of a message that certainly means no to an order; None where it may mean anything."""
    for row in REFUSALS:
        if row.code == code and re.search(row.text, text):
            return _error(row.error, code, text)
    return None


def refused_after_all(code: int, text: str) -> err.ExecutionError:
    """Give the error of a message about an order that is known to have ended before it worked."""
    # 202 tells with the words of 201 why IB itself has ended an order.
    meant = refused(201 if code == CANCELED else code, text)
    return _error(err.OrderRejected, code, text) if meant is None else meant


def is_warning(code: int) -> bool:
    """Tell whether a message about an order stands beside its acceptance."""
    return code in _WARNINGS or code in _MORE_WARNINGS


def is_read_only(code: int, text: str) -> bool:
    """Tell whether the gateway lets programs only look."""
    return code == 321 and re.search(_READ_ONLY, text) is not None  # noqa: PLR2004


def said(code: int, text: str) -> str:
    """Write a message of IB's down as it came, in one line."""
    return f"IB {code}: {' '.join(text.split())}"


def _error(kind: type[err.ExecutionError], code: int, text: str) -> err.ExecutionError:
    line = said(code, text)
    return kind(line, raw=line) if issubclass(kind, err.OrderRejected) else kind(line)
