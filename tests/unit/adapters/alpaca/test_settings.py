"""Settings that would send orders to the wrong place, or in the clear, are refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from planfill.adapters.brokers.alpaca import AlpacaSettings
from planfill.bootstrap.settings import load_settings
from planfill.domain.errors import SettingsError

KEY, SECRET = "PKTESTKEY0123456789", "a-secret-that-nobody-sees"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)


def load(folder: Path, text: str) -> AlpacaSettings:
    file = folder / "planfill.toml"
    file.write_text(f'[broker]\nadapter = "alpaca"\n{text}')
    settings = load_settings(file).brokerage
    assert isinstance(settings, AlpacaSettings)
    return settings


def test_paper_is_the_default_and_keys_come_from_the_environment(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert settings.trading == "https://paper-api.alpaca.markets"
    assert settings.stream == "wss://paper-api.alpaca.markets/stream"
    assert not settings.is_live
    settings.check()


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    shown = repr(load(tmp_path, ""))
    assert KEY not in shown
    assert SECRET not in shown


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, '[alpaca]\nsecret_key = "hunter2hunter2"\n')
    assert [(p.path, "environment" in p.message) for p in caught.value.problems] == [
        ("alpaca.secret_key", True)
    ]
    assert "hunter2" not in str(caught.value)


def test_keys_that_are_missing_are_named_with_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APCA_API_KEY_ID")
    monkeypatch.setenv("APCA_API_SECRET_KEY", " ")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "").check()
    assert [p.path for p in caught.value.problems] == ["alpaca.key_id", "alpaca.secret_key"]
    assert "APCA_API_KEY_ID" in str(caught.value)


@pytest.mark.parametrize("key", [SECRET, "", KEY + "x"])
def test_keys_that_are_swapped_are_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", key)
    monkeypatch.setenv("APCA_API_SECRET_KEY", KEY)
    with pytest.raises(SettingsError, match="swapped") as caught:
        AlpacaSettings().check()
    assert caught.value.problems[-1].path == "alpaca.secret_key"
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["AKfoo/Bar+0123456789abcdefghijklmnopqrst", "PK", "PKABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLM"]
)
def test_a_secret_that_only_begins_like_a_key_id_is_let_through(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "CK0123456789")
    monkeypatch.setenv("APCA_API_SECRET_KEY", secret)
    AlpacaSettings().check()


@pytest.mark.parametrize("secret", ["two\nlines-of-it", "“quoted-by-a-page”", "with a space"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", secret)
    with pytest.raises(SettingsError, match="no key has") as caught:
        AlpacaSettings().check()
    assert secret not in str(caught.value)


def test_live_needs_the_switch_of_the_rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "AKTESTKEY0123456789")
    with pytest.raises(SettingsError, match=r"rollout\.allow_live"):
        load(tmp_path, '[alpaca]\nenvironment = "live"\n')
    settings = load(tmp_path, '[alpaca]\nenvironment = "live"\n[rollout]\nallow_live = true\n')
    assert settings.trading == "https://api.alpaca.markets"
    settings.check()


@pytest.mark.parametrize(
    ("environment", "key"), [("live", "PKTESTKEY0123456789"), ("paper", "AKTESTKEY0123456789")]
)
def test_a_key_of_the_other_environment_is_refused(
    environment: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", key)
    with pytest.raises(SettingsError, match="this is a key for"):
        AlpacaSettings.model_validate({"environment": environment}).check()


def test_the_live_url_with_the_environment_of_paper_is_refused_and_counts_as_live() -> None:
    settings = AlpacaSettings(trading_url="https://api.alpaca.markets")
    assert settings.is_live
    with pytest.raises(SettingsError, match="live URL"):
        settings.check()


@pytest.mark.parametrize(
    ("field", "url", "says"),
    [
        ("trading_url", "http://paper-api.alpaca.markets", "this machine only"),
        ("stream_url", "ws://10.0.0.1/stream", "this machine only"),
        ("trading_url", "https://paper-api.alpaca.markets/", "without '/'"),
        ("trading_url", "https://paper-api.alpaca.markets/v2", "without"),
        ("data_url", "https://data.alpaca.markets/v2", "without"),
        ("stream_url", "wss://paper-api.alpaca.markets", "whole"),
        ("trading_url", "paper-api.alpaca.markets", "no URL"),
        ("trading_url", "ftp://paper-api.alpaca.markets", "no URL"),
    ],
)
def test_a_url_that_would_not_work_or_not_be_safe_is_refused(field: str, url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AlpacaSettings.model_validate({field: url})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_in_the_clear_to_this_machine_is_fine(host: str) -> None:
    url = f"http://{host}:8080"
    assert AlpacaSettings(trading_url=url, data_url=url, stream_url=f"ws://{host}:8080/stream").trading == url
