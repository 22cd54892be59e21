"""A list of last prices as people write them: JSON or CSV."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS: Final = 'write it as {"last": {"SPY": "450.10"}} or as CSV with the header symbol,price'


class PriceList(NamedTuple):
    """Last prices by symbol, each as it is written, be it nonsense; ``as_of`` where the list says when."""

    last: Mapping[str, object]
    as_of: datetime | None = None


def read_price_list(text: str) -> PriceList:
    """
    Read a list; a time without a zone, or what is none, is no time.

    Raises:
        ValueError: It is neither of the two; says how it is written.

    """
    if not text.lstrip().startswith(("{", "[")):
        return PriceList(_from_csv(text))
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as e:
        msg = f"is not JSON ({e}): {FORMATS}"
        raise ValueError(msg) from None
    last = document.get("last") if isinstance(document, dict) else None
    if not isinstance(last, dict):
        msg = f'has no "last": {FORMATS}'
        raise ValueError(msg)  # noqa: TRY004 - what somebody wrote, not what a caller passed
    return PriceList(last, _moment(document.get("as_of")))


def _from_csv(text: str) -> Mapping[str, object]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
    if not {"symbol", "price"} <= columns.keys():
        msg = f"is neither JSON nor CSV: {FORMATS}"
        raise ValueError(msg)
    symbol, price = columns["symbol"], columns["price"]
    return {row[symbol]: (row[price] or "").strip() for row in rows if row[symbol]}


def _moment(written: Any) -> datetime | None:  # noqa: ANN401 - what JSON holds
    try:
        at = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None
