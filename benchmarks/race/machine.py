"""On what it was measured."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import version
from pathlib import Path


def described(folder: Path) -> dict[str, object]:
    """Describe the machine, how busy it is, and what making a write durable costs in a folder."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((line.partition(":")[2].strip() for line in cpu.splitlines() if "model name" in line), "")
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory) / 1024**2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "alpaca_py": version("alpaca-py"),
        "load": [round(load, 1) for load in os.getloadavg()],
        "fsync_ms": round(_fsync_s(folder) * 1000, 2),
    }


def _fsync_s(folder: Path) -> float:
    """Give the median of some synchronous writes of a page."""
    path, taken = folder / "fsync", []
    with path.open("wb") as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken)
