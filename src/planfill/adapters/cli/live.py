"""An execution while it runs: drawn anew in a terminal, a line at a time elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from planfill.adapters.cli.formats import ACTION_STYLE, dollars, price, shares, usd
from planfill.domain.phases import PHASES
from planfill.domain.plan import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType
    from rich.text import Text

    from planfill.adapters.cli.board import Board, Row
    from planfill.adapters.cli.printing import Printer

_FRAMES_PER_S: Final = 8
_AROUND: Final = 6
_BAR: Final = 30
"""The rows of the terminal that are not for lines of the plan."""
_STYLES: Final = {
    "FILLED": "green",
    "HOLD": "dim",
    "waiting": "dim",
    "UNRESOLVED": "bold red",
    "REJECTED": "red",
}


@contextmanager
def watching(board: Board, printer: Printer, title: str, times: Times) -> Iterator[None]:
    """Draw the board in a terminal until the context is left, when it makes room for the result."""
    if not printer.is_live:
        yield
        return
    from rich.live import Live

    picture = LivePicture(board, printer.console, title, times)
    with Live(
        get_renderable=picture.draw,
        console=printer.console,
        refresh_per_second=_FRAMES_PER_S,
        transient=True,
        redirect_stdout=False,
        # Where stderr goes elsewhere, it stays there.
        redirect_stderr=sys.stderr.isatty(),
    ):
        yield


class Times(NamedTuple):
    """How long an execution has run already, and how long one usually takes, where that is known; seconds."""

    so_far_s: float = 0
    usual_s: float | None = None


class LivePicture:
    """Draws a board: what it is at, then as many lines of the plan as fit, those that move first."""

    def __init__(
        self,
        board: Board,
        console: Console,
        title: str,
        times: Times,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._console = console
        self._title = title
        self._times = times
        self._now = now
        self._begun = now() - times.so_far_s

    def draw(self) -> RenderableType:
        """Draw it as it stands now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        rows = list(self._board.rows.values())
        room = max(self._console.height - _AROUND, 1)
        shown = rows
        if len(rows) > room:
            moving = [row for row in rows if not row.has_ended and row.state != "waiting"]
            waiting = [row for row in rows if row.state == "waiting"]
            ended = [row for row in rows if row.has_ended]
            chosen = {row.symbol for row in [*moving, *waiting, *reversed(ended)][:room]}
            shown = [row for row in rows if row.symbol in chosen]
        table = Table.grid(padding=(0, 2, 0, 0))
        for justify in ("left", "left", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        for row in shown:
            table.add_row(*_cells(row))
        hidden = len(rows) - len(shown)
        more = Text(f"and {hidden} more lines" if hidden else "", "dim")
        return Group(self._head(), self._progress(), table, more)

    def _head(self) -> Text:
        from rich.text import Text

        board = self._board
        sells, buys = board.total(Action.SELL), board.total(Action.BUY)
        filled, planned = board.sums()
        where = f" on {board.account}" if board.account else ""
        return Text.assemble(
            (f"stopping: {board.stopping}  " if board.stopping else "", "bold red"),
            (self._title, "bold"),
            f"{where}\nSELL {sells[0]} of {sells[1]}  BUY {buys[0]} of {buys[1]}  "
            f"{usd(filled)} of {usd(planned)}",
            no_wrap=True,
            overflow="ellipsis",
        )

    def _progress(self) -> RenderableType:
        """Draw a bar of the lines that have ended, the phases, and the time."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        ended, lines = self._board.ended()
        phases = Text(" > ").join(
            Text(phase, "bold cyan" if phase == self._board.phase else "dim") for phase in PHASES
        )
        usual = f", usually {self._times.usual_s:.1f} s" if self._times.usual_s is not None else ""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(
            ProgressBar(total=max(lines, 1), completed=ended, width=min(_BAR, self._console.width // 6)),
            Text(f"{ended} of {lines}", no_wrap=True),
            Text(f"{self._now() - self._begun:.1f} s{usual}", no_wrap=True),
            phases,
        )
        return table


class PlainLines:
    """Prints each line of the plan once it has ended, for a log or a pipe."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def __call__(self, row: Row) -> None:
        """Print one."""
        from rich.text import Text

        action, symbol, amount, state = _cells(row)
        self._printer.show(
            Text.assemble(
                action, " " * (5 - len(action)), f"{symbol.plain:<6} ", f"{amount.plain:>14}  ", state
            )
        )


def _cells(row: Row) -> tuple[Text, Text, Text, Text]:
    from rich.text import Text

    state = Text(row.state, _STYLES.get(row.state, "yellow" if row.has_ended else "cyan"))
    if row.filled_quantity:
        paid = f" at {price(row.average_price)}" if row.average_price else ""
        state.append(f"  {shares(row.filled_quantity)}{paid}", "default")
    if row.detail:
        state.append(f"  {row.detail.replace('_', ' ')}", "yellow")
    return (
        Text(row.action, ACTION_STYLE[row.action]),
        Text(row.symbol),
        Text(dollars(row.planned_usd)),
        state,
    )
