"""The page on the broker's contract names every card, and every card is one."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import broker_contract
import pytest
from broker_contract import ROOT, Card, adapters, cards, refreshed

from planfill.testing.trouble import Trouble

PAGE: Final = ROOT / "docs" / "reference" / "broker-contract.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
TEST: Final = re.compile(r"^    (?:async )?def test_", re.MULTILINE)


def test_the_page_lists_the_cards_as_the_classes_have_them() -> None:
    assert refreshed(TEXT) == TEXT, "make format refreshes the page"


def test_every_test_of_every_contract_class_is_a_card() -> None:
    sources = (ROOT / "src" / "planfill" / "testing").glob("*.py")
    tests = [TEST.findall(path.read_text(encoding="utf-8")) for path in sources]
    assert len(cards()) == sum(map(len, tests))


def test_the_cards_of_a_letter_are_numbered_without_a_gap() -> None:
    numbers = defaultdict[str, list[int]](list)
    for card in cards():
        numbers[card.number[0]].append(int(card.number[1:]))
    assert {letter: sorted(found) for letter, found in numbers.items()} == {
        letter: list(range(1, len(found) + 1)) for letter, found in numbers.items()
    }


def test_the_docstring_of_a_contract_class_counts_its_cards() -> None:
    of_class = defaultdict[str, list[str]](list)
    for card in cards():
        of_class[card.contract].append(card.number)
    for contract, numbers in of_class.items():
        module, _, name = contract.rpartition(".")
        text = (ROOT / "src" / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
        said = text.partition(f"class {name}")[2].partition('"""')[2].partition('"""')[0]
        assert {numbers[0], numbers[-1]} <= set(re.findall(r"[A-Z]\d\d", said)), contract


def test_what_the_prose_names_is_a_card() -> None:
    prose = broker_contract.MARKED.sub("", TEXT)
    assert set(re.findall(r"(?<!-)\b[A-Z]\d\d\b", prose)) <= {card.number for card in cards()}


def test_every_trouble_is_on_a_card() -> None:
    assert {trouble for card in cards() for trouble in card.troubles} == set(Trouble)


@pytest.mark.parametrize(
    ("needs", "troubles", "skipped"),
    [
        (None, set[Trouble](), []),
        ("fractions", set[Trouble](), ["ib", "sample"]),
        (None, {Trouble.FEED_DROPS}, ["sample"]),
        (None, {Trouble.FEED_DROPS, Trouble.RESET}, []),
    ],
)
def test_a_card_is_skipped_where_it_cannot_be_run(
    needs: str | None, troubles: set[Trouble], skipped: list[str]
) -> None:
    card = Card("X01", "", "", "", needs, troubles)
    assert [re.sub(r"\W.*", "", one.name.strip("[")) for one in adapters() if card.is_skipped(one)] == skipped
