"""What is said of an account that is held."""

import pytest

from planfill.adapters.ledgers.sql import _busy
from planfill.testing.events import ACCOUNT


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"holder": "x"}', "\ufffd"])
def test_a_holder_that_has_not_said_who_it_is_yet_is_another_process(note: str) -> None:
    assert f"account {ACCOUNT} is held by another process: wait" in str(_busy(ACCOUNT, note))


def test_a_holder_is_named_with_the_time() -> None:
    told = _busy(ACCOUNT, '{"holder": "H", "since": "2021-03-31T15:00:00.000001Z"}')
    assert f"account {ACCOUNT} is held by H since 2021-03-31T15:00:00.000001Z: wait" in str(told)
