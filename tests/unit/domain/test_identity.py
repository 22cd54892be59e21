import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planfill.domain.identity import AccountKey, ExecutionKey, client_order_ids, stem_in, stem_of
from planfill.testing.builders import PAPER

KEY = ExecutionKey(account=PAPER, plan_id="momentum-hrp-2021-03-31")
SYMBOLS = ("SPY", "QQQ", "AAPL")


def test_the_names_of_orders_are_what_they_have_always_been() -> None:
    """Golden: another name for the same order would be a second order at the broker."""
    assert client_order_ids(KEY, SYMBOLS, 1) == {
        "AAPL": "pf-q7hysk3qskhvoukpvqzk-0-1",
        "QQQ": "pf-q7hysk3qskhvoukpvqzk-1-1",
        "SPY": "pf-q7hysk3qskhvoukpvqzk-2-1",
    }


def test_a_name_does_not_depend_on_the_order_of_the_lines() -> None:
    assert client_order_ids(KEY, SYMBOLS, 1) == client_order_ids(KEY, tuple(reversed(SYMBOLS)), 1)


@pytest.mark.parametrize(
    "other",
    [
        ExecutionKey(account=AccountKey(broker="mock", environment="paper", number="2"), plan_id=KEY.plan_id),
        ExecutionKey(account=AccountKey(broker="mock", environment="live", number="1"), plan_id=KEY.plan_id),
        ExecutionKey(
            account=AccountKey(broker="alpaca", environment="paper", number="1"), plan_id=KEY.plan_id
        ),
        ExecutionKey(account=PAPER, plan_id="momentum-hrp-2021-04-30"),
    ],
)
def test_another_account_environment_broker_or_plan_has_other_names(other: ExecutionKey) -> None:
    ours, theirs = client_order_ids(KEY, SYMBOLS, 1), client_order_ids(other, SYMBOLS, 1)
    assert not set(ours.values()) & set(theirs.values())


def test_all_orders_of_an_execution_have_one_stem() -> None:
    assert stem_of(KEY) == "pf-q7hysk3qskhvoukpvqzk"


def test_another_attempt_has_another_name() -> None:
    assert client_order_ids(KEY, SYMBOLS, 1)["SPY"][:-1] == client_order_ids(KEY, SYMBOLS, 2)["SPY"][:-1]
    assert client_order_ids(KEY, SYMBOLS, 2)["SPY"].endswith("-2-2")


@given(
    plan_id=st.text(min_size=1, max_size=200),
    symbols=st.sets(st.text(st.sampled_from("ABC.-/09"), min_size=1, max_size=50), max_size=20),
    attempt=st.integers(1, 999_999),
)
def test_names_are_unique_in_a_plan_and_have_at_most_48_characters(
    plan_id: str, symbols: set[str], attempt: int
) -> None:
    key = ExecutionKey(account=PAPER, plan_id=plan_id)
    names = client_order_ids(key, tuple(symbols), attempt)
    assert set(names) == symbols
    assert len(set(names.values())) == len(symbols)
    for name in names.values():
        assert len(name) <= 48
        assert name.isascii()
        assert stem_in(name) == stem_of(key)


def test_an_order_that_does_not_bear_our_prefix_is_not_ours() -> None:
    assert stem_in("web-pf-1") is None
    assert stem_in("") is None


def test_a_key_is_written_with_the_plan_last_since_only_a_plan_id_can_hold_a_colon() -> None:
    assert str(ExecutionKey(account=PAPER, plan_id="a:b")) == "mock:paper:1:a:b"
    assert str(PAPER) == "mock:paper:1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("broker", "Mock"),
        ("broker", "mo:ck"),
        ("broker", ""),
        ("broker", "x" * 41),
        ("environment", "pa per"),
        ("number", "1:2"),
        ("number", ""),
        ("number", "x" * 101),
    ],
)
def test_an_account_key_refuses_what_would_make_it_ambiguous(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        AccountKey.model_validate({"broker": "mock", "environment": "paper", "number": "1", field: value})
