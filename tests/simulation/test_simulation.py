"""Thousands of worlds in which everything goes wrong: no order twice, none lost, every dollar told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from mutate_core import unfit
from simulation.tally import run_seeds
from simulation.world import simulate

ROOT: Final = Path(__file__).resolve().parents[2]
CHUNK: Final = 1000
CHUNKS: Final = 3


@pytest.fixture
def untraced() -> Iterator[None]:
    """Count no lines: that takes longer than the simulation, and other tests cover the same lines."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("first", range(0, CHUNK * CHUNKS, CHUNK))
def test_every_law_holds_and_everything_that_can_go_wrong_does(first: int) -> None:
    tally = run_seeds(first, first + CHUNK)
    assert not tally.failures, "replay with: make simulate SEED=..."
    assert not tally.unmet()


@pytest.mark.parametrize("seed", [3, 17, 40])
def test_a_seed_replays_identically_in_whatever_process(seed: int) -> None:
    here = simulate(seed)
    assert simulate(seed).digest == here.digest
    program = [sys.executable, str(ROOT / "scripts" / "simulate.py"), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    there = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.splitlines()[-1].endswith(here.digest)


def test_every_mutant_still_fits_the_code() -> None:
    assert unfit() == []
