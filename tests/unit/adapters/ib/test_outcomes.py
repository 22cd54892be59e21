"""What IB's messages mean: a table, and what is not in it."""

from __future__ import annotations

import pytest

from planfill.adapters.brokers.ib import outcomes
from planfill.domain import errors as err

FUNDS = "Order rejected - reason:We are unable to accept your order. Your Available Funds are insufficient"
SHORT = "Order rejected - reason:Short stock positions can only be held in a margin account."
DAY_TRADES = "Order rejected - reason:Pattern day trading rules allow no more of them"


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (103, "Duplicate order id", err.BrokerUnavailable),
        (100, "Max rate of messages per second has been exceeded", err.RateLimited),
        (504, "Not connected", err.BrokerUnavailable),
        (110, "The price does not conform to the minimum price variation", err.PriceIncrementError),
        (10243, "Fractional-sized order cannot be placed via API", err.NotFractionableError),
        (200, "No security definition has been found for the request", err.NotTradableError),
        (203, "The security is not available or allowed for this account", err.NotTradableError),
        (201, FUNDS, err.InsufficientFundsError),
        (201, SHORT, err.ShortSaleError),
        (201, "Order rejected - reason:Exchange is closed.", err.MarketClosedError),
        (201, DAY_TRADES, err.AccountBlockedError),
        (201, "Order rejected - reason:No trading permissions", err.NotTradableError),
        (201, "Order rejected - reason:who knows", err.OrderRejected),
        (321, "Error validating request: the API interface is in Read-Only mode", err.NotAuthorizedError),
        (321, "Error validating request: something else", err.OrderRejected),
    ],
)
def test_a_message_that_certainly_means_no_is_the_error_that_it_is(
    code: int, text: str, error: type[Exception]
) -> None:
    found = outcomes.refused(code, text)
    assert type(found) is error
    assert text in str(found)
    if isinstance(found, err.OrderRejected):
        assert text in found.raw


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (399, "Order Message: your order will not be placed at the exchange until 09:30"),
        (404, "Shares for this order are not immediately available for short sale"),
        (10349, "Order TIF was set to DAY based on order preset."),
        (2109, "Outside Regular Trading Hours is ignored"),
        (202, "Order Canceled - reason:"),
        (163, "The following order would violate the percentage constraint"),
        (383, "The size exceeds the Size Limit: it waits in TWS for a person"),
        (98765, "what nobody knows"),
    ],
)
def test_any_other_message_proves_nothing_by_itself(code: int, text: str) -> None:
    assert outcomes.refused(code, text) is None


def test_of_an_order_that_ib_has_ended_the_message_tells_why() -> None:
    assert type(outcomes.refused_after_all(outcomes.CANCELED, FUNDS)) is err.InsufficientFundsError
    assert type(outcomes.refused_after_all(98765, "what nobody knows")) is err.OrderRejected


def test_warnings_stand_beside_an_acceptance() -> None:
    assert outcomes.is_warning(399)
    assert outcomes.is_warning(2109)
    assert not outcomes.is_warning(201)
