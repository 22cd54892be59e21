import io
import sys
from pathlib import Path

import pytest

from planfill.adapters.cli.printing import Printer


class Busy(io.TextIOWrapper):
    """A stream in the middle of a write, as a signal handler finds it."""

    def write(self, _text: str) -> int:
        raise RuntimeError("reentrant call inside")


def test_what_a_signal_has_to_say_is_said_even_in_the_middle_of_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stderr"
    with path.open("wb") as raw, Busy(raw) as busy:
        monkeypatch.setattr(sys, "stderr", busy)
        Printer(lambda text: text.replace("hunter2", "***"), as_json=False).note("left, hunter2 \ud800")
        monkeypatch.undo()
        assert path.read_text(encoding="utf-8") == "planfill: left, *** \\ud800\n"
