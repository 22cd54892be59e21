"""What somebody replaced: our order and the orders that took its place, as one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from planfill.domain.report import ExecutionReport, OrderStatus
from planfill.domain.values import ZERO_SHARES, BrokerOrderId, Price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NONE: Final = BrokerOrderId("")


def chain(
    first: ExecutionReport, reports: Mapping[BrokerOrderId, ExecutionReport]
) -> tuple[ExecutionReport, ...]:
    """Follow an order to what somebody replaced it by, as far as that is listed."""
    found, after = [first], reports.get(first.replaced_by or _NONE)
    while after is not None and after not in found:
        found.append(after)
        after = reports.get(after.replaced_by or _NONE)
    return tuple(found)


def adopted(first: ExecutionReport, reports: Mapping[BrokerOrderId, ExecutionReport]) -> ExecutionReport:
    """
    Give the one report that an order and its replacements amount to, under the order's own names.

    Each bears only what it filled itself: quantities, dollars and fees add up; how it stands is what the last
    of them says. Where that is not listed, the order stands as replaced. A price or a fee that one of them
    does not tell is not told.
    """
    links = chain(first, reports) if first.status is OrderStatus.REPLACED else (first,)
    if any((link.symbol, link.side) != (first.symbol, first.side) for link in links):
        return first
    if len(links) == 1:
        return first
    quantity = sum((link.filled_quantity for link in links), ZERO_SHARES)
    return ExecutionReport.model_validate(
        {
            **dict(first),
            "status": links[-1].status,
            "filled_quantity": quantity,
            "average_price": _average(links, quantity),
            "fees_usd": _sum([link.fees_usd for link in links]),
            "reported_at": links[-1].reported_at,
            "raw": links[-1].raw,
        }
    )


def _average(links: Sequence[ExecutionReport], quantity: Decimal) -> Price | None:
    filled = [link for link in links if link.filled_quantity]
    priced = [link.filled_quantity * link.average_price for link in filled if link.average_price]
    if not filled or len(priced) < len(filled):
        return None
    return Price(sum(priced, Decimal(0)) / quantity)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    told = [amount for amount in amounts if amount is not None]
    return sum(told, Decimal(0)) if len(told) == len(amounts) else None
