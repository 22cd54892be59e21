"""What each answer and each failure means: the table, row by row, and that nothing is missing from it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from alpaca.common import exceptions as sdk
from alpaca_answers import ANSWERS
from requests import exceptions as http
from urllib3 import exceptions as pool

from planfill.adapters.brokers.alpaca.outcomes import (
    REFUSALS,
    look_up_error,
    read_error,
    submit_error,
)
from planfill.domain import errors as err


def answered(status: int, body: str) -> sdk.APIError:
    """Make what the SDK raises for an answer."""
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    return sdk.APIError(body, http.HTTPError(response=response))  # type: ignore[no-untyped-call]


def said(status: int, code: int | None, text: str, **extras: Any) -> sdk.APIError:
    body = {"message": text, **extras} | ({} if code is None else {"code": code})
    return answered(status, json.dumps(body, sort_keys=True))


@pytest.mark.parametrize(("status", "code", "text", "kind"), ANSWERS)
def test_each_text_of_alpacas_is_the_error_that_it_is(
    status: int, code: int, text: str, kind: type[err.ExecutionError]
) -> None:
    error = submit_error(said(status, code, text))
    assert type(error) is kind
    assert text in str(error)
    if isinstance(error, err.OrderRejected):
        assert json.loads(error.raw)["message"] == text


def test_scenario_18_every_variant_of_40310000_has_an_error_of_its_own() -> None:
    kinds = {text: kind for _, code, text, kind in ANSWERS if code == 40310000}
    assert len(kinds) == 15
    assert set(kinds.values()) == {
        err.InsufficientFundsError, err.InsufficientQuantityError, err.NotFractionableError,
        err.WashTradeError, err.OrderTooSmallError, err.ShortSaleError, err.AccountBlockedError,
        err.MarketClosedError,
    }  # fmt: skip


def test_every_row_of_the_table_is_met_by_an_answer() -> None:
    for row in REFUSALS:
        met = [a for a in ANSWERS if a[0] == row.status and row.code in {None, a[1]} and a[3] is row.error]
        assert met or row.error in {err.OrderNotFound, err.OrderRejected}, row


def test_what_holds_the_shares_is_told() -> None:
    error = submit_error(
        said(
            403, 40310000, "insufficient qty available for order (requested: 2, available: 1)",
            available="1", existing_qty="3", held_for_orders="2", related_orders=["id-1", "id-2"],
        )
    )  # fmt: skip
    assert type(error) is err.InsufficientQuantityError
    assert "held_for_orders 2" in str(error)
    assert "related_orders id-1, id-2" in str(error)


@pytest.mark.parametrize("text", ["forbidden.", "unauthorized.", "whatever"])
def test_a_403_without_a_code_is_about_the_keys(text: str) -> None:
    assert type(submit_error(said(403, None, text))) is err.NotAuthorizedError


@pytest.mark.parametrize("body", ["", "<html>nginx</html>", '{"message": "unauthorized."}'])
def test_a_401_is_about_the_keys_whatever_its_body(body: str) -> None:
    assert type(submit_error(answered(401, body))) is err.NotAuthorizedError
    assert type(read_error(answered(401, body))) is err.NotAuthorizedError


@pytest.mark.parametrize("status", [400, 403, 404, 408, 409, 418, 422, 500, 502, 503, 504, 599])
@pytest.mark.parametrize(
    "body",
    ["", "<html>proxy</html>", "[]", "null", '{"error": "?"}', '{"message": 7}'],
    ids=["empty", "HTML", "a list", "null", "no message", "a number for a message"],
)
def test_what_nobody_recognises_is_unknown_never_a_refusal(status: int, body: str) -> None:
    assert type(submit_error(answered(status, body))) is err.OutcomeUnknown
    assert type(read_error(answered(status, body))) is err.BrokerConnectionError


@pytest.mark.parametrize("status", [408, 409, 418, 500, 502, 503, 504])
def test_a_status_that_does_not_say_no_is_unknown_whatever_its_text(status: int) -> None:
    assert (
        type(submit_error(said(status, status * 100000, "insufficient buying power"))) is err.OutcomeUnknown
    )


def test_an_order_that_is_not_there_is_not_found() -> None:
    for text in ("order not found for 1", "order not found", "some other words"):
        assert type(look_up_error(said(404, 40410000, text))) is err.OrderNotFound
        # A list, the account or the clock is no order: that it is not there is no answer about one.
        assert type(read_error(said(404, 40410000, text))) is err.BrokerConnectionError
    assert type(look_up_error(answered(404, "<html>"))) is err.BrokerConnectionError
    assert type(look_up_error(said(422, 40010001, "invalid"))) is err.BrokerConnectionError
    assert type(look_up_error(said(429, 42910000, "rate limit exceeded"))) is err.RateLimited


def kinds(above: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in above.__subclasses__():
        yield kind
        yield from kinds(kind)


OURS_OF_REQUESTS = sorted(
    {kind for kind in kinds(http.RequestException) if kind.__module__.startswith("requests.")},
    key=lambda kind: kind.__name__,
)


NOT_SENT = {
    "ConnectTimeout", "InvalidHeader", "InvalidProxyURL", "InvalidSchema", "InvalidURL", "MissingSchema",
    "UnrewindableBodyError",
}  # fmt: skip


@pytest.mark.parametrize("kind", OURS_OF_REQUESTS, ids=lambda kind: kind.__name__)
def test_every_error_of_requests_is_mapped(kind: type[http.RequestException]) -> None:
    error = (
        kind("it said", "", 0)
        if issubclass(kind, ValueError) and "JSON" in kind.__name__
        else kind("it said")
    )
    left = kind.__name__ not in NOT_SENT
    assert type(submit_error(error)) is (err.OutcomeUnknown if left else err.BrokerUnavailable)
    assert type(read_error(error)) is err.BrokerConnectionError


def test_every_error_of_the_sdk_is_mapped() -> None:
    here = {kind for kind in vars(sdk).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert here == {sdk.APIError, sdk.RetryException}
    bare = sdk.APIError("no http error")  # type: ignore[no-untyped-call]
    assert type(submit_error(sdk.RetryException())) is err.OutcomeUnknown
    assert type(submit_error(bare)) is err.OutcomeUnknown
    assert type(submit_error(TypeError("Order() argument after ** must be a mapping"))) is err.OutcomeUnknown


def beneath(reason: BaseException) -> http.ConnectionError:
    return http.ConnectionError(pool.MaxRetryError(None, "/v2/orders", reason))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reason",
    [
        pool.NewConnectionError(None, "refused"),  # type: ignore[arg-type]
        pool.NameResolutionError("host", None, socket.gaierror(-2, "unknown")),  # type: ignore[arg-type]
        pool.ConnectTimeoutError("slow"),
        pool.SSLError(ssl.SSLCertVerificationError("certificate verify failed")),
    ],
    ids=lambda reason: type(reason).__name__,
)
def test_without_a_connection_nothing_has_left(reason: Exception) -> None:
    assert type(submit_error(beneath(reason))) is err.BrokerUnavailable


@pytest.mark.parametrize(
    "reason",
    [
        pool.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")),
        pool.ProtocolError("closed without response"),
        pool.ReadTimeoutError(None, "", "slow"),  # type: ignore[arg-type]
        pool.SSLError(ssl.SSLEOFError(8, "EOF")),
    ],
    ids=lambda reason: str(reason)[:30],
)
def test_a_connection_that_broke_may_have_carried_the_order(reason: Exception) -> None:
    assert type(submit_error(beneath(reason))) is err.OutcomeUnknown
