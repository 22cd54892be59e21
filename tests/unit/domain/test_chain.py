import pytest

from planfill.domain.chain import GENESIS, link

FIRST = (GENESIS, "execution/mock:paper:1:p", 1, "2021-03-31T15:00:00.000000Z", '{"kind":"alerted"}')


def test_the_hash_of_an_event_is_what_it_has_always_been() -> None:
    """Golden: another hash would make every ledger written before look corrupt."""
    assert link(*FIRST) == "a8a067537f425a8e35f9570e8b4079c2ad95ad70835dd0ba04ad55bbbc655a48"


def test_the_chain_begins_with_64_zeros() -> None:
    assert GENESIS == "0" * 64


@pytest.mark.parametrize(
    "changed",
    [
        ("1" + GENESIS[1:], *FIRST[1:]),
        (FIRST[0], "execution/mock:paper:2:p", *FIRST[2:]),
        (*FIRST[:2], 2, *FIRST[3:]),
        (*FIRST[:3], "2021-03-31T15:00:00.000001Z", FIRST[4]),
        (*FIRST[:4], '{"kind":"Alerted"}'),
    ],
)
def test_a_change_of_any_part_changes_the_hash(changed: tuple[str, str, int, str, str]) -> None:
    assert link(*changed) != link(*FIRST)


def test_parts_cannot_be_moved_across_their_borders() -> None:
    assert link("", "a", 1, "b", "c") != link("", "", 1, "ab", "c")
    assert link("", "s", 1, "at\n2\nx", "y") != link("", "s", 1, "at", "x\n1\ny")


def test_a_hash_links_to_the_one_before() -> None:
    first = link(*FIRST)
    second = link(first, *FIRST[1:])
    assert len(second) == 64
    assert second != first


def test_a_text_with_half_a_character_has_a_hash_too() -> None:
    assert link(*FIRST[:4], "\ud800") != link(*FIRST[:4], "\udfff")
