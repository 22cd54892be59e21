"""
What each answer of Alpaca, and each failure to get one, means for the request.

Facts and their evidence are in ``docs/reference/alpaca.md``. Alpaca's numeric code is hardly more than the
HTTP status; the text tells which refusal it is. What nobody recognises is ``OutcomeUnknown`` on a submit:
forgetting a case costs a look-up, not a second order.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from alpaca.common.exceptions import APIError
from requests import exceptions as http
from urllib3 import exceptions as pool

from planfill.domain import errors as err

if TYPE_CHECKING:
    from collections.abc import Iterator


class DuplicateOrderId(err.OrderPlacementError):
    """Alpaca has an order under this client order id: it landed, or another one did. Look it up."""


class Refusal(NamedTuple):
    """A text of Alpaca's, at a status and a code (None: any), and the error that it is."""

    status: int
    code: int | None
    text: str
    error: type[err.ExecutionError]


# The first row that fits counts.
REFUSALS: Final = (
    Refusal(422, 40010001, r"client_order_id must be unique", DuplicateOrderId),
    Refusal(403, 40310000, r"insufficient (day trading )?buying power", err.InsufficientFundsError),
    Refusal(403, 40310000, r"insufficient qty available", err.InsufficientQuantityError),
    Refusal(403, 40310000, r"not fractionable", err.NotFractionableError),
    Refusal(403, 40310000, r"potential wash trade", err.WashTradeError),
    Refusal(422, 42210000, r"potential wash trade", err.WashTradeError),
    Refusal(403, 40310000, r"short sell order is open", err.WashTradeError),
    Refusal(403, 40310000, r"cost basis must be >=", err.OrderTooSmallError),
    Refusal(422, None, r"notional must be >=", err.OrderTooSmallError),
    Refusal(422, 40010001, r"qty must be > 0", err.OrderTooSmallError),
    Refusal(403, 40310000, r"not allowed to short", err.ShortSaleError),
    Refusal(422, 42210000, r"cannot be sold short", err.ShortSaleError),
    Refusal(403, 40310000, r"open closing position orders", err.ShortSaleError),
    Refusal(403, 40310000, r"not authorized to trade", err.AccountBlockedError),
    Refusal(403, 40310000, r"restricted to liquidation", err.AccountBlockedError),
    Refusal(403, 40310000, r"rejected by user request", err.AccountBlockedError),
    Refusal(403, 40310000, r"fractional trading is disabled", err.AccountBlockedError),
    Refusal(403, 40310100, r"pattern day trading", err.AccountBlockedError),
    Refusal(403, 40310000, r"(opg|cls) orders must be submitted", err.MarketClosedError),
    Refusal(422, 42210000, r"extended hours order must be", err.MarketClosedError),
    Refusal(422, 40010001, r"asset .* is not active", err.NotTradableError),
    Refusal(422, 42210000, r"asset .* not found", err.NotTradableError),
    Refusal(404, 40410000, r"(symbol|asset) not found", err.NotTradableError),
    Refusal(422, 42210000, r"sub-penny increment", err.PriceIncrementError),
    Refusal(422, 42210000, r"must be limited to 2 decimal places", err.PriceIncrementError),
    Refusal(404, 40410000, r"order not found", err.OrderNotFound),
    Refusal(401, None, r"", err.NotAuthorizedError),
    # Whatever else Alpaca itself refuses is refused: its texts are many, and they are its own.
    Refusal(400, None, r"", err.OrderRejected),
    Refusal(403, None, r"", err.OrderRejected),
    Refusal(404, None, r"", err.OrderRejected),
    Refusal(422, None, r"", err.OrderRejected),
)

# What the SDK and what is beneath it raise before a request has left. After anything else it may have.
NEVER_LEFT: Final = (
    http.ConnectTimeout,
    http.InvalidURL,
    http.InvalidSchema,
    http.MissingSchema,
    http.InvalidHeader,
    http.InvalidProxyURL,
    http.UnrewindableBodyError,
)
# What such a failure was made from, at the bottom of it, where the connection was never there.
_NO_CONNECTION: Final = (
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
    pool.NewConnectionError,
    pool.ConnectTimeoutError,
)


NOT_FOUND: Final = 40410000


class Answer(NamedTuple):
    """An answer that is no success: its status, its code and text where it is Alpaca's, and all of it."""

    status: int
    code: int | None
    message: str
    raw: str
    is_alpacas: bool

    @property
    def detail(self) -> str:
        """What people should read: the text, with what else Alpaca says about it."""
        if not self.is_alpacas:
            return f"HTTP {self.status}: {' '.join(self.raw.split())[:200] or 'empty'}"
        rest = {k: v for k, v in json.loads(self.raw).items() if k not in {"code", "message"}}
        extras = ", ".join(f"{name} {_plainly(value)}" for name, value in rest.items())
        return f"{self.message} ({extras})" if extras else self.message


def read_answer(error: APIError) -> Answer:
    """Read what the SDK raised; its own ``code`` and ``message`` fail on half of what Alpaca answers."""
    status, raw = error.status_code or 0, str(error)
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return Answer(status, None, "", raw, is_alpacas=False)
    code = body.get("code")
    return Answer(status, code if isinstance(code, int) else None, body["message"], raw, is_alpacas=True)


def refused(answer: Answer) -> err.ExecutionError | None:
    """Give the error of an answer that certainly means no; None where nobody knows what it means."""
    if answer.status == 429:  # noqa: PLR2004
        return err.RateLimited(answer.detail)
    if not answer.is_alpacas and answer.status != 401:  # noqa: PLR2004 - nginx answers in HTML there
        return None
    if answer.status == 403 and answer.code is None:  # noqa: PLR2004
        return err.NotAuthorizedError(answer.detail, raw=answer.raw)
    for row in REFUSALS:
        fits = row.status == answer.status and row.code in {None, answer.code}
        if fits and re.search(row.text, answer.message):
            kind = row.error
            return (
                kind(answer.detail, raw=answer.raw)
                if issubclass(kind, err.OrderRejected)
                else kind(answer.detail)
            )
    return None


def submit_error(error: Exception) -> err.ExecutionError:
    """Say what a failed submit means."""
    if isinstance(error, APIError):
        answer = read_answer(error)
        return refused(answer) or err.OutcomeUnknown(answer.detail)
    if never_left(error):
        return err.BrokerUnavailable(_said(error))
    return err.OutcomeUnknown(_said(error))


def look_up_error(error: Exception) -> err.ExecutionError:
    """Say what a failed look-up or cancel of an order means: there is none, or what ``read_error`` says."""
    if isinstance(error, APIError):
        answer = read_answer(error)
        if answer.status == 404 and answer.code == NOT_FOUND:  # noqa: PLR2004
            return err.OrderNotFound(answer.detail)
    return read_error(error)


def read_error(error: Exception) -> err.ExecutionError:
    """Say what a failure to read anything means: not allowed, or nothing known."""
    if isinstance(error, APIError):
        answer = read_answer(error)
        found = refused(answer)
        known = err.RateLimited, err.NotAuthorizedError
        return found if isinstance(found, known) else err.BrokerConnectionError(answer.detail)
    return err.BrokerConnectionError(_said(error))


def never_left(error: BaseException) -> bool:
    """Tell whether a request certainly was not sent."""
    if isinstance(error, NEVER_LEFT):
        return True
    return isinstance(error, http.ConnectionError) and any(
        isinstance(one, _NO_CONNECTION) for one in _beneath(error)
    )


def _beneath(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what it was made from: requests and urllib3 hand it on as an argument."""
    seen: set[int] = set()
    left: list[Any] = [error]
    while left:
        one = left.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _said(error: Exception) -> str:
    """Say in a line what went wrong: what is beneath says it best, what is above hides it in addresses."""
    if isinstance(error, http.RequestException):
        host = urlsplit(getattr(error.request, "url", "") or "").netloc or "Alpaca"
        if isinstance(error, http.ReadTimeout):
            return f"no answer from {host} in time"
        if isinstance(error, http.ConnectTimeout):
            return f"no connection to {host} in time"
        causes = [one.strerror for one in _beneath(error) if isinstance(one, OSError) and one.strerror]
        if isinstance(error, http.ConnectionError) and causes:
            return f"{host}: {causes[-1]}"
    return f"{type(error).__name__}: {error}"


def _plainly(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
