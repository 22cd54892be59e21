import pytest

from planfill.domain.outcome import LineOutcome, Reason, Residual, closed_as

SKIPPED = {
    Reason.AMOUNT_ZERO: Residual.SKIPPED,
    Reason.BELOW_MINIMUM: Residual.DUST,
    Reason.ROUNDS_TO_ZERO: Residual.ROUNDING,
    Reason.REMAINDER_TOO_SMALL: Residual.DUST,
    Reason.NO_PRICE: Residual.SKIPPED,
    Reason.BAD_PRICE: Residual.SKIPPED,
    Reason.CROSSED_PRICE: Residual.SKIPPED,
    Reason.STALE_PRICE: Residual.SKIPPED,
    Reason.NOT_HELD: Residual.HOLDING,
}


@pytest.mark.parametrize("reason", Reason)
def test_a_line_of_which_nothing_was_sent_is_skipped_for_these_reasons_and_blocked_for_all_others(
    reason: Reason,
) -> None:
    if reason in SKIPPED:
        assert closed_as(reason) == (LineOutcome.SKIPPED, SKIPPED[reason])
    else:
        own = {
            Reason.NO_FUNDS: Residual.FUNDING,
            Reason.SELLS_FAILED: Residual.FUNDING,
            Reason.ROLLOUT: Residual.ROLLOUT,
        }
        assert closed_as(reason) == (LineOutcome.BLOCKED, own.get(reason, Residual.BLOCKED))


def test_a_line_without_a_reason_is_blocked() -> None:
    assert closed_as(None) == (LineOutcome.BLOCKED, Residual.BLOCKED)
