"""What the benchmark, its market and the systems that it measures tell each other, as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Final, Self

# The file of certificates that a system trusts, in its folder, where the market is behind TLS.
BUNDLE: Final = "authorities.pem"


class Document:
    """What travels as one line of JSON."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read it; the lists and mappings in it are as JSON has them."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))  # type: ignore[call-overload, unused-ignore]


@dataclass(frozen=True, slots=True)
class Case(Document):
    """
    One cell of the matrix.

    Every second line is a sale where ``sells``. ``requests_per_minute`` is what the market allows, in fixed
    windows of a minute; None is as much as anybody wants. ``starts_at_s`` is how long after the beginning of
    a window the execution begins; None is at once.
    """

    lines: int
    rtt_s: float
    tls: bool = False
    sells: bool = False
    requests_per_minute: int | None = None
    starts_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Job(Document):
    """What a system is given: where the market is, and what to trade there."""

    key: str
    secret: str
    url: str
    stream_url: str
    requests_per_minute: int
    orders: list[list[str]]
    """Symbol, side (``buy`` or ``sell``) and dollars of each."""
    begins_at: float | None
    """When to begin, in seconds since the epoch; None is at once."""

    @property
    def symbols(self) -> list[str]:
        """What is traded."""
        return [symbol for symbol, _, _ in self.orders]

    @property
    def host(self) -> str:
        """The name of the market's machine."""
        return self.url.rpartition("/")[2].partition(":")[0]

    @property
    def port(self) -> int:
        """The market's port."""
        return int(self.url.rpartition(":")[2])

    @property
    def tls(self) -> bool:
        """Whether the market is behind TLS."""
        return self.url.startswith("https")


@dataclass(frozen=True, slots=True)
class Outcome(Document):
    """
    What a system's process says of itself.

    Seconds from the order to begin until the last fill is known, CPU seconds of all its threads meanwhile,
    the largest memory of the process in MB, and how many fills it knows.
    """

    makespan_s: float
    cpu_s: float
    peak_mb: float
    filled: int


@dataclass(frozen=True, slots=True)
class Seen(Document):
    """
    What the market has seen.

    ``filled`` counts the symbols with a filled order, ``too_many`` the refusals for the rate; ``cpu_s`` is
    the market's own. ``timeline`` has requests of one kind that came together: the kind, when the first and
    the last came, in milliseconds after the very first, and how many.
    """

    orders: int
    filled: int
    requests: dict[str, int]
    too_many: int
    connections: int
    cpu_s: float
    timeline: list[tuple[str, int, int, int]]


def told() -> str:
    """Read one document from whoever started this process."""
    return sys.stdin.readline()


def tell(document: Document) -> None:
    """Say one document to whoever started this process."""
    print(document.written(), flush=True)


def quantity(dollars: str, price: float) -> float:
    """Give the shares that so many dollars buy, in millionths, rounded down: the same for every system."""
    return int(float(dollars) / price * 1e6) / 1e6
