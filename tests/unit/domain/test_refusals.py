import pytest

from planfill.domain import errors as err
from planfill.domain.outcome import Reason
from planfill.domain.refusals import REASON_OF, reason_of


class DayTrading(err.InsufficientFundsError):
    """A refusal that an adapter tells more finely."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (err.OrderRejected("no"), Reason.REJECTED),
        (err.InsufficientFundsError("no"), Reason.INSUFFICIENT_FUNDS),
        (err.InsufficientQuantityError("no"), Reason.INSUFFICIENT_QUANTITY),
        (err.NotFractionableError("no"), Reason.NOT_FRACTIONABLE),
        (err.NotTradableError("no"), Reason.NOT_TRADABLE),
        (err.MarketClosedError("no"), Reason.MARKET_CLOSED),
        (err.OrderTooSmallError("no"), Reason.TOO_SMALL),
        (err.PriceIncrementError("no"), Reason.PRICE_INCREMENT),
        (err.WashTradeError("no"), Reason.WASH_TRADE),
        (err.ShortSaleError("no"), Reason.SHORT_SALE),
        (err.AccountBlockedError("no"), Reason.ACCOUNT_BLOCKED),
        (err.NotAuthorizedError("no"), Reason.NOT_AUTHORIZED),
        (err.OrderConflict("no"), Reason.ORDER_CONFLICT),
        (DayTrading("no"), Reason.INSUFFICIENT_FUNDS),
        (err.OrderPlacementError("no"), Reason.REJECTED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_refusal_has_its_reason_code(error: err.OrderPlacementError, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_no_kind_of_refusal_is_forgotten() -> None:
    known = {err.OrderConflict, err.OrderRejected, *err.OrderRejected.__subclasses__()}
    assert set(REASON_OF) == {kind for kind in known if kind.__module__ == err.__name__}
    assert len(set(REASON_OF.values())) == len(REASON_OF)
