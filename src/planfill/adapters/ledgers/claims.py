"""The claim on an account, and what an append must show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from planfill.adapters.ledgers.rows import belongs_to, is_execution
from planfill.application.ports.ledger import Claim
from planfill.domain.errors import AccountBusy, FenceLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from planfill.domain.identity import AccountKey


class HeldClaim(Claim):
    """A claim that ``release`` gives back; giving back twice does nothing more."""

    def __init__(self, account: AccountKey, fence: int, release: Callable[[], None]) -> None:
        self.account = account
        self.fence = fence
        self._release = release

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()


def busy(account: AccountKey, holder: str, since: str) -> AccountBusy:
    """Say who holds an account and since when; either may be unknown for a moment."""
    moment = f" since {since}" if since else ""
    return AccountBusy(
        f"account {account} is held by {holder or 'another process'}{moment}: wait for it to end, or stop it"
    )


def check_claim(stream: str, claim: Claim | None) -> None:
    """
    Check that this claim may append to this stream; its fence is a question to the storage.

    Raises:
        ValueError: An execution was to be written without the claim on its account.

    """
    if is_execution(stream) and (claim is None or not belongs_to(stream, claim.account)):
        msg = f"{stream} can only be written with the claim on its account"
        raise ValueError(msg)


def check_fence(claim: Claim, latest: int | None) -> None:
    """
    Check that a claim is the latest of its account.

    Raises:
        FenceLost: It is not.

    """
    if claim.fence != latest:
        msg = (
            f"account {claim.account} was claimed by another run since (fence {latest} after {claim.fence}): "
            "this one must stop; planfill show says how the plan stands"
        )
        raise FenceLost(msg)
