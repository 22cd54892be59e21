"""A preview as people read it: the exact orders, every check, the limits, the digest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planfill.adapters.cli.formats import (
    ACTION_STYLE,
    OUTCOME_STYLE,
    STATUS_STYLE,
    dollars,
    one_line,
    price,
    shares,
    usd,
    words,
)
from planfill.domain.numerals import plain
from planfill.domain.outcome import LineOutcome
from planfill.domain.plan import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from rich.console import RenderableType

    from planfill.application.preview import Preview
    from planfill.domain.linting import BrokenRule
    from planfill.domain.order import Order
    from planfill.domain.result import OrderResult


def preview_view(preview: Preview, plan: str, options: str = "") -> Iterator[RenderableType]:
    """Give what is printed of a preview, piece by piece; ``plan`` and ``options`` name it to ``execute``."""
    yield _orders(preview)
    yield from _checks(preview)
    if preview.broken:
        yield Text("\nRules that would be broken", "bold")
        yield from (_indented(_broken(one)) for one in preview.broken)
    yield Text("\nLimits", "bold")
    yield from (_figures(section) for section in (preview.policy.limits, preview.policy.execution))
    yield from _end(preview, plan, options)


def _orders(preview: Preview) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("side", "symbol"):
        table.add_column(name)
    table.add_column("planned $", justify="right", no_wrap=True)
    table.add_column("order")
    table.add_column("quantity", justify="right", overflow="fold")
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("client order id", overflow="fold")
    for line in preview.result.lines:
        table.add_row(*_row(line, preview.orders.get(line.symbol)))
    return table


def _row(line: OrderResult, order: Order | None) -> list[Text]:
    first = [Text(line.action, ACTION_STYLE[line.action]), Text(line.symbol), Text(dollars(line.planned_usd))]
    if order is None:
        none = "no order" if line.action is Action.HOLD else words(line.outcome)
        return [*first, Text(none, OUTCOME_STYLE[line.outcome])]
    size = shares(order.quantity) if order.quantity else usd(order.notional or Decimal(0))
    return [
        *first,
        Text(f"{order.order_type} {order.time_in_force}"),
        Text(size),
        Text(price(order.limit_price)),
        Text(order.client_order_id, "dim"),
    ]


def _checks(preview: Preview) -> Iterator[RenderableType]:
    """Say what every line was checked for, and why some are cut, skipped or refused."""
    lines = [line for line in preview.result.lines if line.action is not Action.HOLD]
    yield Text("\nChecks", "bold")
    if preview.result.detail:
        yield _indented(Text(one_line(preview.result.detail), STATUS_STYLE[preview.result.status]))
    passed = [line for line in lines if line.outcome is LineOutcome.FILLED and not line.reason]
    yield _indented(
        Text(
            f"{len(passed)} of {len(lines)} lines pass as planned: account, session, age of the plan; "
            "price, spread and age of the quote; tradable, held, funded."
        )
    )
    # What stops the whole plan is said once.
    said = preview.result.detail
    own = [line for line in lines if line not in passed and (not said or line.detail != said)]
    yield from (_indented(_check(line)) for line in own)


def _check(line: OrderResult) -> Text:
    residuals = ", ".join(f"{cause} {usd(amount)}" for cause, amount in line.residuals.items())
    why = [words(line.reason) if line.reason else "", one_line(line.detail), residuals]
    sent = line.outcome is LineOutcome.FILLED
    stands = "sent, but not as planned" if sent else words(line.outcome)
    text = f" {stands}: {'; '.join(part for part in why if part)}"
    return Text.assemble(f"{line.action} ", (line.symbol, "bold"), text)


def _broken(one: BrokenRule) -> Text:
    what = f" {words(one.rule)}: {one_line(one.detail)}; {one.remedy}"
    return Text.assemble((one.symbol or "all lines", "bold"), what)


def _figures(section: BaseModel) -> RenderableType:
    """Write the figures that are in force, and which are off."""
    return _indented(Text(", ".join(f"{name}={_figure(value)}" for name, value in section)))


def _figure(value: Any) -> str:  # noqa: ANN401 - whatever a setting can be
    match value:
        case None:
            return "off"
        case Decimal():
            return plain(value)
        case float():
            return f"{value:g}"
        case dict():
            return " ".join(f"{key}:{one}" for key, one in value.items()) or "off"
        case _:
            return str(value)


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2), expand=False)


def _end(preview: Preview, plan: str, options: str) -> Iterator[RenderableType]:
    result, orders = preview.result, len(preview.orders)
    yield Text.assemble(
        "\nNothing was sent. ",
        "An execution now would end ",
        (words(result.status), STATUS_STYLE[result.status]),
        f" with {orders} {'order' if orders == 1 else 'orders'}.\ndigest {preview.digest}\n",
        ("to execute exactly this:", "bold"),
    )
    # Longer than many a terminal is wide, and to be copied: broken in two, its first half would be a command.
    # In a group, since the console joins texts, and forgets then what may not be wrapped.
    command = f"planfill execute {plan} --approved {preview.digest}{options}"
    yield Group(Text(command, no_wrap=True, overflow="ignore"))
