"""What every test shares: the event loop, the refusal of silent skips in CI, and figures at the end."""

import gc
import os
from typing import Final

import pytest

_MAY_SKIP_IN_CI: Final = (
    "needs keys",
    "shared reference absent",
    # What an adapter declares is no missing tool, and the page on the broker's contract shows it.
    "the broker declares that it has no ",
    "the venue cannot make it: ",
)
_unexpected = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio alone: it is what the facade runs."""
    return "asyncio"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_unexpected] = []
    config.pluginmanager.register(_SkipsInCi(config), "skips-in-ci")
    config.pluginmanager.register(_Figures(), "figures")


def pytest_collection_finish() -> None:
    """Take what lives to the end of the run, thousands of tests, out of the collector's walks."""
    gc.collect()
    gc.freeze()


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


class _Figures:
    """Adds up what tests recorded under "figures" (what, how many, in how many seconds), and prints it."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "figures" and isinstance(value, tuple | list):
                what, count, seconds = str(value[0]), int(value[1]), float(value[2])
                before = self._found.get(what, (0, 0.0))
                self._found[what] = (before[0] + count, before[1] + seconds)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section("figures")
        for what, (count, seconds) in sorted(self._found.items()):
            terminalreporter.line(f"{what}: {count}, {1000 * seconds / max(1, count):.0f} ms each")
