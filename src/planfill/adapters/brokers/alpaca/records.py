"""Alpaca's own lists: orders and fills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import anyio

from planfill.adapters.brokers.alpaca.outcomes import read_error
from planfill.adapters.brokers.alpaca.wire import Unreadable, fill_of, list_of, moment, reports_of
from planfill.application.ports.broker import BrokerRecords
from planfill.domain.errors import BrokerConnectionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.domain.report import ExecutionReport, Fill

_ORDERS_A_PAGE: Final = 500
_FILLS_A_PAGE: Final = 100
# "after" excludes the moment itself, and a moment of Alpaca's is finer than one of Python's.
_A_MOMENT: Final = timedelta(microseconds=1)


class AlpacaRecords(BrokerRecords):
    """Reads page after page until there is no more."""

    def __init__(self, trading: Transport) -> None:
        self._trading = trading

    async def list_orders(self, since: datetime) -> Sequence[ExecutionReport]:
        """List the orders that were placed since, and those that are open, however old."""
        pages: list[list[Any]] = []

        async def read(status: str, after: datetime | None) -> None:
            pages.append(await all_orders(self._trading, status, after))

        await together(lambda: read("open", None), lambda: read("all", since))
        # The same order on two pages was seen at two moments: both are told, and merged by whoever reads.
        return reports_of([order for page in pages for order in page])

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


async def all_orders(
    trading: Transport, status: str, after: datetime | None = None, **wanted: str
) -> list[Any]:
    """Read all pages, the oldest first; a page begins with the moment at which the last one ended."""
    found: dict[str, Any] = {}
    while True:
        since = {} if after is None else {"after": _written(after - _A_MOMENT)}
        page = await _page(
            trading, "/orders", status=status, limit=str(_ORDERS_A_PAGE), direction="asc", **wanted, **since
        )
        before = len(found)
        found |= {str(order.get("id")): order for order in page if isinstance(order, dict)}
        if len(page) < _ORDERS_A_PAGE or len(found) == before:
            return list(found.values())
        after = _submitted(page[-1])


async def _page(trading: Transport, path: str, **parameters: str) -> list[Any]:
    try:
        return list_of(await trading.get(path, **parameters))
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e
    except Exception as e:
        raise read_error(e) from e


async def together(*questions: Any) -> None:
    """Ask several things at once; the first failure is raised, by itself."""
    failures: list[BrokerConnectionError] = []

    async def ask(question: Any) -> None:
        try:
            await question()
        except BrokerConnectionError as e:
            failures.append(e)

    async with anyio.create_task_group() as group:
        for question in questions:
            group.start_soon(ask, question)
    if failures:
        raise failures[0]


def _submitted(order: Any) -> datetime:
    try:
        return moment(order, "submitted_at")
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e


def _fill(record: object) -> Fill:
    try:
        return fill_of(record)
    except Unreadable as e:
        raise BrokerConnectionError(str(e)) from e


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
