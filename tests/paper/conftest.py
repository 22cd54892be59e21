"""What every test on a paper account shares: its settings, and the refusal of any other account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paper_venue import PaperVenue, Renamed

from planfill.adapters.brokers.alpaca import AlpacaSettings, brokerage
from planfill.adapters.brokers.alpaca.settings import KEY, SECRET
from planfill.adapters.clock import SystemClock
from planfill.application.ports.brokerage import Brokerage
from planfill.bootstrap.settings import load_settings
from planfill.domain.market import Capabilities


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AlpacaSettings:
    """Read the settings of Alpaca from the environment alone; whatever is live is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("settings"))
        patch.setenv("PLANFILL_BROKER__ADAPTER", "alpaca")
        patch.setenv("PLANFILL_ROLLOUT__ALLOW_LIVE", "true")  # what is live is found below, and said clearly
        settings = load_settings().brokerage
    assert isinstance(settings, AlpacaSettings)
    if settings.is_live or settings.key_id.get_secret_value().startswith("AK"):
        pytest.exit("REFUSED: these tests buy and sell, and the settings name a live account", returncode=2)
    if not (settings.key_id.get_secret_value() and settings.secret_key.get_secret_value()):
        pytest.skip(f"needs keys: {KEY} and {SECRET} of a paper account")
    return settings


@pytest.fixture(scope="session")
async def paper(settings: AlpacaSettings) -> AsyncIterator[Brokerage]:
    """Give the family of ports, one for all tests: it counts the requests of the account."""
    family = brokerage(settings, SystemClock())
    assert family.close is not None
    try:
        if not (await family.hours.get_session()).is_open:
            pytest.skip("the market is closed")
        yield family
    finally:
        await family.close()


@pytest.fixture(scope="session")
def renamed(paper: Brokerage) -> Renamed:
    return Renamed(paper, f"t{datetime.now(UTC):%y%m%d%H%M%S}-")


@pytest.fixture
async def venue(paper: Brokerage, renamed: Renamed) -> AsyncIterator[PaperVenue]:
    venue = PaperVenue(renamed, paper)
    await venue.arrive()
    yield venue
    await venue.leave()


@pytest.fixture
def broker(renamed: Renamed, venue: PaperVenue) -> Renamed:
    assert venue.symbol
    return renamed


@pytest.fixture
def capabilities(paper: Brokerage) -> Capabilities:
    return paper.capabilities


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for ledger and log; settings from the environment alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANFILL_BROKER__ADAPTER", "alpaca")
    monkeypatch.delenv("PLANFILL_ROLLOUT__ALLOW_LIVE", raising=False)
    return tmp_path
