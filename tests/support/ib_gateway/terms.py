"""What an order asks for, as ``placeOrder`` carries it, and what TWS itself refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

_FIELDS: Final = 114
_FRACTIONAL: Final = (
    "Fractional-sized order cannot be placed via API. Please use desktop version to place this order."
)
_CENT: Final = Decimal("0.01")
_SUB_DOLLAR: Final = Decimal("0.0001")


class Refused(Exception):
    """An error of the API: its code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Terms:
    """An order in shares of a stock; numbers are exact as they were written."""

    order_id: int
    con_id: int
    symbol: str
    security: str
    exchange: str
    currency: str
    action: str
    quantity: Decimal
    kind: str
    limit: Decimal | None
    tif: str
    account: str
    ref: str
    transmit: bool
    outside_rth: bool
    cash_quantity: Decimal | None
    what_if: bool

    def same(self, other: Terms) -> bool:
        """Tell whether another order asks for the same."""

        def of(terms: Terms) -> tuple[object, ...]:
            return terms.action, terms.quantity, terms.kind, terms.limit, terms.tif, terms.ref

        return of(self) == of(other)


def read(fields: Sequence[str]) -> Terms:
    """Read the fields of a message of type 3, of a plain order for a stock."""
    if len(fields) != _FIELDS:
        raise Refused(320, f"Error reading request: {len(fields)} fields, {_FIELDS} expected")
    return Terms(
        order_id=int(fields[1]), con_id=int(fields[2] or 0), symbol=fields[3], security=fields[4],
        exchange=fields[9], currency=fields[11], action=fields[16],
        quantity=_number(fields[17]) or Decimal(0), kind=fields[18], limit=_number(fields[19]),
        tif=fields[21] or "DAY", account=fields[23], ref=fields[26], transmit=fields[27] == "1",
        outside_rth=fields[33] == "1", cash_quantity=_number(fields[100]), what_if=fields[84] == "1",
    )  # fmt: skip


def check(terms: Terms, account: str) -> None:
    """Refuse what TWS refuses by itself, in its order."""
    if terms.account not in {"", account}:
        raise Refused(321, "Error validating request.-'b' : cause - Invalid account code")
    if terms.what_if or not terms.transmit:
        raise Refused(321, "Error validating request.-'b' : cause - not at this gateway")
    if terms.action not in {"BUY", "SELL"}:
        raise Refused(321, f"Error validating request.-'b' : cause - Invalid action: {terms.action}")
    if terms.kind not in {"MKT", "LMT"}:
        raise Refused(387, "Unsupported order type for this exchange and security type.")
    if terms.tif not in {"DAY", "GTC"}:
        raise Refused(201, "Order rejected - reason:The time-in-force is invalid for this order")
    if terms.cash_quantity:
        raise Refused(10244, "Cash quantity cannot be used for this order")
    if terms.quantity <= 0:
        raise Refused(434, "The order size cannot be zero.")
    if terms.quantity % 1:
        raise Refused(10243, _FRACTIONAL)
    if terms.kind == "LMT":
        _check_limit(terms.limit)


def _check_limit(limit: Decimal | None) -> None:
    if limit is None or limit <= 0:
        raise Refused(321, "Error validating request.-'b' : cause - Limit price must be specified")
    if limit % (_CENT if limit >= 1 else _SUB_DOLLAR):
        raise Refused(110, "The price does not conform to the minimum price variation for this contract.")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as e:
        raise Refused(320, f"Error reading request: {text!r} is no number") from e
