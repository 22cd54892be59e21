"""The accounts of the settings, each a configuration of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_settings import EnvSettingsSource

from planfill.bootstrap.sections import AccountSettings, lacking, overlaid, prefix_of, secrets_of
from planfill.bootstrap.settings import (
    Configuration,
    adapter_of,
    check_live,
    model_of,
    plugin_of,
    read_into,
    secrets_in,
)
from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path


def accounts_of(
    sections: Mapping[str, Any], document: Mapping[str, Any], file: Path, registered: Mapping[str, EntryPoint]
) -> dict[str, Configuration]:
    """
    Read every account, its own tables and variables over those at the top.

    Raises:
        SettingsError: Every problem of all of them, each with its path.

    """
    accounts, problems = dict[str, Configuration](), list[Problem]()
    for name, section in sections.items():
        try:
            accounts[name] = replace(_account(name, section, document, registered), file=file)
        except SettingsError as e:
            problems += (Problem(path=f"accounts.{name}.{p.path}", message=p.message) for p in e.problems)
    problems += _not_apart(accounts)
    if problems:
        raise SettingsError(problems)
    return accounts


def _account(
    account: str,
    section: Mapping[str, Any],
    document: Mapping[str, Any],
    registered: Mapping[str, EntryPoint],
) -> Configuration:
    prefix = prefix_of(account)
    name = adapter_of(section, prefix, adapter_of(document))
    plugin = plugin_of(name, registered)
    shared = overlaid(document, EnvSettingsSource(model_of(plugin, name, registered))())
    merged = overlaid(
        shared, section, private={name: secrets_of(plugin.settings), "rollout": ("allow_live",)}
    )
    missing = lacking(account, name, plugin.settings)
    # Empty, and not left out: the default of a secret may be another account's.
    merged[name] = {**(merged.get(name) or {}), **dict.fromkeys(missing, "")}
    problems = secrets_in(section.get(name), name, plugin.settings)
    settings = read_into(model_of(plugin, name, registered, prefix), merged, problems)
    if problems:
        raise SettingsError(problems)
    one = Configuration(
        settings,
        plugin,
        getattr(settings, name),
        account=account,
        number=AccountSettings.model_validate(section).number,
        lacking=tuple(missing.values()),
    )
    check_live(one)
    return one


def _not_apart(accounts: Mapping[str, Configuration]) -> list[Problem]:
    """Find names for one account: its limits would count twice, and what one does not know the other does."""
    first, problems = dict[tuple[str, str, object], str](), list[Problem]()
    for name, one in accounts.items():
        adapter = one.settings.broker.adapter
        told = one.plugin.apart(one.brokerage) if one.plugin.apart else {}
        telling = [(f"{adapter}.{setting}", value) for setting, values in told.items() for value in values]
        if one.number is not None:
            telling.append(("number", one.number))
        for setting, value in telling:
            other = first.setdefault((adapter, setting, value), name)
            if other != name:
                message = f"accounts.{other} has it already: each account needs its own"
                problems.append(Problem(path=f"accounts.{name}.{setting}", message=message))
    return problems
