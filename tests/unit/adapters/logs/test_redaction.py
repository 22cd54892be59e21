"""Secrets are hidden wherever they turn up."""

from __future__ import annotations

import json

import pytest

from planfill.adapters.logs.redaction import redactor


@pytest.mark.parametrize(
    "name",
    [
        "APCA_API_SECRET_KEY",
        "APCA_API_KEY_ID",
        "PLANFILL_ALPACA__SECRET_KEY",
        "PLANFILL_ALPACA__API_KEY",
        "planfill_smtp__password",
        "SLACK_TOKEN",
        "CLIENT_SECRET",
    ],
)
def test_the_value_of_a_variable_named_like_a_secret_is_hidden(name: str) -> None:
    assert redactor({name: "hunter2hunter2"})("key=hunter2hunter2;") == "key=***;"


@pytest.mark.parametrize("name", ["PLANFILL_MOCK__PRICES", "HOME", "KEYBOARD", "PLANFILL_LEDGER__URL"])
def test_the_value_of_any_other_variable_stays(name: str) -> None:
    assert redactor({name: "sqlite:///planfill.db"})("at sqlite:///planfill.db") == "at sqlite:///planfill.db"


def test_the_password_in_a_url_is_hidden() -> None:
    redact = redactor({"PLANFILL_LEDGER__URL": "postgresql://user:pa55word@host/db"})
    assert redact("cannot reach postgresql://user:pa55word@host/db") == (
        "cannot reach postgresql://user:***@host/db"
    )


def test_a_secret_is_hidden_as_json_writes_it_too() -> None:
    odd = 'quo"te\\slash'
    assert "slash" not in redactor({"API_KEY": odd})(json.dumps({"raw": f"-{odd}-"}))


def test_of_two_secrets_of_which_one_begins_the_other_nothing_is_left() -> None:
    redact = redactor({"A_KEY": "secret1", "B_KEY": "secret1-and-more"})
    assert redact("secret1-and-more secret1") == "*** ***"


def test_a_value_too_short_to_be_a_secret_hides_nothing() -> None:
    assert redactor({"SOME_KEY": "on"})("only once") == "only once"
