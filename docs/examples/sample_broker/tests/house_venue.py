"""The House as the contract suites move it, behind a line that can be made to fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from planfill.domain.values import ClientOrderId, Money, Price, Quantity
from planfill.testing.clock import VirtualClock
from planfill.testing.troubled_venue import Request, Trouble, TroubledVenue
from sample_broker.house import Account, Answer, House
from sample_broker.wire import Wire

FUTURE: Final = "levitating"


def _with(answer: Answer, **fields: object) -> Answer:
    return answer[0], json.dumps(json.loads(answer[1]) | fields)


def _raise(error: OSError) -> Answer:
    raise error


# What becomes of an answer on its way back.
_ANSWERS: Final[Mapping[Trouble, Callable[[Answer], Answer]]] = {
    Trouble.ANSWER_504: lambda _: (504, "Gateway Time-out"),
    Trouble.RESET: lambda _: _raise(ConnectionResetError()),
    Trouble.HANG: lambda _: _raise(TimeoutError()),
    Trouble.EMPTY_200: lambda _: (200, ""),
    Trouble.NO_ID: lambda answer: (
        200,
        json.dumps({key: value for key, value in json.loads(answer[1]).items() if key != "id"}),
    ),
    Trouble.UNREADABLE: lambda _: (200, "<html>"),
    Trouble.FILLED_BEFORE_ANSWER: lambda answer: _with(answer, state="open", filled=0, price=None),
    Trouble.LATE_FILL: lambda answer: _with(answer, filled=0, price=None),
    Trouble.UNPRICED: lambda answer: _with(answer, price=None),
    Trouble.FUTURE_STATUS: lambda answer: _with(answer, state=FUTURE),
}
# What is said to a request that has no effect.
_REFUSED: Final[Mapping[Trouble, Callable[[], Answer]]] = {
    Trouble.LOST_REQUEST: lambda: _raise(ConnectionResetError()),
    Trouble.REFUSED_CONNECTION: lambda: _raise(ConnectionRefusedError()),
    Trouble.RATE_LIMITED: lambda: (429, ""),
    Trouble.CANCEL_IGNORED: lambda: (200, "{}"),
}
_FILLS: Final = {Trouble.FILL_DURING_CANCEL: None, Trouble.PARTIAL_FILL_DURING_CANCEL: 1}
_REQUESTS: Final = {
    Request.PLACE: ("POST", "/orders"),
    Request.ASK: ("GET", "/orders/"),
    Request.CANCEL: ("DELETE", "/orders/"),
    Request.LIST_ORDERS: ("GET", "/orders"),
    Request.LIST_FILLS: ("GET", "/fills"),
    Request.PRICES: ("GET", "/prices"),
    Request.INSTRUMENTS: ("GET", "/prices"),
    Request.ACCOUNT: ("GET", "/account"),
    Request.SELLABLE: ("GET", "/account"),
    Request.POSITIONS: ("GET", "/account"),
}


class HouseVenue(TroubledVenue):
    """Whole shares, and none of the troubles of a stream: the House has none."""

    symbol = "SPY"
    others = ("QQQ", "KO")
    price = Price(Decimal(400))
    held = "MSFT"
    held_quantity = Quantity(Decimal(7))
    cash_usd = Money(Decimal(100_000))
    whole_only = None
    untradable = "LEHMQ"
    unknown = "NOSUCH"
    nonsense = ("ZERO", "MINUS", "WORDS")
    troubles = frozenset({*_ANSWERS, *_REFUSED, *_FILLS})
    future_status = FUTURE

    def __init__(self) -> None:
        self.clock = VirtualClock()
        last = {"SPY": "400", "QQQ": "300", "KO": "50", "MSFT": "230", "LEHMQ": "30"}
        nonsense = {"ZERO": "0", "MINUS": "-3", "WORDS": "n/a"}
        account = Account(cash=str(self.cash_usd), shares={self.held: int(self.held_quantity)})
        self.house = House(last | nonsense, account, self.clock.now, None)
        self.house.halted = frozenset({self.untradable})
        self.wire = Wire(self._line)
        self._ahead: list[tuple[Trouble, Request, bool]] = []

    async def hold_fills(self) -> None:
        self.house.holding = True

    async def let_fill(self, symbol: str, shares: Quantity | None = None) -> None:
        self.house.fill(symbol, None if shares is None else int(shares))

    async def make(
        self, trouble: Trouble, request: Request = Request.PLACE, *, lasting: bool = False
    ) -> None:
        self._ahead.append((trouble, request, lasting))

    async def recover(self) -> None:
        self._ahead.clear()

    async def orders_named(self, client_order_id: ClientOrderId) -> int:
        return sum(ticket.name == client_order_id for ticket in self.house.account.orders)

    async def _line(self, method: str, path: str, body: str) -> Answer:
        trouble = self._met(method, path)
        if trouble is None:
            return await self.house.answer(method, path, body)
        if trouble in _REFUSED:
            return _REFUSED[trouble]()
        if trouble in _FILLS:
            self.house.fill(self.symbol, _FILLS[trouble])
        answer = await self.house.answer(method, path, body)
        return _ANSWERS[trouble](answer) if trouble in _ANSWERS else answer

    def _met(self, method: str, path: str) -> Trouble | None:
        for one in self._ahead:
            trouble, request, lasting = one
            wanted, where = _REQUESTS[request]
            if method == wanted and (path.startswith(where) if where.endswith("/") else path == where):
                if not lasting:
                    self._ahead.remove(one)
                return trouble
        return None
