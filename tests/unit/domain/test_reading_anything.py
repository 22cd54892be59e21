"""No input whatsoever makes reading raise anything but PlanInvalid, and what it reads can be kept."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from planfill.domain.errors import PlanInvalid
from planfill.domain.plan import Plan, PlanItem
from planfill.domain.reading import read_plan, read_plan_text

ITEM_FIELDS, PLAN_FIELDS = set(PlanItem.model_fields), set(Plan.model_fields)
REQUIRED = {"symbol", "action", "trade_amount", "plan_id", "correlation_id", "timestamp", "items", "metadata"}
WORDS = st.sampled_from(
    [
        "BUY",
        "sell",
        "Hold",
        "SPY",
        "QQQ",
        "spy",
        "1000",
        "-5",
        "0",
        "NaN",
        "1e999",
        "0.05",
        "2021-03-31T20:55:00Z",
    ]
)
NUMBERS = (
    st.integers(-3, 7)
    | st.integers()
    | st.floats(width=32)
    | st.floats()
    | st.decimals()
    | st.decimals(0, 10**6, places=2)
    | st.just(5000).map(lambda digits: 10**digits)
    | st.sampled_from([Decimal("1E+999999999"), Decimal("-1E-999999999"), True, 1e300])
)
TEXTS = WORDS | st.text() | st.characters(categories=["Cs"])
KEYS = st.sampled_from(sorted(PLAN_FIELDS | ITEM_FIELDS)) | TEXTS
OTHERS = (
    st.none()
    | st.binary()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.builds(object)
    | st.uuids()
)
LEAVES = TEXTS | NUMBERS | OTHERS


def nested(leaves: SearchStrategy[Any], keys: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=5)
            | st.builds(tuple, st.lists(inner, max_size=2))
        ),
        max_leaves=12,
    )


ANYTHING = nested(LEAVES, KEYS | st.integers() | st.none())
ITEMS = st.lists(st.dictionaries(KEYS, ANYTHING, max_size=6) | ANYTHING, max_size=4)
NEARLY_ITEMS = st.fixed_dictionaries(
    {"symbol": WORDS | LEAVES, "action": st.sampled_from(["BUY", "SELL", "HOLD"]) | LEAVES},
    optional={"trade_amount": NUMBERS | WORDS, **dict.fromkeys(sorted(ITEM_FIELDS - REQUIRED), LEAVES)},
)
NEARLY_PLANS = st.fixed_dictionaries(
    {
        "plan_id": st.just("p") | LEAVES,
        "correlation_id": st.just("c"),
        "timestamp": st.just(datetime(2021, 3, 31, tzinfo=UTC)) | st.just("2021-03-31T20:55:00Z") | LEAVES,
        "items": st.lists(NEARLY_ITEMS, max_size=3) | ITEMS,
    },
    optional={
        **dict.fromkeys(sorted(PLAN_FIELDS - REQUIRED), LEAVES),
        "metadata": ANYTHING,
        "odd": ANYTHING,
    },
)


def judge(read: Any, document: object) -> None:
    try:
        plan = read(document)
    except PlanInvalid as invalid:
        refused = invalid
    else:
        again = Plan.model_validate_json(plan.model_dump_json())
        assert again.digest == plan.digest
        return
    assert refused.problems
    assert str(refused).encode()


@settings(max_examples=120)
@given(ANYTHING | NEARLY_PLANS)
def test_whatever_python_hands_over_is_a_plan_or_invalid(document: object) -> None:
    judge(read_plan, document)


@settings(max_examples=120)
@given(NEARLY_PLANS | ANYTHING)
def test_whatever_is_written_as_json_is_a_plan_or_invalid(document: object) -> None:
    try:
        text = json.dumps(document, default=str, skipkeys=True)
    except ValueError:  # an integer of more digits than Python writes
        return
    judge(read_plan_text, text)


@settings(max_examples=100)
@given(st.text() | st.binary())
def test_whatever_text_or_bytes_are_a_plan_or_invalid(text: str | bytes) -> None:
    judge(read_plan_text, text)


@settings(max_examples=150)
@given(st.text(st.sampled_from('{}[]":,0123456789eE+-.NaInfity\\u d8"'), max_size=60))
def test_whatever_looks_like_json_is_a_plan_or_invalid(text: str) -> None:
    judge(read_plan_text, text)
    judge(
        read_plan_text,
        f'{{"plan_id":"p","correlation_id":"c","timestamp":"2021-03-31T20:55:00Z","items":[],"metadata":{text}}}',
    )
