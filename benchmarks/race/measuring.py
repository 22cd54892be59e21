"""The end of the benchmark that runs in a system's process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from race.protocol import Job, Outcome, tell, told

Execute = Callable[[], int]


def measure(prepare: Callable[[Job], Execute]) -> None:
    """
    Read the job, get ready, and measure its execution.

    ``prepare`` imports and constructs, and asks the market nothing. What it gives executes the job, returns
    once the last fill is known, and gives their number.
    """
    job = Job.read(told())
    execute = prepare(job)
    if job.begins_at is not None:
        time.sleep(max(0, job.begins_at - time.time()))  # noqa: TID251 - until the market's window is there
    cpu, began = time.process_time(), time.perf_counter()
    filled = execute()
    makespan_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    tell(Outcome(makespan_s=makespan_s, cpu_s=cpu_s, peak_mb=peak_mb(), filled=filled))
    # What threads still do, as a stream or a comparison with the broker's record, is neither measured nor
    # waited for; an interpreter that ends while one of them writes a line would be aborted.
    os._exit(0)


def peak_mb() -> float:
    """Give the largest memory of this process; what getrusage says may be of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
