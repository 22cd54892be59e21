"""What only IB's adapter can check: the gateway, its account, its way to IB, its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from planfill.adapters.brokers.ib.asked import TIME
from planfill.application.ports.examiner import BrokerExaminer
from planfill.domain.errors import BrokerUnavailable, NotAuthorizedError
from planfill.domain.examination import in_order, not_in_order, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planfill.adapters.brokers.ib.connection import Connection
    from planfill.adapters.brokers.ib.gateway import Gateway
    from planfill.application.ports.clock import Clock
    from planfill.domain.examination import Finding

# IB tells its time in whole seconds, cut off.
_HALF_A_SECOND: Final = 0.5
_DRIFT_S: Final = 2.5
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_REMEDY: Final = (
    "start IB Gateway or TWS and log in; in its API settings enable socket clients, see the port, and untick "
    "Read-Only API; see that nobody else uses ib.client_id"
)


class IbExaminer(BrokerExaminer):
    """Asks over the same connection as an execution would."""

    symbol = "SPY"

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    async def check_way(self) -> Sequence[Finding]:
        """Connect, and see whose account it is."""
        settings = self._gateway.settings
        try:
            connection = await self._gateway.connection()
        except NotAuthorizedError as e:
            return (
                not_in_order("account", str(e), "set ib.environment and ib.account as the gateway has them"),
            )
        except BrokerUnavailable as e:
            return (not_in_order("gateway", str(e), _REMEDY),)
        money = "LIVE, real money" if settings.is_live else "paper"
        version = connection.client.serverVersion()
        found = f"{settings.host}:{settings.listens_at} ({money}), server version {version}"
        found = f"{found}, client id {settings.client_id}"
        if settings.host not in _HERE:
            return (note("gateway", found, "the way to it is not encrypted: let nobody else be on it"),)
        return (in_order("gateway", found),)

    async def check_flags(self) -> Sequence[Finding]:
        """Name nothing: IB tells of a block only when it refuses an order."""
        return ()

    async def check_clock(self) -> Sequence[Finding]:
        """Compare the gateway's time with the middle of the question."""
        before = self._clock.now()

        async def read(connection: Connection) -> datetime:
            (seconds,) = await connection.unnumbered(TIME, connection.client.reqCurrentTime)
            return datetime.fromtimestamp(seconds + _HALF_A_SECOND, UTC)

        theirs = await self._gateway.ask("time", read)
        drift_s = (before + (self._clock.now() - before) / 2 - theirs).total_seconds()
        found = (
            f"{abs(drift_s):.1f} s {'ahead of' if drift_s > 0 else 'behind'} IB's, give or take half a second"
        )
        if abs(drift_s) > _DRIFT_S:
            return (not_in_order("clock", found, "synchronise this machine's clock (NTP)"),)
        return (in_order("clock", found),)

    async def check_rate(self) -> Sequence[Finding]:
        """Check nothing: ib_async keeps to the gateway's fifty messages a second by itself."""
        return ()
