"""How often the broker was asked, in figures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planfill.domain.values import Value


class CallCount(Value, frozen=True):
    """
    How many calls of one method of the broker's ports ended in one way.

    ``status`` is ``ok``, the name of the error in the tree of ``domain.errors``, ``unforeseen`` for any
    other, or ``abandoned`` where nobody waited for the answer any more.
    """

    call: str
    status: str
    calls: Annotated[int, Field(ge=0)]
