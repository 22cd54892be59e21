"""An operator's evidence, as it is typed."""

from __future__ import annotations

import typer
from pydantic import ValidationError

from planfill.domain.numerals import exact
from planfill.domain.resolution import Canceled, Filled, NeverPlaced, Resolution


def resolution(filled: str | None, *, canceled: bool, never_placed: bool) -> Resolution:
    """
    Read which of the three it is; ``filled`` is ``QUANTITY@PRICE``.

    Raises:
        typer.BadParameter: Not exactly one of them, or not two positive numbers.

    """
    if (filled is not None) + canceled + never_placed != 1:
        msg = "say one of --filled QUANTITY@PRICE, --canceled and --never-placed"
        raise typer.BadParameter(msg)
    if filled is None:
        return Canceled() if canceled else NeverPlaced()
    quantity, _, price = filled.partition("@")
    try:
        return Filled.model_validate({"quantity": exact(quantity), "price": exact(price)})
    except (ValidationError, ValueError) as e:
        msg = f"{filled!r} is not a quantity and a price such as 2.5@401.25"
        raise typer.BadParameter(msg) from e
