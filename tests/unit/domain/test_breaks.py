"""The chain of a stream: whatever is changed in its events alone is found, and where."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import alerts, changed, flipped, rewritten, swapped, with_rows, without

from planfill.domain.breaks import CONTENT, END, HASH, LATE, NO_END, NO_NUMBER, UNFIT, Break, Walk
from planfill.domain.chain import StoredRow, StoredStream, StreamEnd

STREAM: Final = alerts(5)
FIRST_MIDDLE_LAST: Final = (1, 3, 5)
FORGED: Final = alerts(9).rows[8]
EVERY: Final = range(1, 6)


def found(stream: StoredStream) -> list[tuple[int | None, str]]:
    return [(one.number, one.problem) for one in Walk(stream).breaks]


def places(stream: StoredStream) -> list[int | None]:
    return [one.number for one in Walk(stream).breaks]


@pytest.mark.parametrize("count", range(1, 6))
def test_a_stream_that_nobody_touched_is_whole(count: int) -> None:
    stream = alerts(count)
    walk = Walk(stream)
    assert walk.breaks == []
    assert walk.heads == {row.hash for row in stream.rows}


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize(
    "fields",
    [{"payload": "{}"}, {"payload": ""}, {"at": "2021-03-31T15:00:00.000009Z"}, {"payload": "\udcff"}],
)
def test_a_text_or_a_time_that_was_changed_is_located(number: int, fields: dict[str, str]) -> None:
    assert found(changed(STREAM, number, **fields)) == [(number, CONTENT)]


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize("forged", ["", "0" * 64, FORGED.hash, "\udcff"])
def test_a_hash_that_was_changed_is_located(number: int, forged: str) -> None:
    assert found(changed(STREAM, number, hash=forged)) == [(number, HASH)]


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
def test_of_a_text_and_a_hash_that_were_both_changed_it_is_known_where(number: int) -> None:
    stream = changed(STREAM, number, payload="{}", hash="0" * 64)
    assert found(stream)[0] == (number, UNFIT)
    assert places(stream) == ([5, 5] if number == 5 else [number, number + 1])


@pytest.mark.parametrize("number", [1, 3])
def test_an_event_rewritten_with_its_own_hash_is_found_at_the_next(number: int) -> None:
    forged = rewritten(changed(STREAM, number, payload="{}"))
    rows = [*forged.rows[:number], *STREAM.rows[number:]]
    assert found(with_rows(STREAM, rows)) == [(number + 1, CONTENT)]


def test_the_last_event_rewritten_with_its_own_hash_is_found_at_the_end() -> None:
    assert found(rewritten(changed(STREAM, 5, payload="{}"))._replace(end=STREAM.end)) == [(5, END)]


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (1, "is missing: event 2 stands there"),
        (3, "is missing: event 4 stands there"),
        (5, "is missing: the stream ended there"),
    ],
)
def test_an_event_that_is_missing_is_named(number: int, problem: str) -> None:
    assert found(without(STREAM, number)) == [(number, problem)]


@pytest.mark.parametrize(
    ("numbers", "problems"),
    [
        ((1, 2), [(1, "is missing, and all up to event 2: event 3 stands there")]),
        ((4, 5), [(4, "is missing, and all up to event 5: the stream ended there")]),
        ((1, 5), [(1, "is missing: event 2 stands there"), (5, "is missing: the stream ended there")]),
        (tuple(EVERY), [(1, "is missing, and all up to event 5: the stream ended there")]),
    ],
)
def test_all_events_that_are_missing_are_named(
    numbers: tuple[int, ...], problems: list[tuple[int, str]]
) -> None:
    assert found(without(STREAM, *numbers)) == problems


@pytest.mark.parametrize(("one", "other"), list(combinations(EVERY, 2)))
def test_two_events_that_changed_places_are_both_found(one: int, other: int) -> None:
    located = places(swapped(STREAM, one, other))
    assert located[0] == one
    assert {one, other} <= set(located)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_rows_that_stand_in_another_order_are_found(number: int) -> None:
    rows = list(STREAM.rows)
    rows[number - 1], rows[number] = rows[number], rows[number - 1]
    assert found(with_rows(STREAM, rows))[:2] == [
        (number, f"is missing: event {number + 1} stands there"),
        (number, LATE),
    ]


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
def test_an_event_that_stands_twice_is_found_once(number: int) -> None:
    rows = [*STREAM.rows[:number], *STREAM.rows[number - 1 :]]
    assert found(with_rows(STREAM, rows)) == [(number, LATE)]


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
@pytest.mark.parametrize("behind", [False, True])
def test_a_forged_event_under_a_number_that_is_taken_is_found(number: int, *, behind: bool) -> None:
    rows = list(STREAM.rows)
    rows.insert(number if behind else number - 1, FORGED._replace(number=number))
    assert found(with_rows(STREAM, rows)) == (
        [(number, LATE)] if behind else [(number, UNFIT), (number, LATE)]
    )


@pytest.mark.parametrize("number", FIRST_MIDDLE_LAST)
def test_an_event_between_two_others_is_found_where_it_stands(number: int) -> None:
    pushed = [row._replace(number=n) for n, row in enumerate(STREAM.rows[number - 1 :], start=number + 1)]
    rows = [*STREAM.rows[: number - 1], FORGED._replace(number=number), *pushed]
    located = places(with_rows(STREAM, rows))
    assert located[0] == number
    assert 6 in located


@pytest.mark.parametrize("count", [1, 3])
def test_events_behind_the_last_are_found_even_where_they_follow_from_it(count: int) -> None:
    longer = alerts(5 + count)
    assert found(longer._replace(end=STREAM.end)) == [
        (number, "stands behind event 5, the last one") for number in range(6, 6 + count)
    ]


@pytest.mark.parametrize("number", [0, -1, -(10**30)])
def test_a_number_below_the_first_is_found(number: int) -> None:
    assert found(with_rows(STREAM, [FORGED._replace(number=number), *STREAM.rows])) == [(number, LATE)]


@pytest.mark.parametrize("place", [1, 3, 6])
def test_a_number_that_is_none_is_found(place: int) -> None:
    rows = list(STREAM.rows)
    rows.insert(place - 1, FORGED._replace(number="2.5"))
    assert found(with_rows(STREAM, rows)) == [(place, "a row stands before it whose number is '2.5'")]


def test_nothing_is_said_of_an_event_behind_a_gap_but_of_the_next_one() -> None:
    assert places(changed(without(STREAM, 2), 3, payload="{}")) == [2]
    assert places(changed(without(STREAM, 2), 4, payload="{}")) == [2, 4]


def test_every_event_that_was_changed_is_found() -> None:
    stream = STREAM
    for number in EVERY:
        stream = changed(stream, number, payload="{}")
    assert places(stream) == list(EVERY)


def test_hashes_changed_one_after_the_other_do_not_hide_what_comes_after() -> None:
    stream = changed(changed(changed(STREAM, 2, hash="a"), 3, hash="b"), 5, payload="{}")
    assert places(stream) == [2, 3, 5]


def test_a_text_that_was_changed_does_not_hide_a_hash_behind_it() -> None:
    stream = changed(changed(STREAM, 2, payload="{}"), 3, hash="b")
    assert found(stream) == [(2, UNFIT), (3, HASH)]


@pytest.mark.parametrize(
    ("end", "located"),
    [
        (None, [(None, NO_END)]),
        (StreamEnd("five", STREAM.rows[4].hash), [(None, NO_NUMBER)]),
        (StreamEnd(5, "0" * 64), [(5, END)]),
        (StreamEnd(6, STREAM.rows[4].hash), [(6, "is missing: the stream ended there")]),
        (StreamEnd(4, STREAM.rows[3].hash), [(5, "stands behind event 4, the last one")]),
        (StreamEnd(4, STREAM.rows[4].hash), [(5, "stands behind event 4, the last one"), (4, END)]),
    ],
)
def test_an_end_that_is_not_that_of_the_events_is_found(
    end: StreamEnd | None, located: list[tuple[int | None, str]]
) -> None:
    assert found(STREAM._replace(end=end)) == located


def test_a_stream_of_which_nothing_is_kept_is_not_in_order() -> None:
    assert found(StoredStream("system", (), None)) == [(None, NO_END)]


def test_the_heads_are_also_those_that_the_events_would_have() -> None:
    true = {row.hash for row in STREAM.rows}
    assert Walk(changed(STREAM, 3, hash="0" * 64)).heads >= true
    assert Walk(changed(STREAM, 3, payload="{}")).heads >= true


def test_a_stream_that_was_rewritten_whole_has_other_heads() -> None:
    forged = rewritten(changed(STREAM, 3, payload="{}"))
    walk = Walk(forged)
    assert walk.breaks == []
    assert walk.heads & {row.hash for row in STREAM.rows} == {row.hash for row in STREAM.rows[:2]}


@given(
    count=st.integers(1, 12),
    where=st.integers(0, 10**6),
    field=st.sampled_from(["at", "hash", "payload"]),
    place=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
def test_a_single_bit_is_found_and_located(count: int, where: int, field: str, place: int, bit: int) -> None:
    stream = alerts(count)
    row = stream.rows[where % count]
    assert isinstance(row.number, int)
    tampered = changed(stream, row.number, **{field: flipped(getattr(row, field), place, bit)})
    assert found(tampered) == [(row.number, HASH if field == "hash" else CONTENT)]


rows = st.builds(
    StoredRow,
    st.integers(-1, 7) | st.text(max_size=2),
    st.sampled_from([row.at for row in STREAM.rows]),
    st.sampled_from([row.hash for row in STREAM.rows]) | st.text(max_size=3),
    st.sampled_from([row.payload for row in STREAM.rows]) | st.text(max_size=3),
)


@given(st.lists(rows | st.sampled_from(STREAM.rows), max_size=8))
def test_no_other_rows_than_the_true_ones_are_in_order(forged: list[StoredRow]) -> None:
    stream = with_rows(STREAM, forged)
    assert (Walk(stream).breaks == []) == (stream == STREAM)


def test_a_break_is_a_number_and_a_problem() -> None:
    assert Walk(without(STREAM, 3)).breaks == [Break(3, "is missing: event 4 stands there")]
