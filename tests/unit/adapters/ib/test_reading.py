"""Numbers, times and hours, as IB writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async.util import UNSET_DOUBLE

from planfill.adapters.brokers.ib.contracts import session_of
from planfill.adapters.brokers.ib.numbers import moment, number

WEEK = "20261126:CLOSED;20261127:0930-20261127:1300;20261128:CLOSED;20261130:0930-20261130:1600"
EASTERN = "US/Eastern"


@pytest.mark.parametrize(
    "written", ["0.1", "396.3301", "123456789.123456", "-3", "1e-9", "0.30000000000000004"]
)
def test_a_float_is_the_decimal_again_that_it_was_read_from(written: str) -> None:
    assert number(float(written)) == Decimal(written)


@pytest.mark.parametrize("nothing", [UNSET_DOUBLE, float("nan"), ""])
def test_what_is_unset_is_no_number(nothing: object) -> None:
    assert number(nothing) is None


@pytest.mark.parametrize("nonsense", ["n/a", float("inf"), None, True, [1]])
def test_nonsense_is_said_and_not_read(nonsense: object) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(nonsense)


def test_a_time_without_a_zone_is_none() -> None:
    assert moment("20261127 09:31:04 US/Eastern") == datetime(2026, 11, 27, 14, 31, 4, tzinfo=UTC)
    assert moment("20261127-14:31:04") == datetime(2026, 11, 27, 14, 31, 4, tzinfo=UTC)
    for other in ("20261127 09:31:04", "20261127", "20261127 09:31:04 Nowhere/Land", "soon", ""):
        assert moment(other) is None


def test_a_session_that_is_on_ends_and_the_next_begins() -> None:
    session = session_of(WEEK, EASTERN, datetime(2026, 11, 27, 15, 0, tzinfo=UTC))
    assert session.is_open
    assert session.closes_at == datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    assert session.opens_at == datetime(2026, 11, 30, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "opens_at"),
    [
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), datetime(2026, 11, 27, 14, 30, tzinfo=UTC)),
        (datetime(2026, 11, 27, 18, 0, tzinfo=UTC), datetime(2026, 11, 30, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_market_that_is_closed_opens_at_the_next_session(now: datetime, opens_at: datetime) -> None:
    session = session_of(WEEK, EASTERN, now)
    assert (session.is_open, session.opens_at, session.closes_at) == (False, opens_at, None)


def test_the_last_session_that_is_told_has_none_after_it() -> None:
    session = session_of(WEEK, EASTERN, datetime(2026, 11, 30, 15, 0, tzinfo=UTC))
    assert (session.is_open, session.opens_at) == (True, None)


@pytest.mark.parametrize("hours", ["", "20261126:CLOSED", "tomorrow", WEEK])
def test_hours_that_name_no_session_to_come_are_not_made_up(hours: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        session_of(hours, EASTERN, datetime(2026, 12, 24, tzinfo=UTC))
