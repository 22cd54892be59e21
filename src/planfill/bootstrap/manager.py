"""The façade as engines make it: from settings, or from ports of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from dependency_injector.providers import Factory, Object

from planfill.adapters.brokers.wrappers.counting import counted
from planfill.adapters.brokers.wrappers.rehearsal import rehearsal
from planfill.application import services
from planfill.application.accounts import recorded
from planfill.application.audit import Audit
from planfill.application.canceling import CancelPlan
from planfill.application.examining import Examine
from planfill.application.execute import ExecutePlan
from planfill.application.facade import ExecutionFacade
from planfill.application.halting import Halts
from planfill.application.ports.alerter import Heartbeat
from planfill.application.ports.broker import Broker, BrokerRecords, ReportFeed
from planfill.application.ports.brokerage import Brokerage, OpensForPlan
from planfill.application.ports.clock import Clock
from planfill.application.ports.ledger import Ledger
from planfill.application.ports.listener import EventListener
from planfill.application.ports.market import (
    BrokerAccount,
    InstrumentCatalog,
    MarketData,
    MarketHours,
)
from planfill.application.preview import PreviewPlan
from planfill.application.queries import Executions
from planfill.application.reconciling import Reconcile
from planfill.application.resolving import ResolveOrder
from planfill.application.watching import Watch
from planfill.bootstrap.alerts import AlertsSettings
from planfill.bootstrap.container import Container
from planfill.bootstrap.containers import Containers
from planfill.bootstrap.logging import file_listeners
from planfill.bootstrap.settings import Configuration, LedgerSettings, load_settings
from planfill.bootstrap.tracing import trace_listeners
from planfill.domain.errors import Problem, SettingsError
from planfill.domain.market import Capabilities
from planfill.domain.policy import Policy

if TYPE_CHECKING:
    from planfill.application.assigning import Assign
    from planfill.application.metering import Metering
    from planfill.application.promoting import Rollout
    from planfill.application.shadowing import Shadowing
    from planfill.domain.plan import Plan

_P = TypeVar("_P")


class ExecutionManager(ExecutionFacade):
    """
    Executes rebalance plans: plan in, fills out.

    Made from settings (``from_settings``), or from ports: each port that is not given is taken from
    ``broker`` and then from ``market_data``, where they have its methods. ``ledger`` is by default the
    file ``planfill.db`` in the current folder: without a durable record nothing is sent exactly once.

    Raises:
        SettingsError: A port is missing.

    """

    configuration: Configuration

    def __init__(
        self,
        *,
        broker: Broker,
        market_data: MarketData | None = None,
        records: BrokerRecords | None = None,
        account: BrokerAccount | None = None,
        instruments: InstrumentCatalog | None = None,
        hours: MarketHours | None = None,
        feed: ReportFeed | None = None,
        capabilities: Capabilities | None = None,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        policy: Policy | None = None,
        listeners: Sequence[EventListener] = (),
    ) -> None:
        given = (broker, market_data)
        brokerage = Brokerage(
            broker=broker,
            records=records or _found(BrokerRecords, "records", given),
            market_data=market_data or _found(MarketData, "market_data", given),
            account=account or _found(BrokerAccount, "account", given),
            instruments=instruments or _found(InstrumentCatalog, "instruments", given),
            hours=hours or _found(MarketHours, "hours", given),
            feed=feed or _found(ReportFeed, "feed", given),
            capabilities=capabilities or Capabilities(unique_ids=True),
            opening=broker.open_for if isinstance(broker, OpensForPlan) else None,
        )
        container = Container()
        container.brokerage.override(Object(counted(brokerage)))
        container.stage.override(Factory(rehearsal, container.brokerage, container.clock))
        container.figures.override(Object(policy or Policy()))
        container.described.override(Object("none; the ports are the caller's own"))
        container.url.override(Object(LedgerSettings().url))
        container.listeners.override(Object(tuple(listeners)))
        container.shadows.override(Object({}))
        container.alerts_settings.override(Object(AlertsSettings()))
        if clock is not None:
            container.clock.override(Object(clock))
        if ledger is not None:
            container.writer.override(Object(ledger))
            container.reader.override(Object(ledger))
            # Where the caller's ledger is, if it is anywhere, nobody says: others halt it in the ledger.
            container.switch.override(container.memory_halts)
        super().__init__(Services(Containers(container)))

    @classmethod
    def from_settings(
        cls,
        file: Path | str | None = None,
        *,
        listeners: Sequence[EventListener] = (),
        account: str | None = None,
    ) -> Self:
        """
        Make the façade that the settings describe; ``file`` is ``planfill.toml`` where there is one.

        It serves all accounts of the settings, each with connections of its own once it is used. ``account``
        is for plans that name none; one that names another is refused.

        Raises:
            AccountUnknown: The settings have no such account.
            SettingsError: Every problem of the settings, each with its path.

        """
        configuration = load_settings(Path(file) if file is not None else None)
        container = Container(configuration=Object(configuration))
        log = file_listeners(configuration, lambda stream: container.writer().read(stream))
        container.listeners.override(Object((*log, *trace_listeners(configuration), *listeners)))
        containers = Containers(container, configuration.accounts, configuration.file, account)
        manager = cls.__new__(cls)
        ExecutionFacade.__init__(manager, Services(containers))
        manager.configuration = configuration
        return manager


class Services(services.Services):
    """The use-cases as a container makes them: that of an account, or of what all accounts share."""

    def __init__(self, containers: Containers, account: str | None = None) -> None:
        self._containers = containers
        self._account = account
        self._container = containers.shared if account is None else containers.of(account)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Name the accounts of the settings."""
        return self._containers.names

    @property
    def chosen(self) -> str | None:
        """Name the account that is served, or that was chosen."""
        return self._account or self._containers.chosen

    def of(self, account: str | None) -> Services:
        """Give the use-cases of an account."""
        self._containers.check(account)
        return self if account == self._account else Services(self._containers, account)

    def assign(self) -> Assign:
        """Give the use-case that gives a plan to the account, and executes it there."""
        from planfill.application.assigning import Assign

        return Assign(self._container.execute(), self._account or "")

    def clock(self) -> Clock:
        """Give the clock."""
        return self._container.clock()

    def execute(self) -> ExecutePlan:
        """Give the use-case that executes plans."""
        return self._container.execute()

    def preview(self) -> PreviewPlan:
        """Give the use-case that rehearses plans."""
        return self._container.preview()

    def executions(self) -> Executions:
        """Give the queries."""
        return self._container.executions()

    def cancel(self) -> CancelPlan:
        """Give the use-case that cancels plans."""
        return self._container.cancel()

    def halts(self) -> Halts:
        """Give the use-cases that halt, and lift that again."""
        if self._account is None and self.accounts:
            return self._container.halts(serving=self._serving)
        number = None if self._account is None else self._container.configuration().number
        return self._container.halts(name=self._account, number=number)

    def rollout(self) -> Rollout:
        """Give the use-cases that tell and move the stage of the account."""
        return self._container.rollout()

    def shadowing(self) -> Shadowing:
        """Give the use-cases that compare with a shadow."""
        return self._container.shadowing()

    def resolve(self) -> ResolveOrder:
        """Give the use-case that resolves orders."""
        return self._container.resolve()

    def reconcile(self) -> Reconcile:
        """Give the use-case that reconciles executions."""
        return self._container.reconcile()

    def audit(self) -> Audit:
        """Give the use-case that verifies the ledger."""
        return self._container.audit()

    def metering(self) -> Metering:
        """Give the use-case that measures executions."""
        return self._container.metering()

    def examine(self) -> Examine:
        """Give the use-case that examines the set-up."""
        return self._container.examine()

    def watch(self, *, aloud: bool = False) -> Watch:
        """Give the use-case that looks and alerts."""
        return self._container.watch_aloud() if aloud else self._container.watch()

    def heartbeat(self) -> Heartbeat | None:
        """Give whom to tell of the beginning and the end of each run, if there is one."""
        return self._container.heartbeat()

    async def aclose(self) -> None:
        """Close what was opened."""
        await self._containers.aclose()

    def _serving(self, plan: Plan) -> ExecutePlan:
        return self.of(recorded(plan, self.accounts, None)).execute()


def _found(port: type[_P], name: str, candidates: Sequence[object]) -> _P:
    """Find an object among those given that has the methods of a port."""
    for candidate in candidates:
        if isinstance(candidate, port):
            return candidate
    message = f"no {port.__name__} was given, and neither broker nor market_data is one: pass {name}=..."
    raise SettingsError([Problem(path=name, message=message)])
