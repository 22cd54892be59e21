"""What a whole process costs, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds on the wall, CPU seconds, and the largest memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def cost_of(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
    """
    Run a process to its end.

    Raises:
        CalledProcessError: It did not exit with 0.

    """
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own programs
        command, cwd=folder, env=dict(variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(costs: Sequence[Cost]) -> Cost:
    """Give the median of each figure."""
    return Cost(*(median(figures) for figures in zip(*costs, strict=True)))
