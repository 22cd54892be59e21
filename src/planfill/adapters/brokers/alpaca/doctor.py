"""What only Alpaca's adapter can check: keys, URLs, DNS, TLS, block flags, clock, rate."""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from anyio import to_thread

from planfill.adapters.brokers.alpaca.account import FLAGS
from planfill.adapters.brokers.alpaca.reading import ask
from planfill.adapters.brokers.alpaca.settings import PREFIX
from planfill.adapters.brokers.alpaca.wire import Unreadable, moment
from planfill.application.ports.examiner import BrokerExaminer
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.examination import in_order, not_checked, not_in_order, note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planfill.adapters.brokers.alpaca.rate import Limiter
    from planfill.adapters.brokers.alpaca.settings import AlpacaSettings
    from planfill.adapters.brokers.alpaca.transport import Transport
    from planfill.application.ports.clock import Clock
    from planfill.domain.examination import Finding

# Every flag that stops orders, and what lifts it; a test compares with what ``account`` reads.
REMEDIES: Final = {
    "account_blocked": "ask Alpaca's support why",
    "trading_blocked": "ask Alpaca's support why",
    "trade_suspended_by_user": "allow trading again in the account's configuration, on Alpaca's dashboard",
}
_UNTRUSTED: Final = (
    "see the date of this machine, and whether a proxy opens TLS: its certificate belongs into SSL_CERT_FILE"
)
_DRIFT_S: Final = 2.0
_FEW: Final = 10
_PORT: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_IN_THE_CLEAR: Final = {"http", "ws"}


class AlpacaExaminer(BrokerExaminer):
    """Asks with the same connections and settings as an execution would."""

    symbol = "SPY"

    def __init__(
        self,
        settings: AlpacaSettings,
        trading: Transport,
        limiter: Limiter,
        clock: Clock,
        context: ssl.SSLContext,
    ) -> None:
        self._settings = settings
        self._trading = trading
        self._limiter = limiter
        self._clock = clock
        self._context = context

    async def check_way(self) -> Sequence[Finding]:
        """Look at keys and URLs, resolve the hosts, shake hands with each."""
        urls = dict.fromkeys((self._settings.trading, self._settings.data_url, self._settings.stream))
        found = await self._dns(tuple(urls))
        tls = (
            await self._tls(tuple(urls))
            if found.is_well
            else not_checked("tls", "not tried without an address")
        )
        return self._key(), self._url(), found, tls

    async def check_flags(self) -> Sequence[Finding]:
        """Name each flag that is set, and a status that is not ACTIVE."""
        told = await ask(self._trading, "/account")
        if not isinstance(told, dict):
            msg = "Alpaca's account cannot be read"
            raise BrokerConnectionError(msg)
        found = [
            not_in_order("blocks", f"{flag}: {words}", REMEDIES[flag])
            for flag, words in FLAGS.items()
            if told.get(flag)
        ]
        status = told.get("status", "ACTIVE")
        if status != "ACTIVE":
            remedy = "finish what Alpaca's dashboard asks for, or ask its support"
            found.append(not_in_order("blocks", f"the account's status is {status}", remedy))
        if found:
            return found
        return (in_order("blocks", f"the account is {status}; {', '.join(FLAGS)}: none is set"),)

    async def check_clock(self) -> Sequence[Finding]:
        """Compare the time of Alpaca's market clock with the middle of the question."""
        before = self._clock.now()
        told = await ask(self._trading, "/clock")
        after = self._clock.now()
        try:
            theirs = moment(told, "timestamp")
        except (Unreadable, AttributeError, TypeError) as e:
            msg = f"Alpaca's clock cannot be read: {e}"
            raise BrokerConnectionError(msg) from e
        drift_s = (before + (after - before) / 2 - theirs).total_seconds()
        way_s = (after - before).total_seconds() / 2
        ahead = "ahead of" if drift_s > 0 else "behind"
        found = f"{abs(drift_s):.2f} s {ahead} Alpaca's, give or take {way_s:.2f} s"
        if abs(drift_s) - way_s > _DRIFT_S:
            return (not_in_order("clock", found, "synchronise this machine's clock (NTP)"),)
        return (in_order("clock", found),)

    async def check_rate(self) -> Sequence[Finding]:
        """Tell what the headers of the last answer said."""
        said, ours = self._limiter.heard, self._settings.requests_per_minute
        if said is None or said.limit is None or said.remaining is None:
            return (note("rate limit", f"no answer names one; {ours} requests a minute are assumed"),)
        found = f"{said.remaining} of {said.limit} requests left in this minute"
        if said.remaining < _FEW:
            remedy = "another program uses up this account's requests: stop it, or wait a minute"
            return (not_in_order("rate limit", found, remedy),)
        if said.limit > ours:
            return (
                note("rate limit", found, f"alpaca.requests_per_minute = {said.limit} would use them all"),
            )
        return (in_order("rate limit", found),)

    def _key(self) -> Finding:
        key, kind = self._settings.key_id.get_secret_value(), self._settings.environment
        if key.startswith(PREFIX[kind]):
            return in_order(
                "keys", f"both are set; the key id begins with {PREFIX[kind]}, as those for {kind} do"
            )
        found = f"both are set; the key id begins with neither {' nor '.join(PREFIX.values())}"
        return note("keys", found, f"if it is refused, make a new one for {kind} on Alpaca's dashboard")

    def _url(self) -> Finding:
        settings = self._settings
        money = "LIVE, real money" if settings.is_live else "paper"
        return in_order(
            "url",
            f"orders to {settings.trading} ({money}), prices from {settings.data_url} ({settings.data_feed})",
        )

    async def _dns(self, urls: Sequence[str]) -> Finding:
        hosts = dict.fromkeys(str(urlsplit(url).hostname) for url in urls)
        for host in hosts:
            try:
                await _in_thread(partial(socket.getaddrinfo, host, None))
            except OSError as e:
                why = f"{host} has no address: {e.strerror or e}"
                return not_in_order("dns", why, "see the network and the name server of this machine")
        return in_order("dns", f"{', '.join(hosts)} found")

    async def _tls(self, urls: Sequence[str]) -> Finding:
        secure = [url for url in urls if urlsplit(url).scheme not in _IN_THE_CLEAR]
        if not secure:
            return note("tls", "not used: plain HTTP to this machine")
        if getproxies().get("https"):
            return note("tls", "not tried: the environment names a proxy, through which requests go")
        made, timeout_s = {}, self._settings.connect_timeout_s
        for url in secure:
            host, port = str(urlsplit(url).hostname), urlsplit(url).port or _PORT[urlsplit(url).scheme]
            try:
                made[f"{host}:{port}"] = await _in_thread(
                    partial(shake_hands, self._context, host, port, timeout_s)
                )
            except ssl.SSLCertVerificationError as e:
                why = f"the certificate of {host} is not trusted: {e.verify_message}"
                return not_in_order("tls", why, _UNTRUSTED)
            except OSError as e:
                why = f"no connection to {host}:{port}: {e.strerror or e}"
                return not_in_order("tls", why, "see the network and the firewall of this machine")
        return in_order("tls", ", ".join(f"{name} {version}" for name, version in made.items()))


def shake_hands(context: ssl.SSLContext, host: str, port: int, timeout_s: float) -> str:
    """Make a TLS connection, and end it; give its version."""
    with (
        socket.create_connection((host, port), timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return str(secure.version())


async def _in_thread(function: Callable[[], Any]) -> Any:
    return await to_thread.run_sync(function)
