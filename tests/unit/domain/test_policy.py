import json
from decimal import Decimal

import pytest
from pydantic import ValidationError

from planfill.domain.plan import Urgency
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy


def test_the_defaults_are_those_of_the_design() -> None:
    execution, limits = Policy().execution, Policy().limits
    assert execution.model_dump() == {
        "style": "market",
        "urgency": {},
        "walk_steps": 3,
        "walk_step_s": 10,
        "walk_end": "market",
        "limit_collar_bps": 25,
        "order_deadline_s": 120,
        "poll_s": 0.25,
        "poll_max_s": 2,
        "concurrency": 64,
        "max_quote_age_s": 60,
        "max_spread_bps": 200,
        "max_deviation_bps": 500,
        "max_source_deviation_bps": 200,
        "max_quote_size_pct": None,
        "min_time_to_close_s": 300,
        "sequencing": "sells_first",
        "funding": "cash",
        "on_shortfall": "scale",
        "on_failed_sell": "scale_buys",
        "market_closed": "refuse",
        "cash_buffer_bps": 50,
        "funding_wait_s": 15,
        "exit_tolerance": Decimal("0.05"),
        "cancel_grace_s": 30,
        "max_plan_age_s": None,
        "max_resume_age_s": 3600,
    }
    assert {name: value for name, value in limits.model_dump().items() if value not in {None, ()}} == {
        "max_market_usd": 100_000,
        "on_breach": "refuse_plan",
        "breaker_min_sample": 5,
        "breaker_halt_pct": 50,
        "breaker_warn_pct": 20,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("style", "twap"),
        ("urgency", {"HIGH": "twap"}),
        ("urgency", {"ASAP": "market"}),
        ("walk_steps", 1),
        ("walk_steps", 21),
        ("walk_step_s", 0),
        ("walk_end", "cross"),
        ("limit_collar_bps", -1),
        ("limit_collar_bps", 10000),
        ("order_deadline_s", 0),
        ("concurrency", 0),
        ("concurrency", 1001),
        ("max_quote_size_pct", 0),
        ("cash_buffer_bps", 10000),
        ("cash_buffer_bps", -1),
        ("exit_tolerance", "1.01"),
        ("exit_tolerance", "-0.01"),
        ("max_plan_age_s", -1),
        ("no_such_setting", 1),
    ],
)
def test_a_setting_of_execution_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        ExecutionPolicy.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_market_usd", 0),
        ("max_order_shares", 0),
        ("breaker_min_sample", 0),
        ("breaker_halt_pct", 0),
        ("breaker_halt_pct", 101),
        ("breaker_warn_pct", 0),
        ("no_such_limit", 1),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        LimitsPolicy.model_validate({field: value})


def test_a_look_at_what_would_be_done_now_waits_for_no_session() -> None:
    execution = ExecutionPolicy(market_closed="wait", poll_s=3)
    assert Policy(execution=execution).at_once().execution == ExecutionPolicy(poll_s=3)


def test_the_urgency_of_a_plan_picks_its_style_and_what_is_not_named_goes_by_the_style() -> None:
    policy = ExecutionPolicy.model_validate(
        {"style": "limit", "urgency": {"low": "walk", "URGENT": "market"}}
    )
    assert [policy.style_for(urgency) for urgency in Urgency] == ["walk", "limit", "limit", "market"]


def test_a_policy_that_was_recorded_before_there_were_styles_is_one_of_market_orders() -> None:
    old = Policy().model_dump(mode="json")
    for name in ("urgency", "walk_steps", "walk_step_s", "walk_end"):
        del old["execution"][name]
    assert Policy.model_validate_json(json.dumps(old)) == Policy()
