"""The kinds of requests, by the number that begins each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ib_gateway import of_account, of_data, of_orders
from ib_gateway.asking import Answer, Asked


def current_time(asked: Asked) -> Answer:
    """Tell the time, to the second."""
    return ((49, 1, int(asked.market.clock.now().timestamp())),)


def next_id(asked: Asked) -> Answer:
    """Tell the next order id."""
    return ((9, 1, asked.market.next_id(asked.client.client_id)),)


def accounts(asked: Asked) -> Answer:
    """Tell the accounts."""
    return ((15, 1, asked.market.number),)


def nothing(_: Asked) -> Answer:
    """Answer nothing: the end of a subscription, or a setting."""
    return ()


class Kind(NamedTuple):
    """A kind of request: its name for faults, its answer, and which field names it in an error."""

    name: str
    answer: Callable[[Asked], Answer]
    id_field: int | None = None


KINDS: Final[Mapping[str, Kind]] = {
    "1": Kind("market_data", of_data.market_data, 2),
    "2": Kind("", nothing),
    "3": Kind("place", of_orders.place, 1),
    "4": Kind("cancel", of_orders.cancel, 2),
    "5": Kind("own_orders", of_orders.open_orders),
    "6": Kind("account", of_account.account_updates),
    "7": Kind("executions", of_orders.all_executions, 2),
    "8": Kind("", next_id),
    "9": Kind("contracts", of_data.contract_details, 2),
    "14": Kind("", nothing),
    "15": Kind("", nothing),
    "16": Kind("open_orders", of_orders.all_open_orders),
    "17": Kind("", accounts),
    "49": Kind("time", current_time),
    "59": Kind("", nothing),
    "61": Kind("positions", of_account.positions),
    "62": Kind("account", of_account.account_summary, 2),
    "63": Kind("", of_account.end_account_summary),
    "64": Kind("", of_account.end_positions),
    "76": Kind("account", of_account.account_updates_multi, 2),
    "77": Kind("", nothing),
    "99": Kind("completed_orders", of_orders.completed_orders),
}  # fmt: skip
