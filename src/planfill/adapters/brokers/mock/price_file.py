"""Reading the file of last prices."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = "mock.prices"
_FORMATS: Final = 'write it as {"last": {"SPY": "450.10"}} or as CSV with the header symbol,price'


def read_prices(source: Path | Mapping[str, Any] | None) -> tuple[Mapping[str, object], str]:
    """
    Read the last prices as they are written, and say where they come from.

    Raises:
        SettingsError: There are none, under the path ``mock.prices``.

    """
    if source is None:
        raise _refusal("no prices: name a file of last prices, as in PLANFILL_MOCK__PRICES=prices.json")
    if isinstance(source, Path):
        last, origin = _parsed(_text(source), source), str(source)
    else:
        last, origin = source, _PATH
    if not last:
        raise _refusal(f"{origin} holds no prices: {_FORMATS}")
    return last, origin


def _refusal(message: str) -> SettingsError:
    return SettingsError([Problem(path=_PATH, message=message)])


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise _refusal(f"there is no file {path.absolute()}: name the file of last prices") from None
    except IsADirectoryError:
        raise _refusal(f"{path} is a folder: name a file in it") from None
    except UnicodeDecodeError:
        raise _refusal(f"{path} is not text in UTF-8: {_FORMATS}") from None
    except OSError as e:
        raise _refusal(f"{path} cannot be read: {e.strerror}") from None


def _parsed(text: str, path: Path) -> Mapping[str, object]:
    if not text.lstrip().startswith(("{", "[")):
        return _from_csv(text, path)
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as e:
        raise _refusal(f"{path} is not JSON ({e}): {_FORMATS}") from None
    last = document.get("last") if isinstance(document, dict) else None
    if not isinstance(last, dict):
        raise _refusal(f'{path} has no "last": {_FORMATS}')
    return last


def _from_csv(text: str, path: Path) -> Mapping[str, object]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
    if not {"symbol", "price"} <= columns.keys():
        raise _refusal(f"{path} is neither JSON nor CSV: {_FORMATS}")
    symbol, price = columns["symbol"], columns["price"]
    return {row[symbol]: (row[price] or "").strip() for row in rows if row[symbol]}
