"""The sections ``[accounts.NAME]``: what may stand in one, and what of the rest of the file it takes over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from pydantic import BaseModel, Field, SecretStr, StringConstraints, TypeAdapter, ValidationError

from planfill.domain.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNTS: Final = "PLANFILL_ACCOUNTS__"
"""What every variable of an account begins with."""
_OWN_TABLES: Final = ("broker", "prices", "execution", "limits", "rollout")
"""What an account may set for itself beside its broker's table; all else belongs to the ledger they share."""
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=40)]
_NAME: Final = TypeAdapter[str](_Name)


class AccountSettings(BaseModel, frozen=True, extra="allow"):
    """``[accounts.NAME]``, beside the tables that it sets otherwise."""

    number: Annotated[str, Field(min_length=1)] | None = None
    """What the broker calls the account; where it calls it otherwise, nothing is sent."""


def prefix_of(name: str) -> str:
    """Give what the variables of an account begin with."""
    return f"{ACCOUNTS}{name.upper()}__"


def sections_of(document: dict[str, Any], brokers: Iterable[str]) -> tuple[dict[str, Any], list[Problem]]:
    """Take the sections of the accounts out of a document, and say what is wrong with them."""
    sections = document.pop("accounts", {})
    if not isinstance(sections, dict):
        return {}, [Problem(path="accounts", message="accounts are tables: [accounts.NAME]")]
    tables, problems = (*_OWN_TABLES, *brokers), list[Problem]()
    for name, section in sections.items():
        path = f"accounts.{name}"
        try:
            _NAME.validate_python(name)
        except ValidationError:
            message = (
                "a name is small letters and digits, with single underscores between, as a variable has it"
            )
            problems.append(Problem(path=path, message=message))
        if not isinstance(section, dict):
            problems.append(Problem(path=path, message=f"an account is a table: [{path}]"))
            continue
        try:
            AccountSettings.model_validate(section)
        except ValidationError:
            problems.append(Problem(path=f"{path}.number", message=_not_own("number", tables)))
        problems += [
            Problem(path=f"{path}.{key}", message=_not_own(key, tables))
            for key, value in section.items()
            if key != "number" and not (key in tables and isinstance(value, dict))
        ]
    return sections, problems + _unknown_variables(sections, tables)


def overlaid(
    base: Mapping[str, Any],
    tables: Mapping[str, Any],
    *,
    private: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """
    Lay tables over those of a base, setting by setting.

    ``private`` names the settings of the base that are not taken over: whose keys they are, and who may
    trade real money, is said for each account.
    """
    found = {table: dict(one) if isinstance(one, dict) else one for table, one in base.items()}
    for table, settings in (private or {}).items():
        for setting in settings:
            if isinstance(found.get(table), dict):
                found[table].pop(setting, None)
    for table, one in tables.items():
        below = found.get(table)
        found[table] = {**below, **one} if isinstance(below, dict) and isinstance(one, dict) else one
    return {table: one for table, one in found.items() if table != "number"}


def secrets_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Name the secrets among a broker's settings."""
    return tuple(
        name
        for name, info in model.model_fields.items()
        if SecretStr in {info.annotation, *get_args(info.annotation)}
    )


def lacking(name: str, adapter: str, model: type[BaseModel]) -> dict[str, Problem]:
    """
    Find the secrets that an account needs and the environment has not, by setting.

    Where a broker's default reads a variable, as ``APCA_API_KEY_ID``, that is one account's: it must not pass
    for the key of whichever account has none.
    """
    given = {variable.upper() for variable, value in os.environ.items() if value.strip()}
    found = {}
    for setting in secrets_of(model):
        variable = f"{prefix_of(name)}{adapter.upper()}__{setting.upper()}"
        info = model.model_fields[setting]
        if variable not in given and (info.is_required() or info.default_factory is not None):
            found[setting] = Problem(
                path=f"accounts.{name}.{adapter}.{setting}",
                message=f"not set: put it into the environment as {variable}",
            )
    return found


def _not_own(key: str, tables: tuple[str, ...]) -> str:
    if key == "number":
        return "the number of the account at its broker: in the file, in quotation marks"
    return f"an account has a number and the tables {', '.join(tables)}; all else is shared, at the top"


def _unknown_variables(sections: Mapping[str, Any], tables: tuple[str, ...]) -> list[Problem]:
    """Find variables that set nothing of any account: a misspelt one must not pass in silence."""
    problems = []
    for variable in os.environ:
        if variable.upper().startswith(ACCOUNTS):
            name, _, rest = variable.upper().removeprefix(ACCOUNTS).lower().partition("__")
            if name not in sections:
                known = f"the accounts are {', '.join(sections)}" if sections else "there is none"
                problems.append(
                    Problem(path=variable, message=f"no account {name!r} in the settings: {known}")
                )
            elif rest.split("__")[0] not in tables:
                problems.append(Problem(path=variable, message=_not_own(rest, tables)))
    return problems
