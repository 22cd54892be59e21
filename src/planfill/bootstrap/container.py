"""The wiring, as data: every branch a named provider annotated with its port."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    Dependency,
    Factory,
    Object,
    Provider,
    Selector,
    ThreadSafeSingleton,
)

from planfill.adapters.brokers.wrappers.counting import counted
from planfill.adapters.brokers.wrappers.rehearsal import rehearsal
from planfill.adapters.brokers.wrappers.stack import stack
from planfill.adapters.clock import SystemClock
from planfill.adapters.halts.memory import MemoryHalts
from planfill.adapters.ledgers.memory import MemoryLedger
from planfill.application.alerting import Alerts, AlertTarget
from planfill.application.audit import Audit
from planfill.application.canceling import CancelPlan
from planfill.application.examining import Examine
from planfill.application.execute import ExecutePlan
from planfill.application.halting import Halts
from planfill.application.ports.alerter import Heartbeat
from planfill.application.ports.brokerage import Brokerage
from planfill.application.ports.clock import Clock
from planfill.application.ports.halt import HaltSwitch
from planfill.application.ports.ledger import AuditTrail, Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.ports.shadow import Shadow
from planfill.application.preview import PreviewPlan
from planfill.application.queries import Executions
from planfill.application.reconciling import Reconcile
from planfill.application.resolving import ResolveOrder
from planfill.application.watching import Watch
from planfill.bootstrap.alerts import AlertsSettings, alerts_of, heartbeat, names, targets
from planfill.bootstrap.own_account import made
from planfill.bootstrap.prices import priced
from planfill.bootstrap.settings import Configuration
from planfill.domain.errors import LedgerUnavailable
from planfill.domain.policy import Policy

if TYPE_CHECKING:
    from planfill.adapters.ledgers.sql import SqlLedger
    from planfill.application.metering import Metering
    from planfill.application.promoting import Rollout
    from planfill.application.shadowing import Shadowing


def holder() -> str:
    """Say who we are, for those who find the account claimed."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def operator() -> str:
    """Say who gives a command, for the record."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        name = f"user {os.getuid()}"
    return f"{name} on {socket.gethostname()}"


def policy(configuration: Configuration) -> Policy:
    """Give the figures that decide how plans are executed."""
    return configuration.policy


def description(configuration: Configuration) -> str:
    """Say what the settings have chosen, for people."""
    settings = configuration.settings
    live = configuration.plugin.is_live is not None and configuration.plugin.is_live(configuration.brokerage)
    account = f"account {configuration.account}; " if configuration.account else ""
    return f"valid; {account}broker {settings.broker.adapter}{', LIVE: real money' if live else ''}"


def ledger_url(configuration: Configuration) -> str:
    """Say where the ledger is."""
    return configuration.settings.ledger.url


def ledger_kind(url: str) -> str:
    """Name the provider of the ledger that the URL asks for."""
    return "memory" if url == "memory://" else "sql"


def sql_ledger(url: str, opened: list[SqlLedger], *, create: bool) -> Ledger:
    """Give the ledger at the URL, to be closed with the rest; SQLAlchemy is imported here, not before."""
    from planfill.adapters.ledgers.sql import SqlLedger

    ledger = SqlLedger(url, create=create)
    opened.append(ledger)
    return ledger


def file_halts(url: str) -> HaltSwitch:
    """Give the halts beside the ledger at the URL."""
    from planfill.adapters.halts.file import FileHalts
    from planfill.adapters.ledgers.sqlite import SqliteFile

    return FileHalts(SqliteFile(url, busy_timeout_s=0).path)


def audit_trail(ledger: Ledger) -> AuditTrail:
    """Give the audit trail that a ledger is, where it is one."""
    if not isinstance(ledger, AuditTrail):
        msg = f"{type(ledger).__name__} cannot be audited: it is no AuditTrail (application.ports.ledger)"
        raise LedgerUnavailable(msg)
    return ledger


# What a plain execution does not use is imported where it is asked for.


def metering(ledger: MemoryLedger | SqlLedger) -> Metering:
    """Give the use-case that measures how executions have gone."""
    from planfill.application.metering import Metering

    return Metering(ledger, ledger)


def rollout(execute: ExecutePlan, by: str) -> Rollout:
    """Give the use-cases that tell and move the stage of the account."""
    from planfill.application.promoting import Rollout

    return Rollout(execute, by)


def shadows(configuration: Configuration) -> Mapping[str, Shadow]:
    """Make the shadows of the settings, by name."""
    from planfill.bootstrap.shadows import made

    return made(configuration)


def shadowing(
    ledger: Ledger, clock: Clock, executions: Executions, shadows: Mapping[str, Shadow]
) -> Shadowing:
    """Give the use-cases that compare with a shadow."""
    from planfill.application.shadowing import Shadowing

    return Shadowing(ledger, clock, executions, shadows)


def build(configuration: Configuration, clock: Clock, families: list[Brokerage]) -> Brokerage:
    """Build the broker's family, to be closed with the rest."""
    families.append(made(configuration, configuration.plugin.build, clock))
    return _priced(configuration, clock, families[-1])


def rehearse(configuration: Configuration, clock: Clock, families: list[Brokerage]) -> Brokerage:
    """Build the broker's family, less everything that could send."""
    maker = configuration.plugin.rehearse or configuration.plugin.build
    families.append(made(configuration, maker, clock))
    return rehearsal(_priced(configuration, clock, families[-1]), clock)


def _priced(configuration: Configuration, clock: Clock, family: Brokerage) -> Brokerage:
    settings = configuration.settings
    return priced(counted(family), settings.prices, clock, settings.execution.max_quote_age_s)


class Container(DeclarativeContainer):
    """Everything that a configuration stands for; nothing is built before it is asked for."""

    configuration: Provider[Configuration] = Dependency(instance_of=Configuration)
    listeners: Provider[Sequence[EventListener]] = Object(())

    clock: Provider[Clock] = ThreadSafeSingleton(SystemClock)
    families: Provider[list[Brokerage]] = ThreadSafeSingleton(list)
    brokerage: Provider[Brokerage] = ThreadSafeSingleton(build, configuration, clock, families)
    stage: Provider[Brokerage] = Factory(rehearse, configuration, clock, families)
    figures: Provider[Policy] = Callable(policy, configuration)

    memory_ledger: Provider[MemoryLedger] = ThreadSafeSingleton(MemoryLedger)
    url: Provider[str] = Callable(ledger_url, configuration)
    kind: Provider[str] = Callable(ledger_kind, url)
    opened: Provider[list[SqlLedger]] = ThreadSafeSingleton(list)
    sql_writer: Provider[Ledger] = ThreadSafeSingleton(sql_ledger, url, opened, create=True)
    sql_reader: Provider[Ledger] = ThreadSafeSingleton(sql_ledger, url, opened, create=False)
    writer: Provider[Ledger] = Selector(kind, memory=memory_ledger, sql=sql_writer)
    reader: Provider[Ledger] = Selector(kind, memory=memory_ledger, sql=sql_reader)

    memory_halts: Provider[HaltSwitch] = ThreadSafeSingleton(MemoryHalts)
    sql_halts: Provider[HaltSwitch] = ThreadSafeSingleton(file_halts, url)
    switch: Provider[HaltSwitch] = Selector(kind, memory=memory_halts, sql=sql_halts)

    execute: Provider[ExecutePlan] = ThreadSafeSingleton(
        ExecutePlan,
        brokerage=brokerage,
        ledger=writer,
        cursors=writer,
        clock=clock,
        policy=figures,
        listeners=listeners,
        wrap=Object(stack),
        holder=Callable(holder),
        switch=switch,
    )
    preview: Provider[PreviewPlan] = Factory(
        PreviewPlan,
        Factory(
            ExecutePlan,
            brokerage=stage,
            ledger=Factory(MemoryLedger),
            cursors=Factory(MemoryLedger),
            clock=clock,
            policy=Callable(Policy.at_once, figures),
            listeners=Object(()),
            wrap=Object(stack),
            holder=Callable(holder),
            history=reader,
        ),
        reader,
        switch,
    )
    executions: Provider[Executions] = Factory(Executions, reader, clock)
    audit: Provider[Audit] = Factory(Audit, Callable(audit_trail, reader))
    metering: Provider[Metering] = ThreadSafeSingleton(metering, reader)
    described: Provider[str] = Callable(description, configuration)
    alerts_settings: Provider[AlertsSettings] = Callable(alerts_of, configuration)
    examine: Provider[Examine] = Factory(
        Examine,
        brokerage=brokerage.provider,
        ledger=writer.provider,
        clock=clock,
        policy=figures,
        settings=described,
        switch=switch,
        targets=Callable(names, alerts_settings),
    )
    operator: Provider[str] = Callable(operator)
    cancel: Provider[CancelPlan] = Factory(CancelPlan, execute, executions, operator)
    halts: Provider[Halts] = Factory(Halts, writer, switch, clock, executions, execute.provider, operator)
    rollout: Provider[Rollout] = Factory(rollout, execute, operator)
    reconcile: Provider[Reconcile] = Factory(Reconcile, execute)

    heartbeat: Provider[Heartbeat | None] = Callable(heartbeat, alerts_settings)
    quiet: Provider[Sequence[AlertTarget]] = Callable(targets, alerts_settings, clock, aloud=False)
    aloud: Provider[Sequence[AlertTarget]] = Callable(targets, alerts_settings, clock, aloud=True)
    alerts: Provider[Alerts] = Factory(Alerts, writer, writer, clock, quiet, Callable(holder))
    alerts_aloud: Provider[Alerts] = Factory(Alerts, reader, reader, clock, aloud, Callable(holder))
    watch: Provider[Watch] = Factory(Watch, writer, switch, clock, alerts, Callable(holder))
    watch_aloud: Provider[Watch] = Factory(Watch, reader, switch, clock, alerts_aloud, Callable(holder))
    resolve: Provider[ResolveOrder] = Factory(ResolveOrder, execute, executions, operator)
    shadows: Provider[Mapping[str, Shadow]] = Callable(shadows, configuration)
    shadowing: Provider[Shadowing] = Factory(shadowing, reader, clock, executions, shadows)
