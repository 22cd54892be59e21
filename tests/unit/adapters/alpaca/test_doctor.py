"""What only Alpaca's adapter can check, each with what to do about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from alpaca_server import KEY, SECRET, AlpacaServer, Market

from planfill.adapters.brokers.alpaca.account import FLAGS
from planfill.adapters.brokers.alpaca.connections import tls_context
from planfill.adapters.brokers.alpaca.doctor import REMEDIES, AlpacaExaminer
from planfill.adapters.brokers.alpaca.rate import FixedWindows
from planfill.adapters.brokers.alpaca.settings import AlpacaSettings
from planfill.domain.errors import BrokerConnectionError
from planfill.domain.examination import CheckStatus, Finding
from planfill.testing.clock import START, VirtualClock

PEM: Final = Path(__file__).parents[3] / "support" / "loopback.pem"
ACTIVE: Final = {"status": "ACTIVE", **dict.fromkeys(FLAGS, False)}


class Transport:
    """Answers by path; each answer takes ``seconds``."""

    def __init__(self, clock: VirtualClock, seconds: float, answers: dict[str, Any]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._answers = answers

    async def get(self, path: str, **_: str) -> Any:
        self._clock.advance(self._seconds)
        return self._answers[path.removeprefix("/")]


def an_examiner(
    clock: VirtualClock | None = None,
    *,
    seconds: float = 0,
    context: ssl.SSLContext | None = None,
    answers: dict[str, Any] | None = None,
    **settings: Any,
) -> tuple[AlpacaExaminer, FixedWindows]:
    clock = clock or VirtualClock()
    chosen = AlpacaSettings.model_validate({"key_id": KEY, "secret_key": SECRET, **settings})
    limiter = FixedWindows(clock, chosen.requests_per_minute)
    transport: Any = Transport(clock, seconds, answers or {})
    return AlpacaExaminer(chosen, transport, limiter, clock, context or tls_context()), limiter


def at(url: str) -> dict[str, str]:
    return {"trading_url": url, "data_url": url, "stream_url": f"ws{url.removeprefix('http')}/stream"}


async def the_way(**settings: Any) -> dict[str, Finding]:
    examiner, _ = an_examiner(**settings)
    return {one.check: one for one in await examiner.check_way()}


class TestFlags:
    async def test_an_account_without_a_flag_is_in_order(self) -> None:
        examiner, _ = an_examiner(answers={"account": ACTIVE})
        (finding,) = await examiner.check_flags()
        assert finding.status is CheckStatus.IN_ORDER
        assert all(flag in finding.found for flag in FLAGS)

    @pytest.mark.parametrize("flag", FLAGS)
    async def test_each_flag_that_is_set_is_named_with_its_remedy(self, flag: str) -> None:
        examiner, _ = an_examiner(answers={"account": ACTIVE | {flag: True}})
        (finding,) = await examiner.check_flags()
        assert finding.status is CheckStatus.NOT_IN_ORDER
        assert flag in finding.found
        assert finding.remedy == REMEDIES[flag]

    async def test_every_flag_and_the_status_are_lines_of_their_own(self) -> None:
        told = {"status": "ACCOUNT_UPDATED", **dict.fromkeys(FLAGS, True)}
        examiner, _ = an_examiner(answers={"account": told})
        found = await examiner.check_flags()
        assert len(found) == len(FLAGS) + 1
        assert "ACCOUNT_UPDATED" in found[-1].found

    async def test_an_answer_that_is_no_account_is_no_answer(self) -> None:
        examiner, _ = an_examiner(answers={"account": ["what"]})
        with pytest.raises(BrokerConnectionError, match="cannot be read"):
            await examiner.check_flags()

    def test_every_flag_that_is_read_has_a_remedy(self) -> None:
        assert set(REMEDIES) == set(FLAGS)


class TestClock:
    @pytest.mark.parametrize(
        ("theirs_s", "way_s", "status", "says"),
        [
            (0, 0, "IN_ORDER", "0.00 s behind"),
            (-2, 0, "IN_ORDER", "2.00 s ahead of"),
            (-2.1, 0, "NOT_IN_ORDER", "2.10 s ahead of"),
            (2.1, 0, "NOT_IN_ORDER", "2.10 s behind"),
            (3.5, 2, "IN_ORDER", "2.50 s behind Alpaca's, give or take 1.00 s"),
            (-100, 2, "NOT_IN_ORDER", "101.00 s ahead of"),
        ],
    )
    async def test_a_drift_counts_beyond_two_seconds_and_what_the_answer_took(
        self, theirs_s: float, way_s: float, status: str, says: str
    ) -> None:
        theirs = (START + timedelta(seconds=theirs_s)).isoformat()
        examiner, _ = an_examiner(seconds=way_s, answers={"clock": {"timestamp": theirs}})
        (finding,) = await examiner.check_clock()
        assert (finding.status, says in finding.found) == (status, True), finding
        assert ("NTP" in finding.remedy) is (status == "NOT_IN_ORDER")

    @pytest.mark.parametrize("told", [{}, {"timestamp": "noon"}, None, ["what"]])
    async def test_an_answer_without_a_time_is_no_answer(self, told: Any) -> None:
        examiner, _ = an_examiner(answers={"clock": told})
        with pytest.raises(BrokerConnectionError, match="clock cannot be read"):
            await examiner.check_clock()


class TestRate:
    @pytest.mark.parametrize(
        ("limit", "left", "status"),
        [
            ("200", "150", "IN_ORDER"),
            ("200", "10", "IN_ORDER"),
            ("200", "9", "NOT_IN_ORDER"),
            ("1000", "999", "NOTE"),
        ],
    )
    async def test_what_is_left_is_told(self, limit: str, left: str, status: str) -> None:
        examiner, limiter = an_examiner()
        limiter.answered(200, {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": left})
        limiter.answered(200, {})  # some answers say nothing, and take nothing back
        (finding,) = await examiner.check_rate()
        assert finding.status == status
        assert finding.found == f"{left} of {limit} requests left in this minute"

    @pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Limit": "200"}, {"X-RateLimit-Remaining": "3"}])
    async def test_answers_that_name_no_limit_are_said_to(self, headers: dict[str, str]) -> None:
        examiner, limiter = an_examiner(requests_per_minute=120)
        limiter.answered(200, headers)
        (finding,) = await examiner.check_rate()
        assert finding.status is CheckStatus.NOTE
        assert "120 requests a minute are assumed" in finding.found


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    with AlpacaServer(Market({"prices": {"SPY": "400"}, "book": ":memory:"})) as server:
        yield server


@pytest.fixture
def secure() -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server with a certificate that only the context given here trusts; its port, and that context."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(PEM)
    market = Market({"prices": {"SPY": "400"}, "book": ":memory:"})
    with AlpacaServer(market, tls=theirs) as server:
        yield server.port, ssl.create_default_context(cafile=str(PEM))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class TestTheWay:
    async def test_a_server_on_this_machine_is_found_and_asked_in_the_clear(
        self, server: AlpacaServer
    ) -> None:
        found = await the_way(**at(server.url))
        assert list(found) == ["keys", "url", "dns", "tls"]
        assert all(one.is_well for one in found.values())
        assert "not used" in found["tls"].found
        assert server.url in found["url"].found
        assert "(paper)" in found["url"].found
        assert "iex" in found["url"].found

    @pytest.mark.parametrize(
        ("key", "environment", "status"),
        [
            ("PKX", "paper", "IN_ORDER"),
            ("AKX", "live", "IN_ORDER"),
            ("CKX", "paper", "NOTE"),
            ("PKX", "live", "NOTE"),
        ],
    )
    async def test_what_a_key_is_for_is_told_by_its_beginning_and_no_more_of_it_is_shown(
        self, server: AlpacaServer, key: str, environment: str, status: str
    ) -> None:
        whole = f"{key}HIDDENHIDDEN"
        found = await the_way(**at(server.url), key_id=whole, environment=environment)
        assert found["keys"].status == status
        assert not any("HIDDEN" in one.found + one.remedy for one in found.values())

    async def test_live_is_said_loudly(self, server: AlpacaServer) -> None:
        found = await the_way(**at(server.url), environment="live", key_id="AKX")
        assert "LIVE, real money" in found["url"].found

    async def test_a_host_without_an_address_is_named_and_tls_is_not_tried(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def nobody(host: str, *_: Any) -> Sequence[Any]:
            raise socket.gaierror(-2, f"nobody knows {host}")

        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        found = await the_way()
        assert found["dns"].status is CheckStatus.NOT_IN_ORDER
        assert "paper-api.alpaca.markets has no address: nobody knows" in found["dns"].found
        assert found["tls"].status is CheckStatus.NOT_CHECKED

    async def test_a_handshake_names_its_version(self, secure: tuple[int, ssl.SSLContext]) -> None:
        port, context = secure
        found = await the_way(**at(f"https://localhost:{port}"), context=context)
        assert found["tls"].status is CheckStatus.IN_ORDER, found["tls"]
        assert found["tls"].found == f"localhost:{port} TLSv1.3"

    async def test_a_certificate_that_is_not_trusted_is_named(
        self, secure: tuple[int, ssl.SSLContext]
    ) -> None:
        found = await the_way(**at(f"https://localhost:{secure[0]}"))
        assert found["tls"].status is CheckStatus.NOT_IN_ORDER
        assert "certificate of localhost is not trusted: self" in found["tls"].found
        assert "SSL_CERT_FILE" in found["tls"].remedy

    async def test_a_certificate_of_another_host_is_not_trusted(
        self, secure: tuple[int, ssl.SSLContext]
    ) -> None:
        port, context = secure
        found = await the_way(**at(f"https://127.0.0.1:{port}"), context=context)
        assert found["tls"].status is CheckStatus.NOT_IN_ORDER
        assert "certificate of 127.0.0.1 is not trusted" in found["tls"].found

    async def test_what_is_no_tls_is_named(self, server: AlpacaServer) -> None:
        found = await the_way(**at(server.url.replace("http", "https")), connect_timeout_s=0.2)
        assert found["tls"].status is CheckStatus.NOT_IN_ORDER
        assert f"no connection to 127.0.0.1:{server.port}" in found["tls"].found

    async def test_a_port_where_nobody_listens_is_named(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            found = await the_way(**at(f"https://127.0.0.1:{port}"))
        assert "Connection refused" in found["tls"].found

    async def test_a_proxy_is_left_to_the_requests(
        self, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        found = await the_way(**at(server.url.replace("http", "https")))
        assert found["tls"].status is CheckStatus.NOTE
        assert "proxy" in found["tls"].found
