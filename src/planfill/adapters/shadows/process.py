"""A shadow that runs now, in a process of its own: whatever it does, nothing here is touched."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planfill.application.ports.shadow import Shadow, Shadowed
from planfill.domain.errors import ShadowFailed
from planfill.domain.shadow import ShadowOrder, Tolerances
from planfill.domain.shadow_orders import read_orders

if TYPE_CHECKING:
    from asyncio.subprocess import Process

OWN: Final = ("PLANFILL_", "APCA_")
PREFIX: Final = "SHADOW_"
_GRACE_S: Final = 5


@dataclass(frozen=True)
class ShadowProcess(Shadow):
    """
    Runs a module that reads a request from stdin and writes its orders, as JSON, to stdout.

    It sees none of our settings and keys in the environment: in their place it finds what ``SHADOW_APCA_...``
    and ``SHADOW_PLANFILL_...`` hold. After ``timeout_s`` seconds it is ended, with all that it started.
    """

    module: str
    request: Mapping[str, str]
    timeout_s: float
    tolerances: Tolerances
    redact: Callable[[str], str]

    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        """Run it, and read the orders that it gives."""
        quotes = {symbol: str(price) for symbol, price in execution.quotes.items()}
        told = {**self.request, "plan": execution.plan, "account": execution.account, "quotes": quotes}
        process = await self._started()
        try:
            async with asyncio.timeout(self.timeout_s):
                out, _ = await process.communicate(json.dumps(told).encode())
        except TimeoutError as e:
            msg = f"it has not answered within {self.timeout_s:g} s, and was ended"
            raise ShadowFailed(msg) from e
        finally:
            await _end(process)
        try:
            return read_orders(self._answer(out, process.returncode))
        except ShadowFailed as e:
            raise ShadowFailed(self.redact(str(e))) from e

    async def _started(self) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=environment(os.environ),
                start_new_session=True,
            )
        except OSError as e:
            msg = f"its process cannot be started: {e}"
            raise ShadowFailed(msg) from e

    def _answer(self, out: bytes, code: int | None) -> object:
        try:
            answer = json.loads(out)
        except ValueError as e:
            msg = f"its process ended with {code}, and gave no orders"
            raise ShadowFailed(msg) from e
        if not isinstance(answer, dict) or not {"error", "orders"} & answer.keys():
            msg = "its process gave no orders"
            raise ShadowFailed(msg)
        if "error" in answer:
            raise ShadowFailed(answer["error"])
        return answer["orders"]


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of the shadow: ours, with its settings and keys in the place of our own."""
    rest = {name: value for name, value in ours.items() if not name.upper().startswith((*OWN, PREFIX))}
    named = {name[len(PREFIX) :]: value for name, value in ours.items() if name.upper().startswith(PREFIX)}
    return rest | {name: value for name, value in named.items() if name.upper().startswith(OWN)}


async def _end(process: Process) -> None:
    """End the process and what it has started: asked first, so that it can cancel what works."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
