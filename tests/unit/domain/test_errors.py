import re

import pytest

from planfill.domain import errors as err

EXIT_CODES = {
    err.ExecutionError: 70,
    err.PlanError: 2,
    err.PlanInvalid: 2,
    err.PlanConflict: 2,
    err.PlanNotApproved: 2,
    err.PlanUnknown: 2,
    err.OrderNotInDoubt: 2,
    err.SettingsError: 2,
    err.BrokerConnectionError: 3,
    err.BrokerUnavailable: 3,
    err.NotPermitted: 3,
    err.OutcomeUnknown: 3,
    err.OrderPlacementError: 1,
    err.OrderRejected: 1,
    err.InsufficientFundsError: 1,
    err.InsufficientQuantityError: 1,
    err.NotFractionableError: 1,
    err.NotTradableError: 1,
    err.MarketClosedError: 1,
    err.OrderTooSmallError: 1,
    err.PriceIncrementError: 1,
    err.WashTradeError: 1,
    err.ShortSaleError: 1,
    err.AccountBlockedError: 1,
    err.NotAuthorizedError: 1,
    err.RateLimited: 3,
    err.OrderHidden: 3,
    err.OrderConflict: 1,
    err.OrderNotFound: 70,
    err.LedgerError: 2,
    err.LedgerUnavailable: 2,
    err.LedgerTooNew: 2,
    err.LedgerCorrupt: 2,
    err.FenceLost: 3,
    err.AccountBusy: 3,
    err.ShadowFailed: 1,
    err.ProcessForked: 70,
    err.AlreadyClosed: 70,
    err.AccountMismatch: 2,
    err.AccountUnknown: 2,
    err.HaltUnavailable: 3,
    err.AlertNotDelivered: 1,
}


def test_every_error_has_the_exit_code_of_this_table() -> None:
    here = [kind for kind in vars(err).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    public = [kind for kind in here if not kind.__name__.startswith("_")]
    assert {kind: kind.exit_code for kind in public if issubclass(kind, err.ExecutionError)} == EXIT_CODES


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    above: list[tuple[int, str]] = []
    drawn: dict[str, str] = {}
    for lead, name in re.findall(r"^    ([|` -]*)([A-Z]\w+)", err.__doc__ or "", re.MULTILINE):
        above = [entry for entry in above if entry[0] < len(lead)]
        drawn[name] = above[-1][1] if above else "Exception"
        above.append((len(lead), name))
    assert set(drawn) == {kind.__name__ for kind in EXIT_CODES}
    for kind in EXIT_CODES:
        public = (base.__name__ for base in kind.__mro__[1:] if not base.__name__.startswith("_"))
        assert drawn[kind.__name__] == next(public)


def test_what_may_be_sent_again_is_never_what_may_be_working() -> None:
    assert not issubclass(err.BrokerUnavailable, err.OutcomeUnknown)
    assert not issubclass(err.OutcomeUnknown, err.BrokerUnavailable)
    assert issubclass(err.NotPermitted, err.BrokerUnavailable)
    assert not issubclass(err.NotAuthorizedError, err.BrokerUnavailable)


@pytest.mark.parametrize(
    ("kind", "title"),
    [(err.PlanInvalid, "the plan is not valid"), (err.SettingsError, "the settings are not valid")],
)
def test_an_error_of_problems_lists_each_with_its_path(
    kind: type[err.PlanInvalid | err.SettingsError], title: str
) -> None:
    problems = [
        err.Problem(path="items[3].trade_amount", message="no number"),
        err.Problem(path="", message="too large"),
    ]
    error = kind(problems)
    assert error.problems == tuple(problems)
    assert str(error) == f"{title}:\n  items[3].trade_amount: no number\n  too large"


def test_an_error_without_a_list_has_no_problems() -> None:
    assert err.AccountBusy("busy").problems == ()


def test_our_own_refusal_says_its_reason_code() -> None:
    error = err.NotPermitted("HALTED", "halted by an operator")
    assert (error.reason, str(error)) == ("HALTED", "halted by an operator")


def test_a_rejection_keeps_the_answer_of_the_broker() -> None:
    error = err.InsufficientFundsError("too little", raw='{"code": 40310000}')
    assert (str(error), error.raw) == ("too little", '{"code": 40310000}')
    assert err.OrderRejected("no").raw == ""
