"""What is sent instead of an answer, by the fault that the request met."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

from alpaca_server.distorting import distorted
from alpaca_server.faults import Fault


class Said(NamedTuple):
    """An answer: its status, and its body as bytes."""

    status: int
    body: bytes


_PAGE: Final = b"<html><body>upstream request timeout</body></html>"
# The request has its effect, and this is what its sender sees.
_INSTEAD: Final = {
    Fault.ANSWER_504: Said(504, b'{"code":50410000,"message":"request timed out"}'),
    Fault.ANSWER_504_HTML: Said(504, _PAGE),
    Fault.ANSWER_500: Said(500, b'{"code":50010000,"message":"internal server error occurred"}'),
    Fault.ANSWER_500_EMPTY: Said(500, b""),
    Fault.ANSWER_502_HTML: Said(502, _PAGE),
    Fault.EMPTY_200: Said(200, b""),
    Fault.EMPTY_204: Said(204, b""),
    Fault.MOVED: Said(301, b""),
    Fault.MOVED_HTML: Said(302, _PAGE),
    Fault.UNREADABLE: Said(200, _PAGE),
    Fault.ERROR_200: Said(200, b'{"code":40010001,"message":"an error, and not said to be one"}'),
}
# The request has no effect.
_REFUSAL: Final = {
    Fault.UNAVAILABLE: Said(503, b'{"message":"service unavailable"}'),
    Fault.UNAVAILABLE_HTML: Said(503, _PAGE),
    Fault.UNAVAILABLE_EMPTY: Said(503, b""),
    Fault.FORBIDDEN: Said(403, b'{"message":"forbidden."}'),
}
_TOO_MANY: Final = Said(429, b'{"code":42910000,"message":"rate limit exceeded"}')
_TOO_MANY_DATA: Final = Said(429, b'{"message":"too many requests."}')
NO_ANSWER: Final = frozenset({Fault.RESET, Fault.LOST_REQUEST, Fault.DELIVERED_LATE})


def undone(fault: Fault | None, *, is_data: bool) -> Said:
    """Give the answer to a request that had no effect."""
    if fault in {Fault.RATE_LIMITED, Fault.RATE_LIMITED_BARE}:
        return _TOO_MANY_DATA if is_data else _TOO_MANY
    return _REFUSAL.get(fault, Said(503, b"")) if fault is not None else Said(503, b"")


def shown(status: int, body: bytes, fault: Fault | None) -> Said:
    """Give the answer to a request that had its effect, as its sender sees it."""
    instead = _INSTEAD.get(fault) if fault is not None else None
    return instead or Said(status, distorted(body, fault) if status == HTTPStatus.OK else body)
