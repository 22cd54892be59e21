"""What the crash tests share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from crashing import Drive

SUPPORT: Final = Path(__file__).resolve().parents[1] / "support"


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    """Count no lines: that takes longer than the runs themselves, and other tests cover the same lines."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


@pytest.fixture
def drive(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Run one of the programs that fork, in a process that has no thread yet; give what it prints."""

    def drive(program: str, job: Mapping[str, Any]) -> dict[str, Any]:
        command = [sys.executable, str(SUPPORT / program), str(tmp_path), json.dumps(job)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        # Compiled once for all interpreters that are started, whatever the environment says of that.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.getbasetemp().parent / "pycache")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert not found["failures"], "\n".join([*found["failures"], done.stderr])
        return found

    return drive
