"""How one request is treated other than usual; a script says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from planfill.domain.errors import OrderRejected
    from planfill.domain.values import Quantity


@dataclass(frozen=True, slots=True)
class Handling:
    """
    What happens to an order that is placed, or to a cancel.

    ``fill_delay_s`` instead of the setting; ``rests``: it never fills by itself; ``at_most`` shares
    fill; ``hidden_s``: look-ups miss it so long; ``refusal``: it is refused with this; ``doom``: it is
    rejected with this when its fill is due. A cancel may be ignored (``ignore``), or come after a fill
    (``fill_first``), of ``at_most`` shares.
    """

    fill_delay_s: float | None = None
    rests: bool = False
    at_most: Quantity | None = None
    hidden_s: float = 0
    refusal: OrderRejected | None = None
    doom: str = ""
    ignore: bool = False
    fill_first: bool = False


AS_USUAL: Final = Handling()
