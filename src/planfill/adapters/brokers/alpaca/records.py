"""Alpaca's own lists: orders and fills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from planfill.adapters.brokers.alpaca.outcomes import read_error
from planfill.adapters.brokers.alpaca.reading import readable, together
from planfill.adapters.brokers.alpaca.wire import Unreadable, fill_of, list_of, moment, reports_of
from planfill.application.ports.broker import BrokerRecords
from planfill.domain.errors import BrokerConnectionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.adapters.brokers.alpaca.moment import Moment
    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.application.ports.clock import Clock
    from planfill.domain.report import ExecutionReport, Fill

_ORDERS_A_PAGE: Final = 500
_FILLS_A_PAGE: Final = 100
# "after" excludes the moment itself, and a moment of Alpaca's is finer than one of Python's.
_A_MOMENT: Final = timedelta(microseconds=1)
# Two clocks, ours and Alpaca's, may differ so much; runs ask from five minutes before they began.
_SKEW: Final = timedelta(minutes=4)
# The list of open orders, its first page.
OPEN: Final = {"status": "open", "limit": str(_ORDERS_A_PAGE), "direction": "asc"}


class AlpacaRecords(BrokerRecords):
    """Reads page after page until there is no more."""

    def __init__(self, trading: Transport, clock: Clock, moment: Moment) -> None:
        self._trading = trading
        self._clock = clock
        self._moment = moment
        # Of all orders that were placed before, none was open then.
        self._none_open: tuple[datetime, datetime] | None = None

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """List the orders that were placed since, and those that are open, however old."""
        pages: list[list[Any]] = []

        async def read_since() -> None:
            pages.append(await all_orders(self._trading, "all", since))

        async def read_open() -> None:
            pages.append(await self._open())

        asked_at = self._moment.began_at
        if asked_at is not None and since >= asked_at:
            await read_open()
        elif self._all_are_since(since):
            await read_since()
        else:
            await together(read_open, read_since)
        # The same order on two pages was seen at two moments: both are told, and merged by whoever reads.
        return reports_of([order for page in pages for order in page])

    async def _open(self) -> list[Any]:
        """Read the open orders, and remember since when all of them were placed."""
        asked_at = self._moment.began_at or self._clock.now()
        found = await open_orders(self._trading, self._moment)
        self._none_open = asked_at, min(map(_placed, found), default=asked_at)
        return found

    def _all_are_since(self, since: datetime) -> bool:
        """Tell whether no order from before can be open: what has ended does not open again."""
        if self._none_open is None:
            return False
        asked_at, oldest = self._none_open
        return since <= oldest and since + _SKEW <= asked_at

    async def list_fills(self, since: datetime) -> Sequence[Fill]:
        """List the fills since then, oldest first."""
        fills: dict[str, Fill] = {}
        token: dict[str, str] = {}
        while True:
            page = await _page(
                self._trading,
                "/account/activities/FILL",
                after=_written(since - _A_MOMENT),
                direction="asc",
                page_size=str(_FILLS_A_PAGE),
                **token,
            )
            fills |= {fill.fill_id: fill for fill in map(_fill, page)}
            if len(page) < _FILLS_A_PAGE:
                return sorted(fills.values(), key=lambda fill: fill.filled_at)
            token = {"page_token": str(page[-1]["id"])}


async def open_orders(trading: Transport, moment: Moment) -> list[Any]:
    """Read all open orders, the oldest first; the first page may be that of the moment."""
    if moment.shared("/orders", **OPEN) is None:
        return await all_orders(trading, "open")
    with readable("orders"):
        first = list_of(await moment.ask(trading, "/orders", **OPEN))
    return await all_orders(trading, "open", first=first)


async def all_orders(
    trading: Transport, status: str, after: datetime | None = None, first: list[Any] | None = None
) -> list[Any]:
    """Read all pages, the oldest first; a page begins with the moment at which the last one ended."""
    found: dict[str, Any] = {}
    while True:
        since = {} if after is None else {"after": _written(after - _A_MOMENT)}
        page, first = first, None
        if page is None:
            page = await _page(trading, "/orders", **OPEN | {"status": status} | since)
        before = len(found)
        found |= {str(order.get("id")): order for order in page if isinstance(order, dict)}
        if len(page) < _ORDERS_A_PAGE:
            return list(found.values())
        if len(found) == before:
            msg = f"Alpaca lists {_ORDERS_A_PAGE} orders of one moment, and cannot list what comes after them"
            raise BrokerConnectionError(msg)
        after = _submitted(page[-1])


async def _page(trading: Transport, path: str, **parameters: str) -> list[Any]:
    try:
        return list_of(await trading.get(path, **parameters))
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e
    except Exception as e:
        raise read_error(e) from e


def _submitted(order: Any) -> datetime:
    try:
        return moment(order, "submitted_at")
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e


def _placed(order: Any) -> datetime:
    """Say when an order was placed; one that does not tell may be as old as can be."""
    try:
        return moment(order, "submitted_at")
    except (Unreadable, AttributeError, TypeError):
        return datetime.min.replace(tzinfo=UTC)


def _fill(record: object) -> Fill:
    try:
        return fill_of(record)
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
