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
    What happens to an order that is placed, to a cancel, or to who waits for the stream.

    ``fill_delay_s`` instead of the setting; ``rests``: it never fills by itself; ``at_most`` shares
    fill; ``hidden_s``: look-ups miss it so long; ``refusal``: it is refused with this; ``doom``: it is
    rejected with this when its fill is due. A cancel may be ignored (``ignore``), or come after a fill
    (``fill_first``), of ``at_most`` shares. The stream may be away for ``stream_away_s``; of its messages the
    first ``messages_lost`` do not come, or one comes again (``message_repeated``).
    """

    fill_delay_s: float | None = None
    rests: bool = False
    at_most: Quantity | None = None
    hidden_s: float = 0
    refusal: OrderRejected | None = None
    doom: str = ""
    ignore: bool = False
    fill_first: bool = False
    stream_away_s: float = 0
    messages_lost: int = 0
    message_repeated: bool = False


AS_USUAL: Final = Handling()
