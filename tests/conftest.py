"""What every test shares: the event loop, and the refusal of silent skips in CI."""

import os
from typing import Final

import pytest

_MAY_SKIP_IN_CI: Final = ("needs keys", "shared reference absent")
_unexpected = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio alone: it is what the facade runs."""
    return "asyncio"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_unexpected] = []
    config.pluginmanager.register(_SkipsInCi(config), "skips-in-ci")


class _SkipsInCi:
    """Fails the run where CI skipped a test that it must run: a skip would hide a missing tool."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "wasxfail") and "paper" not in report.keywords:
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._config.stash[_unexpected] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if unexpected := self._config.stash[_unexpected]:
            terminalreporter.section("skipped, but CI must run them", red=True)
            for line in unexpected:
                terminalreporter.line(line)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or os.environ.get("CI") != "true":
            return
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = told.removeprefix("Skipped: ")
        if not reason.startswith(_MAY_SKIP_IN_CI):
            self._config.stash[_unexpected].append(f"{report.nodeid}: {reason}")
