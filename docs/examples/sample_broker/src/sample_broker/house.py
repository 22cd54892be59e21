"""The House, an imaginary broker: requests and answers are text, as on a wire."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

Answer = tuple[int, str]


@dataclass
class Ticket:
    """An order as the House keeps it; prices are text."""

    id: int
    name: str
    symbol: str
    side: str
    shares: int
    limit: str | None
    at: str
    state: str = "open"
    filled: int = 0
    price: str | None = None

    @property
    def left(self) -> int:
        """What still works."""
        return self.shares - self.filled if self.state == "open" else 0


@dataclass
class Account:
    """What one customer has at the House."""

    cash: str
    shares: dict[str, int]
    orders: list[Ticket] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)


class House:
    """Fills orders at fixed prices, at once unless ``holding``; keeps the account in a file if it has one."""

    def __init__(
        self, prices: Mapping[str, str], account: Account, now: Callable[[], datetime], file: Path | None
    ) -> None:
        self.holding = False
        self.halted: frozenset[str] = frozenset()
        self._prices, self._now, self._file = prices, now, file
        self.account = account
        if file is not None and file.exists():
            known = json.loads(file.read_text(encoding="utf-8"))
            self.account = Account(**known | {"orders": [Ticket(**one) for one in known["orders"]]})

    async def answer(self, method: str, path: str, body: str = "") -> Answer:
        """Answer a request with a status and a text, as a server does."""
        match method, path.strip("/").split("/"):
            case "POST", ["orders"]:
                status, answer = self._place(json.loads(body))
            case "GET", ["orders"]:
                status, answer = 200, [asdict(ticket) for ticket in self.account.orders]
            case "GET", ["orders", name]:
                ticket = self._named(name)
                status, answer = (200, asdict(ticket)) if ticket else (404, {"error": "no such order"})
            case "DELETE", ["orders", name]:
                status, answer = self._cancel(name)
            case "GET", ["fills"]:
                status, answer = 200, self.account.fills
            case "GET", ["account"]:
                status, answer = 200, {"cash": self.account.cash, "shares": self.account.shares}
            case "GET", ["prices"]:
                status, answer = 200, {"last": dict(self._prices), "halted": sorted(self.halted)}
            case _:
                status, answer = 404, {"error": "no such path"}
        return status, json.dumps(answer)

    def fill(self, symbol: str, at_most: int | None = None) -> None:
        """Fill the open orders of a symbol, or so many shares of each."""
        for ticket in self.account.orders:
            if ticket.symbol == symbol and ticket.left:
                self._fill(ticket, ticket.left if at_most is None else min(at_most, ticket.left))

    def _place(self, asked: dict[str, Any]) -> tuple[int, object]:
        ticket = Ticket(id=len(self.account.orders) + 1, at=self._now().isoformat(), **asked)
        if error := self._refusal(ticket):
            return 403, {"error": error}
        self.account.orders.append(ticket)
        limit, price = ticket.limit, Decimal(self._prices[ticket.symbol])
        crosses = limit is None or (
            price <= Decimal(limit) if ticket.side == "buy" else price >= Decimal(limit)
        )
        if crosses and not self.holding:
            self._fill(ticket, ticket.shares)
        self._save()
        return 201, asdict(ticket)

    def _refusal(self, ticket: Ticket) -> str:
        if ticket.symbol not in self._prices or ticket.symbol in self.halted:
            return "symbol"
        works = [one for one in self.account.orders if one.side == ticket.side and one.left]
        if ticket.side == "sell":
            locked = sum(one.left for one in works if one.symbol == ticket.symbol)
            return "shares" if ticket.shares > self.account.shares.get(ticket.symbol, 0) - locked else ""
        needed = sum(one.left * Decimal(self._prices[one.symbol]) for one in [*works, ticket])
        return "funds" if needed > Decimal(self.account.cash) else ""

    def _cancel(self, name: str) -> tuple[int, object]:
        ticket = self._named(name)
        if ticket is None:
            return 404, {"error": "no such order"}
        if ticket.state != "open":
            return 409, {"error": "too late"}
        ticket.state = "canceled"
        self._save()
        return 200, asdict(ticket)

    def _fill(self, ticket: Ticket, shares: int) -> None:
        price, sign = self._prices[ticket.symbol], 1 if ticket.side == "buy" else -1
        ticket.filled, ticket.price = ticket.filled + shares, price
        ticket.state = "done" if ticket.filled == ticket.shares else "open"
        held = self.account.shares.get(ticket.symbol, 0) + sign * shares
        self.account.shares = {**self.account.shares, ticket.symbol: held}
        self.account.cash = str(Decimal(self.account.cash) - sign * shares * Decimal(price))
        trade = {"id": len(self.account.fills) + 1, "order": ticket.id, "shares": shares, "price": price}
        self.account.fills.append(
            {**trade, "symbol": ticket.symbol, "side": ticket.side, "at": self._now().isoformat()}
        )
        self._save()

    def _named(self, name: str) -> Ticket | None:
        return next((ticket for ticket in self.account.orders if ticket.name == name), None)

    def _save(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps(asdict(self.account)), encoding="utf-8")
