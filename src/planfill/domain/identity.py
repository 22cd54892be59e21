"""Who executes what, and how the orders are called."""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, Final

from pydantic import StringConstraints

from planfill.domain.values import ClientOrderId, Name, Value

PREFIX: Final = "pf-"
_HASH_CHARACTERS: Final = 20

Brand = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]


class AccountKey(Value, frozen=True):
    """
    One account at one broker, as the broker itself names it.

    Locks, limits and halts belong to it: the same plan on paper and on live is two executions.
    """

    broker: Brand
    environment: Brand
    number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]

    def __str__(self) -> str:
        """Give the key as ``broker:environment:number``."""
        return f"{self.broker}:{self.environment}:{self.number}"


class ExecutionKey(Value, frozen=True):
    """A plan on an account: what is executed exactly once."""

    account: AccountKey
    plan_id: Name

    def __str__(self) -> str:
        """Give the key as ``broker:environment:number:plan_id``; only the last part can hold a colon."""
        return f"{self.account}:{self.plan_id}"


def stem_of(key: ExecutionKey) -> str:
    """Give the beginning of the names of all orders of an execution."""
    digest = base64.b32encode(hashlib.sha256(str(key).encode()).digest()).decode().lower()
    return f"{PREFIX}{digest[:_HASH_CHARACTERS]}"


def client_order_ids(key: ExecutionKey, symbols: tuple[str, ...], attempt: int) -> dict[str, ClientOrderId]:
    """
    Name the orders of one attempt: the same plan always gives the same names.

    ``pf-``, 20 base32 characters of the SHA-256 of the execution key, the rank of the symbol among the
    plan's sorted symbols, the attempt from 1. At most 48 characters, as brokers take them.
    """
    stem = stem_of(key)
    return {symbol: ClientOrderId(f"{stem}-{rank}-{attempt}") for rank, symbol in enumerate(sorted(symbols))}


def stem_in(client_order_id: str) -> str | None:
    """Give the stem of a name that Planfill gave; None where it was somebody else."""
    return client_order_id.rsplit("-", 2)[0] if client_order_id.startswith(PREFIX) else None
