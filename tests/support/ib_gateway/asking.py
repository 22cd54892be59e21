"""A request as it is answered: who asks what, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from ib_gateway.faults import Fault
from ib_gateway.wire import Fields

if TYPE_CHECKING:
    from ib_gateway.market import Market

Answer: TypeAlias = Sequence[Fields]


class Asked(NamedTuple):
    """A request of a client, as its fields, and what goes wrong with it."""

    market: Market
    client: Client
    fields: Sequence[str]
    fault: Fault | None = None


class Client(Protocol):
    """Who asks: ``summaries`` it has asked for and not ended, ``positions`` it was told, None before."""

    client_id: int
    summaries: set[str]
    positions: dict[str, Decimal] | None


def error(req_id: object, code: int, text: str) -> Fields:
    """Write an error (4)."""
    return 4, 2, req_id, code, text, ""
