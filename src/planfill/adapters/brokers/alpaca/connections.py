"""
Connections as alpaca-py does not make them: with time-outs, one TLS context, and opened before their use.

Measured: without a shared context each new connection costs 16 ms of CPU for reading the certificates.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self
from urllib.parse import urlsplit

import certifi
from requests import Request, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest


def tls_context() -> ssl.SSLContext:
    """Make the context that all connections share; it verifies certificate and host name."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


class Redirected(RequestException):
    """Somebody sends us elsewhere; to the SDK that is a success with an empty answer."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP {status} sends us to {headers.get('Location', 'nowhere')[:100]}")


def without_secrets(said: str, sent: Mapping[str, Any]) -> str:
    """Give an answer without the secrets that were sent for it: refusals are shown, and recorded for good."""
    for name in _SECRET_HEADERS:
        secret = sent.get(name)
        said = said.replace(str(secret), "***") if secret else said
    return said


class _ExactResponse(Response):
    """An answer whose numbers are what they say, not the nearest float, and which repeats no secret."""

    @property
    def text(self) -> str:
        """The body, without what was sent to be kept secret."""
        return without_secrets(super().text, self.request.headers)

    def json(self, **kwargs: Any) -> Any:
        """Read the body; numbers with a point become ``Decimal``."""
        return super().json(**{"parse_float": Decimal, **kwargs})


ELSEWHERE: Final = 3
_SECRET_HEADERS: Final = ("APCA-API-SECRET-KEY", "APCA-API-KEY-ID")


class Call:
    """A request in a thread; another thread may end it, since a time-out is for each piece of an answer."""

    _here: ClassVar = threading.local()

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Begin: what the calling thread sends is this call's."""
        self._here.call = self
        return self

    def __exit__(self, *_: object) -> None:
        """End: its connections may be others' from now on."""
        self._here.call = None
        self.sockets.clear()

    @classmethod
    def goes_through(cls, sock: socket.socket | None) -> None:
        """Note where the call of this thread, if there is one, waits for its answer."""
        call = getattr(cls._here, "call", None)
        if call is not None and sock is not None:
            call.sockets.append(sock)

    def cut(self) -> None:
        """Let the thread find that the connection has ended."""
        for sock in tuple(self.sockets):
            with suppress(OSError):
                # Of the connection, not of the TLS in it, which is the thread's.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _PlainConnection(HTTPConnection):
    """A connection that can be cut."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request."""
        super().request(*args, **kwargs)
        Call.goes_through(self.sock)


class _Connection(HTTPSConnection):
    """A connection that is not taken for dead for the session tickets that follow the handshake."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request."""
        super().request(*args, **kwargs)
        Call.goes_through(self.sock)

    @property
    def is_connected(self) -> bool:
        """Whether it can be used; reads the tickets that wait there."""
        if super().is_connected:
            return True  # asked once: a ticket that comes in between is no end
        if not isinstance(self.sock, ssl.SSLSocket):
            return False
        before = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(before)
        return False  # closed, or it says what nobody asked for


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


_POOLS: Final = {"http": _PlainPool, "https": _Pool}


class Connections(HTTPAdapter):
    """What a session sends its requests through; ``answered`` is the last answer of the calling thread."""

    def __init__(self, size: int, timeout_s: tuple[float, float], context: ssl.SSLContext) -> None:
        self._context = context
        self._timeout_s = timeout_s
        self.timeout: Final = Timeout(connect=timeout_s[0], read=timeout_s[1])
        self._said = threading.local()
        self._pools: dict[str, HTTPConnectionPool] = {}
        super().__init__(pool_maxsize=size, max_retries=0)

    @property
    def answered(self) -> tuple[int, Mapping[str, str]] | None:
        """Status and headers of the last answer in this thread, once."""
        said = getattr(self._said, "last", None)
        self._said.last = None
        return said

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with the one context."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Choose the pool; with a path to certificates in its key, every connection would read them anew."""
        host, _ = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, {"ssl_context": self._context}

    def pool(self, url: str) -> HTTPConnectionPool:
        """Give the pool of a URL's host, which is found once."""
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._pools:
            request = Request("GET", url).prepare()
            self._pools[host] = self.get_connection_with_tls_context(request, verify=True)
        return self._pools[host]

    def cert_verify(self, *_: Any) -> None:
        """Leave it to the context, which verifies."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send a request, never without a time-out."""
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout_s
        response = super().send(request, *args, **kwargs)
        if response.status_code // 100 == ELSEWHERE:
            response.close()
            raise Redirected(response.status_code, response.headers)
        return response

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Make the answer, and note its status and headers."""
        response = super().build_response(req, resp)
        response.__class__ = _ExactResponse
        self.note(response.status_code, response.headers)
        return response

    def note(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep what an answer in this thread said of itself."""
        self._said.last = (status, headers)

    def close(self) -> None:
        """Close every connection at once; urllib3 waits until nobody remembers the pool."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 - it is no mapping that can be iterated
            self.poolmanager.pools[key].close()
        super().close()

    def opening(self, url: str, count: int) -> list[Callable[[], None]]:
        """Give what opens so many connections to a host, each call one, for a thread of its own."""
        pool = self.pool(url)
        # All are taken before any is given back: the pool hands out first what came back last.
        return [partial(self._open, pool, pool._get_conn()) for _ in range(count)]  # noqa: SLF001

    def _open(self, pool: HTTPConnectionPool, connection: Any) -> None:
        try:
            if connection.is_closed:
                connection.timeout = self._timeout_s[0]
                connection.connect()
        except (OSError, HTTPError):
            connection.close()  # the request that needs it will say why
        finally:
            pool._put_conn(connection)  # noqa: SLF001
