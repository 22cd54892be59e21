"""Reading the file of last prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planfill.domain.errors import Problem, SettingsError
from planfill.domain.price_list import FORMATS, read_price_list

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = "mock.prices"


def read_prices(source: Path | Mapping[str, Any] | None) -> tuple[Mapping[str, object], str]:
    """
    Read the last prices as they are written, and say where they come from.

    Raises:
        SettingsError: There are none, under the path ``mock.prices``.

    """
    if source is None:
        raise _refusal("no prices: name a file of last prices, as in PLANFILL_MOCK__PRICES=prices.json")
    if isinstance(source, Path):
        last, origin = _listed(source), str(source)
    else:
        last, origin = source, _PATH
    if not last:
        raise _refusal(f"{origin} holds no prices: {FORMATS}")
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
        raise _refusal(f"{path} is not text in UTF-8: {FORMATS}") from None
    except OSError as e:
        raise _refusal(f"{path} cannot be read: {e.strerror}") from None


def _listed(path: Path) -> Mapping[str, object]:
    try:
        return read_price_list(_text(path)).last
    except ValueError as e:
        raise _refusal(f"{path} {e}") from None
