"""
A process with a ledger, for the tests to kill: ``python ledger_process.py URL ACTION``.

It says how its claim went in one line, does what the action says, and ends with its standard input.
"""

import asyncio
import os
import signal
import sys

from planfill.adapters.ledgers.sql import SqlLedger
from planfill.application.ports.ledger import Claim
from planfill.domain.errors import AccountBusy, ProcessForked
from planfill.testing.events import ACCOUNT, AT, a_start, an_execution


async def main(url: str, action: str) -> None:
    """Claim the account, and act."""
    ledger = SqlLedger(url)
    if action == "race":
        tell("ready")
        sys.stdin.readline()
    try:
        claim = await ledger.claim(ACCOUNT, holder=f"process {os.getpid()}", at=AT)
    except AccountBusy as e:
        tell(f"busy: {e}")
    else:
        tell(f"held: {claim.fence}")
        if action == "append and die":
            (recorded,) = await ledger.append(an_execution(), [a_start()], at=AT, claim=claim)
            tell(recorded.hash)
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "leave a child and die":
            leave_a_child()
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "use it in a child":
            use_in_a_child(ledger, claim)
    sys.stdin.read()
    await ledger.aclose()


def leave_a_child() -> None:
    """Fork, and let the child end with the standard input."""
    if not os.fork():
        tell("child")
        os.read(0, 1)
        os._exit(0)


def use_in_a_child(ledger: SqlLedger, claim: Claim) -> None:
    """Fork, let the child use what its parent opened, and wait for its end."""
    if not os.fork():
        for use in (ledger.read("system"), claim.__aexit__(None, None, None)):
            try:
                use.send(None)
            except (ProcessForked, StopIteration) as e:
                tell(type(e).__name__)
        os._exit(0)
    os.wait()


def tell(line: str) -> None:
    """Say something to the test."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
