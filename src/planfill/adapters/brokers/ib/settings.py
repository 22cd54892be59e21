"""What can be set about Interactive Brokers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from planfill.domain.errors import NotAuthorizedError
from planfill.domain.market import Capabilities

# Where IB Gateway listens, if it was not told otherwise; TWS has 7497 and 7496.
_PORTS: Final = {"paper": 4002, "live": 4001}
# How the numbers of paper accounts begin: of a person, an adviser, a broker. Any other may be live.
_PAPER: Final = ("DU", "DF", "DI")


class IbSettings(BaseModel, frozen=True, extra="forbid"):
    """
    The section ``[ib]``. Names ending in ``_s`` are seconds.

    ``environment``
        ``paper`` or ``live``; live also needs ``rollout.allow_live``. Accounts of the other kind are refused.
    ``host``, ``port``
        Where IB Gateway or TWS listens; no port stands for the gateway's own, 4002 for paper and 4001 for
        live. The way there is not encrypted: it should be this machine.
    ``client_id``
        Our number among the programs that are connected. Only the one that has placed an order can cancel it:
        it must stay the same, and nobody else may have it. Previews have another.
    ``account``
        The account's number; needed only where the gateway shows several.
    ``timeout_s``, ``connect_timeout_s``, ``quote_timeout_s``
        How long an answer, a connection, and the first quote of a symbol may take.
    ``max_delivery_delay_s``
        How long an order may be on its way after we have given up waiting for an answer to it.
    """

    environment: Literal["paper", "live"] = "paper"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    client_id: Annotated[int, Field(ge=1, le=999_999)] = 71
    account: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 10
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5
    quote_timeout_s: Annotated[float, Field(gt=0, le=30)] = 4
    max_delivery_delay_s: Annotated[float, Field(ge=0)] = 10

    @property
    def listens_at(self) -> int:
        """The port of the gateway."""
        return self.port or _PORTS[self.environment]

    @property
    def capabilities(self) -> Capabilities:
        """What IB's API does and does not: names need not be unique, and shares are whole."""
        return Capabilities(
            unique_ids=False,
            max_delivery_delay_s=self.max_delivery_delay_s,
            fractions=False,
            notional=False,
            concurrency=16,
        )

    @property
    def is_live(self) -> bool:
        """Whether real money is at stake."""
        return self.environment == "live"

    @property
    def apart(self) -> dict[str, list[object]]:
        """What another account must not have too: its number, and at one gateway our number and the next."""
        gateway = (self.host, self.listens_at)
        ours = (self.client_id, self.client_id + 1)
        # Without a number it is the only one that the gateway shows.
        return {"account": [self.account or gateway], "client_id": [(*gateway, one) for one in ours]}

    def choose(self, shown: Sequence[str]) -> str:
        """
        Choose the account of those that the gateway shows.

        Raises:
            NotAuthorizedError: It is not there, or none of the kind that ``environment`` names.

        """
        if self.account is not None and self.account not in shown:
            raise NotAuthorizedError("the gateway is logged in to other accounts than ib.account names")
        if self.account is None and len(shown) != 1:
            raise NotAuthorizedError(f"the gateway shows {len(shown)} accounts: name one as ib.account")
        account = self.account or shown[0]
        kind = "paper" if account.startswith(_PAPER) else "live"
        if kind != self.environment:
            raise NotAuthorizedError(
                f"the gateway's account is a {kind} one, and ib.environment says {self.environment!r}"
            )
        return account
