"""
Break the core on purpose, and see that the simulation notices.

Each mutant is a patch to a copy of ``src``. The simulation runs until a seed fails; where none does, the
unit tests of the application and the domain are asked. A mutant that nobody notices fails the run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

_ROOT: Final = Path(__file__).resolve().parent.parent
_TESTS: Final = ("tests/unit/application", "tests/unit/domain", "tests/unit/adapters", "tests/contracts")


class Mutant(NamedTuple):
    """A deliberate fault: in this file of ``src/planfill`` this text becomes that."""

    name: str
    file: str
    old: str
    new: str


_RETRY: Final = "adapters/brokers/wrappers/retry.py"
_STACK: Final = "adapters/brokers/wrappers/stack.py"
_PLACING: Final = "application/placing.py"
_LINES: Final = "domain/lines.py"
_ORDERS: Final = "domain/order_machine.py"
_LIMITS: Final = "domain/limits.py"
_FIND: Final = """            if found := await self._find(hidden=isinstance(e, OrderHidden)):
                return found
            raise BrokerUnavailable(self._failure) from e
"""

MUTANTS: Final = (
    Mutant(
        "skip the look-up before resending",
        _RETRY,
        _FIND,
        "            raise BrokerUnavailable(self._failure) from e\n",
    ),
    Mutant(
        "a new id on each retry",
        _RETRY,
        "            self._failure = str(e)\n            raise\n",
        "            self._failure = str(e)\n"
        "            name = f'{self._order.client_order_id[:-1]}{int(self._order.client_order_id[-1]) + 1}'\n"
        "            self._order = type(self._order).model_validate("
        "{**dict(self._order), 'client_order_id': name})\n"
        "            raise\n",
    ),
    Mutant(
        "commit after sending",
        "application/loop.py",
        "                await run.note(*await prepare(run, lines))\n",
        "                events = await prepare(run, lines)\n"
        "                for event in events:\n"
        "                    if event.kind == 'order_recorded':\n"
        "                        try:\n"
        "                            await run.brokerage.broker.place_order(event.order)\n"
        "                        except Exception:\n"
        "                            pass\n"
        "                await run.note(*events)\n",
    ),
    Mutant(
        "an unknown outcome is a rejection",
        _RETRY,
        _FIND,
        "            raise OrderRejected(self._failure) from e\n",
    ),
    Mutant(
        "an unknown outcome is 'not placed'",
        _PLACING,
        "        return doubted(order, str(e))\n",
        "        return not_sent(order, Reason.BROKER_UNAVAILABLE, str(e))\n",
    ),
    Mutant(
        "what nobody foresaw is 'not placed'",
        _PLACING,
        '        return doubted(order, f"{type(e).__name__} while it was being placed")\n',
        '        return not_sent(order, Reason.BROKER_UNAVAILABLE, "surprise")\n',
    ),
    Mutant(
        "drop the claim",
        "adapters/ledgers/memory.py",
        "            if (other := store.holders.get(account)) is not None:\n",
        "            if (other := store.holders.get(account)) is not None and False:\n",
    ),
    Mutant(
        "drop the fence",
        "adapters/ledgers/claims.py",
        "    if claim.fence != latest:\n",
        "    if False:\n",
    ),
    Mutant(
        "a working report ends the order",
        _ORDERS,
        "    if not report.is_terminal or not report.is_priced:\n",
        "    if not report.filled_quantity or not report.is_priced:\n",
    ),
    Mutant(
        "a fill without a price ends the order",
        _ORDERS,
        "    if not report.is_terminal or not report.is_priced:\n",
        "    if not report.is_terminal:\n",
    ),
    Mutant(
        "the gate before the back-off only",
        _STACK,
        "    return Retry(paced, sending, clock)\n",
        "    return Gate(Retry(broker, sending, clock), sending)\n",
    ),
    Mutant(
        "resend without waiting out the read lag",
        _RETRY,
        "            return waited and not hidden and absent.tells_of(self._order.quoted_at)\n",
        "            return not hidden and absent.tells_of(self._order.quoted_at)\n",
    ),
    Mutant(
        "resend an order that the broker has refused to show",
        _RETRY,
        "            return waited and not hidden and absent.tells_of(self._order.quoted_at)\n",
        "            return waited and absent.tells_of(self._order.quoted_at)\n",
    ),
    Mutant(
        "resend what the broker's lists no longer reach",
        _RETRY,
        "            return waited and not hidden and absent.tells_of(self._order.quoted_at)\n",
        "            return waited and not hidden\n",
    ),
    Mutant(
        "delivery delay and read lag do not add up",
        "domain/market.py",
        "        return self.max_delivery_delay_s + self.read_lag_s\n",
        "        return max(self.max_delivery_delay_s, self.read_lag_s)\n",
    ),
    Mutant(
        "ignore a stop in the gate",
        "application/run.py",
        "            raise NotPermitted(stopped.reason, stopped.detail)\n",
        "            pass\n",
    ),
    Mutant(
        "ignore the age of the quote in the gate",
        "application/run.py",
        "        if age > self.policy.execution.max_quote_age_s:\n",
        "        if age < 0:\n",
    ),
    Mutant(
        "ignore the deadline in the gate",
        "application/run.py",
        '            raise NotPermitted(Reason.DEADLINE, "its time was over before it was sent")\n',
        "            pass\n",
    ),
    Mutant(
        "absent from the list is an end",
        "application/tracking.py",
        "        return list(news(self._run.state, reports, await fills(self._run)))\n",
        "        from planfill.domain.following import not_sent\n"
        "        there = {report.client_order_id for report in reports}\n"
        "        absent = [o for o in self._run.state.orders.values() if o.is_open"
        " and o.order.client_order_id not in there]\n"
        "        return [*news(self._run.state, reports, await fills(self._run)),"
        " *(not_sent(o, Reason.CANCELED, '') for o in absent)]\n",
    ),
    Mutant(
        "a resume takes recorded orders for unsent",
        _LINES,
        "        self._happens(Happening.RESUMED if self.report else Happening.RESUMED_UNHEARD)\n"
        "        self.inherited |= self.is_open\n"
        "        self.was_doubted |= self.is_open\n",
        "        if self.is_open or self.is_unresolved:\n"
        "            self.phase = Phase.RECORDED if self.report is None else Phase.WORKING\n",
    ),
    Mutant(
        "buys before sells",
        "domain/sequencing.py",
        "    return Released(() if _unsettled(lines_of(state, Action.SELL)) else pending)\n",
        "    return Released(pending)\n",
    ),
    Mutant(
        "buys while a sale is unresolved",
        "domain/sequencing.py",
        "order.is_open or order.is_unresolved for line",
        "order.is_open for line",
    ),
    Mutant(
        "recover without a second look",
        _PLACING,
        "        missing, absent = absent, []\n        await run.each(missing, ask)\n",
        "",
    ),
    Mutant(
        "the second look comes at once",
        _PLACING,
        "        await run.clock.sleep(run.brokerage.capabilities.certainty_s)\n",
        "",
    ),
    Mutant(
        "could not ask is 'not there', on a resume",
        _PLACING,
        "            await run.note(unresolved(order, str(e)))\n",
        "            absent.append(order)\n",
    ),
    Mutant(
        "could not ask is 'not there', before a resend",
        _RETRY,
        "            if isinstance(e, OrderNotFound) and is_certain(e):\n",
        "            if not isinstance(e, OrderNotFound) or is_certain(e):\n",
    ),
    Mutant(
        "a cancel is an end",
        _LINES,
        "        self.cancel_requested_at, self.canceled_for, self.reason = at, reason, reason\n",
        "        self.cancel_requested_at, self.canceled_for, self.reason = at, reason, reason\n"
        "        self.phase = Phase.ENDED\n",
    ),
    Mutant(
        "silence is an end",
        "application/tracking.py",
        "        await run.note(*given_up(run.state, run.clock.now(), policy.cancel_grace_s))\n",
        "        from planfill.domain.following import not_sent\n"
        "        for event in given_up(run.state, run.clock.now(), policy.cancel_grace_s):\n"
        "            order = run.state.orders[event.client_order_id]\n"
        "            await run.note(not_sent(order, Reason.DEADLINE, ''))\n",
    ),
    Mutant(
        "a refusal is final, whatever is in doubt",
        _RETRY,
        "            if self._in_doubt and (found := await self._find()):\n                return found\n",
        "",
    ),
    Mutant(
        "what an earlier run may have sent is not in doubt",
        "application/run.py",
        "        return self.state.orders[order.client_order_id].was_doubted\n",
        "        return False\n",
    ),
    Mutant(
        "the latest report wins",
        "domain/report.py",
        "    if known is None:\n        return new\n",
        "    if known is None or known is not new:\n        return new\n",
    ),
    Mutant(
        "go on after the ledger failed",
        "application/journal.py",
        "        except LedgerError as e:\n            self._failure = e\n            return\n",
        "        except LedgerError:\n            return\n",
    ),
    Mutant(
        "the money is not counted again before a resend",
        "application/rechecking.py",
        "    if cost <= purse:\n",
        "    if True:\n",
    ),
    Mutant(
        "the money of a buy in doubt is given to another",
        "domain/allotting.py",
        "    taken = in_doubt(state.orders.values()) + promised(state.lines.values())\n",
        "    taken = promised(state.lines.values())\n",
    ),
    Mutant(
        "what open buys may cost is spent again",
        "domain/funding.py",
        "(money - account.open_buys_usd)",
        "money",
    ),
    Mutant(
        "proceeds are spent that do not show yet",
        "application/funding.py",
        "            if not self._is_ready(account):\n",
        "            account = account.model_copy(update={'cash_usd': "
        "account.cash_usd + traded(run.state, Action.SELL)})\n"
        "            if not self._is_ready(account):\n",
    ),
    Mutant(
        "a failed sell blocks no buys",
        "domain/funding.py",
        "    return ZERO_USD if missing else planned\n",
        "    return planned\n",
    ),
    Mutant(
        "a buy in a pipeline overtakes what it covers not",
        "domain/funding.py",
        "        if amount > left:\n            break\n",
        "        if amount > budget:\n            break\n",
    ),
    Mutant(
        "in the order of the plan buys wait for no sells",
        "domain/sequencing.py",
        "    return Released(() if first.item.action is Action.BUY and _unsettled(before) else alike)\n",
        "    return Released(alike)\n",
    ),
    Mutant(
        "the next step of a walk is for all of the line",
        "domain/remainders.py",
        "Quantity(round_down(line.rest, facts.instrument.lot))\n",
        "line.orders[0].sizing.quantity\n",
    ),
    Mutant(
        "the next step of a walk goes out with the cancel",
        _LINES,
        "        return settled and self.has_next and self.orders[-1].ran_out\n",
        "        asked = self.orders[-1].cancel_requested_at is not None\n"
        "        return self.has_next and (asked or (settled and self.orders[-1].ran_out))\n",
    ),
    Mutant(
        "a walk takes the money of other buys",
        "domain/funding.py",
        "    if not (line.has_next and (line.is_pending or line.is_open)):\n",
        "    if not (line.has_next and line.is_pending):\n",
    ),
    Mutant(
        "a plan that waits is sent while the market is closed",
        "domain/checks.py",
        "    if not session.is_open:\n",
        "    if not session.is_open and session.opens_at is None:\n",
    ),
    Mutant(
        "a cancel of another process is not heard",
        "application/heeding.py",
        "                if event.plan_id == self._plan_id:\n",
        "                if not event.plan_id:\n",
    ),
    Mutant(
        "the gate does not see a halt",
        "application/run.py",
        "        self.glance()\n",
        "        pass\n",
    ),
    Mutant(
        "a halt in the ledger is not heard",
        "application/heeding.py",
        "        self._obey(strictest(*self._halts.values()))\n",
        "        pass\n",
    ),
    Mutant(
        "under reduce-only buys go out",
        "application/stopping.py",
        "        return self.buys if side is Side.BUY else None\n",
        "        return None\n",
    ),
    Mutant(
        "what a reduce-only halt stops is bought after all",
        "domain/deciding.py",
        "    if state.buys_stop is None:\n",
        "    if state.buys_stop is not None or state.stop is None:\n",
    ),
    Mutant(
        "a stop is forgotten by the next run",
        "domain/state.py",
        "                self.stop, self.stopped_at = self.stop or event, self.stopped_at or at\n",
        "                pass\n",
    ),
    Mutant(
        "orders are not canceled at their deadline",
        "domain/following.py",
        "or now >= order.deadline or _is_too_much(",
        "or _is_too_much(",
    ),
    Mutant(
        "the gate asks no limit",
        "application/run.py",
        "        self.limits.permit(order, self.state.orders[order.client_order_id].sizing, now)\n",
        "",
    ),
    Mutant(
        "a plan over its limits is taken up",
        "application/execute.py",
        "        ) or run.limits.check_plan(self.clock.now())\n",
        "        )\n",
    ),
    Mutant(
        "a line over its limit is not blocked",
        "application/execute.py",
        ", *run.limits.blocked())\n",
        ")\n",
    ),
    Mutant(
        "the orders of a day are one too many",
        _LIMITS,
        "len(today) + orders, limits.max_daily_orders",
        "len(today) + orders - 1, limits.max_daily_orders",
    ),
    Mutant(
        "the orders of a minute are one too many",
        _LIMITS,
        "lately + orders, limits.max_orders_per_minute",
        "lately + orders - 1, limits.max_orders_per_minute",
    ),
    Mutant(
        "a day is that of the first order",
        _LIMITS,
        "if sent.at.date() == now.date()]",
        "if sent.at.date() == self.orders[-1].at.date()]",
    ),
    Mutant(
        "what other plans have used is forgotten",
        "application/limiting.py",
        "Usage(tuple(others.values()), plans)",
        "Usage((), plans)",
    ),
    Mutant(
        "an order counts from when it was recorded",
        "application/limiting.py",
        "                    found[name] = found[name].by(one.at)\n",
        "",
    ),
    Mutant(
        "a breaker never stops",
        "domain/deciding.py",
        "    if (unsent or lines) and (sick := tripped(state, policy.limits)):\n",
        "    if (sick := tripped(state, policy.limits)) and not (unsent or lines):\n",
    ),
    Mutant(
        "silence stops nothing",
        "application/run.py",
        "failing(self.state, self.policy.limits, self._unanswered)",
        "failing(self.state, self.policy.limits)",
    ),
    Mutant(
        "a breaker of the gate lets this one through",
        "application/run.py",
        "            self.stop.request(sick.reason, sick.detail)\n"
        "            raise NotPermitted(sick.reason, sick.detail)\n",
        "            self.stop.request(sick.reason, sick.detail)\n",
    ),
    Mutant(
        "unresolved orders stop nothing",
        "domain/breakers.py",
        "unresolved >= limits.breaker_unresolved",
        "unresolved > limits.breaker_unresolved",
    ),
    Mutant(
        "the cost of sells is a gain",
        "domain/shortfall.py",
        "sign = 1 if first.order.side is Side.BUY else -1",
        "sign = 1",
    ),
)


def main() -> int:
    """Run the mutants that the command line names, or all; 1 where one lives."""
    parser = argparse.ArgumentParser(description="Break the core on purpose, and see who notices.")
    parser.add_argument("--seeds", type=int, default=4000, help="how many seeds each mutant may survive")
    parser.add_argument("names", nargs="*", help="parts of the names of the mutants to run")
    told = parser.parse_args()
    chosen = [m for m in MUTANTS if not told.names or any(name in m.name for name in told.names)]
    if stale := unfit():
        raise SystemExit(f"the text of these does not stand once in its file: {', '.join(stale)}")
    survivors = 0
    for mutant in chosen:
        killer = _killer(mutant, told.seeds)
        survivors += killer is None
        print(f"{mutant.name:<52} {killer or 'SURVIVED'}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return bool(survivors)


def unfit() -> list[str]:
    """Name the mutants whose text the code no longer has, or has twice."""
    source = _ROOT / "src" / "planfill"
    return [m.name for m in MUTANTS if (source / m.file).read_text().count(m.old) != 1]


def _killer(mutant: Mutant, seeds: int) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(_ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        target = source / "planfill" / mutant.file
        text = target.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(
                f"{mutant.name}: its text stands {text.count(mutant.old)} times in {mutant.file}"
            )
        target.write_text(text.replace(mutant.old, mutant.new))
        environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
        run = _python(environment, "scripts/simulate.py", "--quick", "--seeds", str(seeds))
        if found := re.search(r"^seed (\d+): (.*)$", run.stdout, re.MULTILINE):
            return f"seed {found[1]}: {found[2][:90]}"
        if run.returncode:
            return f"the simulation itself: {run.stderr.strip().splitlines()[-1][:90]}"
        return _failing_test(environment)


def _failing_test(environment: dict[str, str]) -> str | None:
    """Find a test that fails with the mutant, and without it does not."""
    innocent: list[str] = []
    while True:
        without = [f"--deselect={name}" for name in innocent]
        run = _python(environment, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *_TESTS, *without)
        found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
        if found is None:
            return None
        if not _python(dict(os.environ), "-m", "pytest", "-q", "-p", "no:cacheprovider", found[1]).returncode:
            return found[1]
        innocent.append(found[1])


def _python(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, *command], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    raise SystemExit(main())
