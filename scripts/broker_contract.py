"""
Make the page on the broker's contract true: its cards, its troubles, and what each adapter does of them.

The cards are read from the classes of ``planfill.testing``: a card's number and origin stand in its
docstring, its sentence is its name. A new adapter is one more line in ``adapters``.
"""

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
SAMPLE: Final = ROOT / "docs" / "examples" / "sample_broker"
sys.path[:0] = [str(ROOT / "tests" / "support"), str(SAMPLE / "src"), str(SAMPLE / "tests")]

from alpaca_venue import AlpacaVenue  # noqa: E402 - found by the line above
from house_venue import HouseVenue  # noqa: E402 - "
from ib_venue import IbVenue  # noqa: E402 - "
from mock_venue import MockVenue  # noqa: E402 - "

import planfill.testing  # noqa: E402 - after what is not installed
from planfill.adapters.brokers.alpaca import AlpacaSettings  # noqa: E402 - "
from planfill.adapters.brokers.ib import IbSettings  # noqa: E402 - "
from planfill.domain.market import Capabilities  # noqa: E402 - "
from planfill.testing.trouble import Trouble  # noqa: E402 - "
from sample_broker.broker import CAPABILITIES  # noqa: E402 - "

MARKED: Final = re.compile(r"(<!-- (?P<name>[a-z]+) -->\n).*?(<!-- /(?P=name) -->)", re.DOTALL)
_DOCSTRING: Final = re.compile(
    r"(?P<number>[A-Z]\d\d)(: (?P<remark>.+?))?\.( From (?P<origin>.+)\.)?", re.DOTALL
)


class Card(NamedTuple):
    """One test of a contract class."""

    number: str
    sentence: str
    origin: str
    contract: str
    needs: str | None
    troubles: AbstractSet[Trouble]

    def is_skipped(self, adapter: "Adapter") -> bool:
        """Tell whether an adapter cannot run it: it declares that, or its venue cannot make the trouble."""
        unable = self.needs is not None and not getattr(adapter.capabilities, self.needs)
        spared = bool(self.troubles) and self.troubles.isdisjoint(adapter.troubles)
        return unable or spared or self.number.startswith(adapter.without)


class Adapter(NamedTuple):
    """
    An adapter that keeps the contract: what it declares, and the troubles that it is proven in.

    ``without`` are the cards, or their letters, of what it has not: a stream, hours.
    """

    name: str
    capabilities: Capabilities
    troubles: AbstractSet[Trouble]
    without: tuple[str, ...] = ()


def adapters() -> list[Adapter]:
    """List the adapters, in the order of the columns."""
    mock = MockVenue(Path(), book=":memory:")
    return [
        Adapter("mock", mock.mock.capabilities, mock.troubles),
        Adapter("alpaca", AlpacaSettings().capabilities, AlpacaVenue.troubles),
        Adapter("ib", IbSettings().capabilities, IbVenue.troubles),
        Adapter(
            "[sample](../examples/sample_broker/README.md)",
            CAPABILITIES,
            HouseVenue.troubles,
            without=("F", "T30"),
        ),
    ]


def cards() -> list[Card]:
    """Read the cards of all contract classes, by letter and number."""
    return sorted(_card(contract, test) for contract, test in _tests())


def _tests() -> Iterator[tuple[type, Callable[..., object]]]:
    for module in pkgutil.iter_modules(planfill.testing.__path__, "planfill.testing."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name and found.__name__.endswith("Contract"):
                yield from ((found, test) for name, test in vars(found).items() if name.startswith("test_"))


def _card(contract: type, test: Callable[..., object]) -> Card:
    told = " ".join((test.__doc__ or "").split())
    match = _DOCSTRING.fullmatch(told)
    if match is None:
        raise SystemExit(f"{contract.__name__}.{test.__name__} is no card: {told!r}")
    sentence = test.__name__.removeprefix("test_").replace("_", " ").capitalize()
    remark = f": {match['remark']}" if match["remark"] else ""
    marks: list[Any] = getattr(test, "pytestmark", [])
    troubles = {one for mark in marks if mark.args[:1] == ("trouble",) for one in mark.args[1]}
    return Card(
        match["number"],
        f"{sentence}{remark}.",
        match["origin"] or "ours",
        f"{contract.__module__}.{contract.__name__}",
        getattr(test, "needs", None),
        frozenset(troubles),
    )


def list_of_cards() -> str:
    """Write the cards, a table a contract class."""
    lines, contract = [], ""
    for card in cards():
        if card.contract != contract:
            contract = card.contract
            lines += ["", f"### `{contract}`", "", "| Card | What it says | Origin |", "|---|---|---|"]
        lines.append(f"| {card.number} | {card.sentence} | {card.origin} |")
    return "\n".join([*lines[1:], ""])


def table_of_capabilities() -> str:
    """Write what each adapter declares, and which cards that leaves out."""
    columns = adapters()
    rows = [
        [f"`{field}`", *(_shown(getattr(one.capabilities, field)) for one in columns)]
        for field in Capabilities.model_fields
    ]
    known = [card for card in cards() if card.number[0] in "ABFHIMRT"]
    skipped = [[card.number for card in known if card.is_skipped(one)] for one in columns]
    rows += [
        ["troubles proven", *(f"{len(_proven(one, known))} of {len(Trouble)}" for one in columns)],
        ["cards skipped", *(", ".join(numbers) or "none" for numbers in skipped)],
    ]
    return _table(["", *(one.name for one in columns)], rows)


def _proven(adapter: Adapter, known: list[Card]) -> set[Trouble]:
    """Find the troubles that a card makes which the adapter does not skip."""
    made = [card.troubles for card in known if not card.is_skipped(adapter)]
    return {trouble for troubles in made for trouble in troubles & adapter.troubles}


def table_of_troubles() -> str:
    """Write the troubles, the cards that make them, and which adapter's venue can make them."""
    columns = adapters()
    known = cards()
    rows = [
        [
            f"`{trouble.name}`",
            trouble.value,
            ", ".join(card.number for card in known if trouble in card.troubles),
            *("yes" if trouble in one.troubles else "no" for one in columns),
        ]
        for trouble in Trouble
    ]
    return _table(["Trouble", "What the venue does", "Cards", *(one.name for one in columns)], rows)


BLOCKS: Final = {
    "cards": list_of_cards,
    "capabilities": table_of_capabilities,
    "troubles": table_of_troubles,
}


def refreshed(page: str) -> str:
    """Return ``page`` with what stands between its marks made true."""
    return MARKED.sub(lambda marked: f"{marked[1]}{BLOCKS[marked['name']]()}{marked[3]}", page)


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a capability is
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(str(one) for one in value)
    return f"{value:g}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), ""])


def main() -> int:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description="Refresh what the page on the broker's contract lists.")
    parser.add_argument("page", type=Path, help="docs/reference/broker-contract.md")
    page: Path = parser.parse_args().page
    page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
