"""Alpaca's refusals, word by word."""

from __future__ import annotations

import json
from typing import Any, Final

NOT_FOUND: Final = 40410000
UNPROCESSABLE: Final = 42210000
INVALID: Final = 40010001
FORBIDDEN: Final = 40310000
NGINX_401: Final = b"<html>\r\n<head><title>401 Authorization Required</title></head>\r\n</html>\r\n"


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, code: int | None, message: str, **extras: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {**extras, "message": message} | ({} if code is None else {"code": code})

    def raw(self) -> bytes:
        """Write the body as Alpaca does."""
        return json.dumps(self.body, sort_keys=True).encode()


def order_not_found(name: str) -> Refused:
    """Say that there is no such order."""
    return Refused(404, NOT_FOUND, f"order not found for {name}")


def forbidden(message: str, **extras: Any) -> Refused:
    """Refuse an order for a reason of the account's."""
    return Refused(403, FORBIDDEN, message, **extras)


def invalid(message: str, code: int = INVALID) -> Refused:
    """Refuse a request that is not well formed."""
    return Refused(422, code, message)
