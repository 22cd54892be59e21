"""The settings: a TOML file, overridden by the environment; every problem at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from planfill.application.ports.brokerage import BrokerPlugin
from planfill.bootstrap.alerts import AlertsSettings, incomplete, misplaced
from planfill.bootstrap.prices import PricesSettings
from planfill.bootstrap.sections import ACCOUNTS, sections_of
from planfill.bootstrap.shadows import ShadowSettings
from planfill.domain.errors import Problem, SettingsError
from planfill.domain.policy import ExecutionPolicy, LimitsPolicy, Policy, RolloutPolicy
from planfill.domain.reading import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

GROUP: Final = "planfill.brokers"
DEFAULT_FILE: Final = Path("planfill.toml")
PREFIX: Final = "PLANFILL_"


class _Section(BaseModel, frozen=True, extra="forbid"):
    """A table of the settings."""


class BrokerSettings(_Section, frozen=True):
    """``[broker]``."""

    adapter: str = "mock"
    """``mock``, or a name registered under the entry points ``planfill.brokers``."""


class LedgerSettings(_Section, frozen=True):
    """``[ledger]``."""

    url: str = "sqlite:///planfill.db"
    """An SQLAlchemy URL, relative to the current folder; ``memory://`` keeps nothing."""


class LogSettings(_Section, frozen=True):
    """``[log]``."""

    file: Path | None = Path("planfill.log")
    """The JSON lines; none for no file."""
    level: str = "INFO"
    """The least severe level that is printed on stderr."""
    rotation: str = "10 MB"
    """When a new file is begun, as loguru understands it."""
    retention: int = 10
    """How many old files are kept."""


class TracesSettings(_Section, frozen=True):
    """``[traces]``."""

    endpoint: str | None = None
    """Where spans go, by OTLP over HTTP, such as ``http://localhost:4318/v1/traces``; none: no traces."""


class Settings(BaseSettings):
    """The tables that every broker shares; the broker's own is added under its name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        # What is wrong may be a secret, or stand beside one: tracebacks must not show it.
        hide_input_in_errors=True,
    )

    broker: BrokerSettings = BrokerSettings()
    ledger: LedgerSettings = LedgerSettings()
    prices: PricesSettings = PricesSettings()
    execution: ExecutionPolicy = ExecutionPolicy()
    limits: LimitsPolicy = LimitsPolicy()
    rollout: RolloutPolicy = RolloutPolicy()
    shadow: dict[str, ShadowSettings] = {}
    alerts: AlertsSettings = AlertsSettings()
    log: LogSettings = LogSettings()
    traces: TracesSettings = TracesSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override what ``load_settings`` hands in from the file."""
        return env_settings, init_settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """
    The settings, and the broker they name with its own.

    ``accounts`` are those of the sections, by name: where there are any, nothing is executed but on one of
    them. Of such an account ``account`` is the name, ``number`` what its broker must call it, and
    ``lacking`` the secrets without which its broker cannot be built.
    """

    settings: Settings
    plugin: BrokerPlugin
    brokerage: BaseModel
    file: Path = DEFAULT_FILE
    accounts: Mapping[str, Configuration] = field(default_factory=dict)
    account: str | None = None
    number: str | None = None
    lacking: tuple[Problem, ...] = ()

    @property
    def policy(self) -> Policy:
        """The figures that decide how plans are executed; where the settings have none, the broker's own."""
        execution, own = self.settings.execution, self.plugin.max_plan_age_s
        if execution.max_plan_age_s is None and own is not None:
            execution = ExecutionPolicy.model_validate({**dict(execution), "max_plan_age_s": own})
        return Policy(execution=execution, limits=self.settings.limits, rollout=self.settings.rollout)


def load_settings(file: Path | None = None) -> Configuration:
    """
    Read the settings: ``file``, else ``planfill.toml`` if there is one, then the environment over it.

    Raises:
        SettingsError: Every problem, each with its path, and the nearest name for an unknown one.

    """
    document = _read(file)
    registered = {point.name: point for point in entry_points(group=GROUP)}
    sections, problems = sections_of(document, registered)
    name = adapter_of(document)
    plugin = plugin_of(name, registered)
    model = model_of(plugin, name, registered)
    problems += [*_unknown_variables(model), *secrets_in(document.get(name), name, plugin.settings)]
    problems += misplaced(document.get("alerts"))
    settings = read_into(model, document, problems)
    problems = problems or incomplete(settings.alerts)
    if problems:
        raise SettingsError(problems)
    base = Configuration(settings, plugin, getattr(settings, name), file or DEFAULT_FILE)
    if sections:
        from planfill.bootstrap.accounts import accounts_of

        return replace(base, accounts=accounts_of(sections, document, base.file, registered))
    check_live(base)
    return base


def plugin_of(name: str, registered: Mapping[str, EntryPoint]) -> BrokerPlugin:
    """Load a broker by its name; raises SettingsError where none is registered under it."""
    if name not in registered:
        hint = _nearest(name, registered) or f"known are {', '.join(sorted(registered))}"
        raise SettingsError([Problem(path="broker.adapter", message=f"no broker {name!r}: {hint}")])
    plugin: BrokerPlugin = registered[name].load()
    return plugin


def model_of(
    plugin: BrokerPlugin, name: str, registered: Iterable[str], prefix: str = PREFIX
) -> type[Settings]:
    """Make the model of the settings with the table of a broker, and of variables that begin so."""

    class Prefixed(Settings):
        model_config = SettingsConfigDict(env_prefix=prefix)

    # The tables of the brokers that are not chosen may stay: swapping is one line.
    tables: dict[str, Any] = dict.fromkeys(registered, (Any, None))
    tables[name] = (plugin.settings, Field(default_factory=plugin.settings))
    return create_model("Settings", __base__=Prefixed, **tables)


def read_into(model: type[Settings], document: Mapping[str, Any], problems: list[Problem]) -> Settings:
    """Read tables, and the model's variables over them; raises SettingsError, with the other problems too."""
    try:
        return model(**document)
    except ValidationError as e:
        problems += [_problem(error, model) for error in e.errors(include_url=False)]
        raise SettingsError(problems) from e


def check_live(one: Configuration) -> None:
    """Make sure that whoever trades real money has been allowed to; raises SettingsError."""
    if one.plugin.is_live and one.plugin.is_live(one.brokerage) and not one.settings.rollout.allow_live:
        name = one.settings.broker.adapter
        message = f"{name} is set to live, where real money is at stake: set it to true to allow that"
        raise SettingsError([Problem(path="rollout.allow_live", message=message)])


def _read(file: Path | None) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    if file is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        message = f"{path} cannot be read: {e.strerror}"
        raise SettingsError([Problem(path="", message=message)]) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError([Problem(path="", message=f"{path} is not TOML: {e}")]) from e


def adapter_of(document: Mapping[str, Any], prefix: str = PREFIX, default: str = "mock") -> str:
    """Find which broker is named, before its own settings can be read."""
    table = document.get("broker", {})
    named = table.get("adapter", default) if isinstance(table, dict) else default
    variables = {key.upper(): value for key, value in os.environ.items()}
    return str(variables.get(f"{prefix}BROKER__ADAPTER", named))


def _unknown_variables(model: type[BaseModel]) -> list[Problem]:
    """Find variables that set nothing: a misspelt one must not pass in silence."""
    known = {name.upper() for name in model.model_fields} | {"CONFIG"}
    problems = []
    for variable in os.environ:
        name = variable.upper().removeprefix(PREFIX)
        ours = variable.upper().startswith(PREFIX) and not variable.upper().startswith(ACCOUNTS)
        if ours and name.split("__")[0] not in known:
            hint = _nearest(name.split("__")[0], known) or "no such setting"
            problems.append(Problem(path=variable, message=hint))
    return problems


def secrets_in(table: Any, name: str, model: type[BaseModel]) -> list[Problem]:  # noqa: ANN401 - what TOML holds
    """Find secrets in the file, which is shown, copied and committed: they belong into the environment."""
    return [
        Problem(path=f"{name}.{field}", message="a secret: put it into the environment, not into a file")
        for field, info in model.model_fields.items()
        if info.annotation is SecretStr and isinstance(table, dict) and field in table
    ]


def _problem(error: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    location = error["loc"]
    if error["type"] != "extra_forbidden":
        message = str(error["msg"]).removeprefix("Value error, ")
        return Problem(path=path_of(location), message=message)
    table: Any = model
    for part in location[:-1]:
        # A table of tables, as alerts.targets is, has whatever names its user gives.
        named = issubclass(table, BaseModel) if isinstance(table, type) else False
        table = table.model_fields[part].annotation if named else get_args(table)[-1]
    hint = _nearest(str(location[-1]), table.model_fields)
    return Problem(path=path_of(location), message=hint or "no such setting")


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name.lower(), [one.lower() for one in known], n=1)
    return f"unknown; did you mean {close[0]!r}?" if close else ""
