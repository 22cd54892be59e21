"""What can be set about Alpaca."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from planfill.domain.errors import Problem, SettingsError
from planfill.domain.market import Capabilities

_DEFAULT_URLS: Final = {
    "paper": ("https://paper-api.alpaca.markets", "wss://paper-api.alpaca.markets/stream"),
    "live": ("https://api.alpaca.markets", "wss://api.alpaca.markets/stream"),
}
# How Alpaca's keys begin; what begins otherwise is let through, for the broker to judge.
PREFIX: Final = {"paper": "PK", "live": "AK"}
KEY, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"


# A key id, of either kind; no secret is all upper case and that short.
_KEY_ID: Final = re.compile(r"(PK|AK)[A-Z0-9]{14,26}")


def _from_environment(variable: str) -> SecretStr:
    return SecretStr(os.environ.get(variable, "").strip())


class AlpacaSettings(BaseModel, frozen=True, extra="forbid"):
    """
    The section ``[alpaca]``. Names ending in ``_s`` are seconds.

    ``environment``
        ``paper`` or ``live``. Live also needs ``rollout.allow_live``.
    ``key_id``, ``secret_key``
        From the environment only: ``APCA_API_KEY_ID`` and ``APCA_API_SECRET_KEY``.
    ``trading_url``, ``data_url``, ``stream_url``
        Where Alpaca is, if not where its environment is: the first two without ``/v2``, the last one whole.
        Plain ``http`` and ``ws`` to this machine only.
    ``data_feed``
        ``iex`` is free and may go a minute without a quote; ``sip`` is the whole market.
    ``timeout_s``, ``connect_timeout_s``
        How long an answer, and a connection, may take.
    ``requests_per_minute``, ``rate``
        What the account may ask, in ``fixed`` windows as Alpaca's headers show them, or from a ``bucket``
        that fills evenly.
    ``connections``
        How many requests go out at once.
    ``read_lag_s``
        How long a look-up may miss an order that is there.
    """

    environment: Literal["paper", "live"] = "paper"
    key_id: SecretStr = Field(default_factory=lambda: _from_environment(KEY))
    secret_key: SecretStr = Field(default_factory=lambda: _from_environment(SECRET))
    trading_url: str | None = None
    data_url: str = "https://data.alpaca.markets"
    stream_url: str | None = None
    data_feed: Literal["iex", "sip", "delayed_sip"] = "iex"
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 10
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 3
    requests_per_minute: Annotated[int, Field(ge=10)] = 200
    rate: Literal["fixed", "bucket"] = "fixed"
    connections: Annotated[int, Field(ge=1, le=256)] = 64
    read_lag_s: Annotated[float, Field(ge=0)] = 2

    @field_validator("key_id", "secret_key")
    @classmethod
    def _trimmed(cls, key: SecretStr) -> SecretStr:
        return SecretStr(key.get_secret_value().strip())

    @field_validator("trading_url", "data_url", "stream_url")
    @classmethod
    def _safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in {"https", "wss", "http", "ws"}:
            msg = f"{url!r} is no URL such as https://paper-api.alpaca.markets"
            raise ValueError(msg)
        if parts.scheme in {"http", "ws"} and not _is_this_machine(parts.hostname):
            msg = f"{parts.scheme}:// is for this machine only, since keys and orders travel in the clear"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, url in (("trading_url", self.trading), ("data_url", self.data_url)):
            if url.endswith("/") or urlsplit(url).path.rstrip("/").endswith("/v2"):
                msg = f"{name} {url!r} must end without '/' and without '/v2': alpaca-py adds them"
                raise ValueError(msg)
        if urlsplit(self.stream).path in {"", "/"}:
            msg = f"stream_url {self.stream!r} must be whole: for Alpaca it ends in '/stream'"
            raise ValueError(msg)
        return self

    @property
    def trading(self) -> str:
        """Where orders go."""
        return self.trading_url or _DEFAULT_URLS[self.environment][0]

    @property
    def stream(self) -> str:
        """Where the news of orders come from."""
        return self.stream_url or _DEFAULT_URLS[self.environment][1]

    @property
    def capabilities(self) -> Capabilities:
        """What Alpaca does and does not; a tenth of its requests is not for orders."""
        return Capabilities(
            unique_ids=True,
            read_lag_s=self.read_lag_s,
            fractions=True,
            notional=True,
            concurrency=self.connections,
            requests_per_minute=self.requests_per_minute - self.requests_per_minute // 10,
        )

    @property
    def is_live(self) -> bool:
        """Whether real money is at stake."""
        return self.environment == "live" or urlsplit(self.trading).hostname == "api.alpaca.markets"

    @property
    def is_encrypted(self) -> bool:
        """Whether any of the ways to Alpaca is; all are, but for one on this machine."""
        return any(
            urlsplit(url).scheme in {"https", "wss"} for url in (self.trading, self.data_url, self.stream)
        )

    @property
    def apart(self) -> dict[str, list[object]]:
        """What another account must not have too: its key, where there is one."""
        return {"key_id": [self.key_id] if self.key_id else []}

    def problems(self) -> list[Problem]:
        """Say what keeps these settings from reaching an account, before anything is asked."""
        problems = [problem for one in self._keys() if (problem := _problem(*one)) is not None]
        if _KEY_ID.fullmatch(self.secret_key.get_secret_value()):
            message = f"this is a key id, and no secret: are {KEY} and {SECRET} swapped?"
            problems.append(Problem(path="alpaca.secret_key", message=message))
        named = "live" if urlsplit(self.trading).hostname == "api.alpaca.markets" else self.environment
        if named != self.environment:
            message = f"{self.trading} is Alpaca's live URL, and alpaca.environment says 'paper'"
            problems.append(Problem(path="alpaca.trading_url", message=message))
        other = "paper" if self.environment == "live" else "live"
        if self.key_id.get_secret_value().startswith(PREFIX[other]):
            message = f"this is a key for {other}, and alpaca.environment says {self.environment!r}"
            problems.append(Problem(path="alpaca.key_id", message=message))
        return problems

    def _keys(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("key_id", KEY, self.key_id.get_secret_value()),
            ("secret_key", SECRET, self.secret_key.get_secret_value()),
        )

    def check(self) -> None:
        """
        Make sure that an account can be asked for with these settings.

        Raises:
            SettingsError: Keys are missing, or are not of this environment.

        """
        if problems := self.problems():
            raise SettingsError(problems)


def _problem(field: str, variable: str, value: str) -> Problem | None:
    if not value:
        return Problem(path=f"alpaca.{field}", message=f"not set: put it into the environment as {variable}")
    if not (value.isascii() and value.isprintable()) or " " in value:
        # An HTTP library would refuse it, and show it while doing so.
        message = f"holds characters that no key has: copy it into {variable} anew, without quotes"
        return Problem(path=f"alpaca.{field}", message=message)
    return None


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
