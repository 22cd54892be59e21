from decimal import Decimal

import pytest
from pydantic import ValidationError

from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy


def test_the_defaults_are_those_of_the_design() -> None:
    execution, limits = Policy().execution, Policy().limits
    assert execution.model_dump() == {
        "style": "market",
        "limit_collar_bps": 25,
        "order_deadline_s": 120,
        "poll_s": 0.25,
        "poll_max_s": 2,
        "concurrency": 64,
        "max_quote_age_s": 60,
        "max_spread_bps": 200,
        "max_deviation_bps": 500,
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
    assert limits.model_dump() == {
        "max_market_usd": 100_000,
        "breaker_min_sample": 5,
        "breaker_halt_pct": 50,
        "breaker_warn_pct": 20,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("style", "twap"),
        ("limit_collar_bps", -1),
        ("limit_collar_bps", 10000),
        ("order_deadline_s", 0),
        ("concurrency", 0),
        ("concurrency", 1001),
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
