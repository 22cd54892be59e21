"""The program as its user types it: in this process where that will do, else in one of its own."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import typer.main

from planfill.bootstrap.cli import main

# What each start finds out anew and no command changes: here one process is started hundreds of times.
FOUND_ONCE: Final = {
    "typer.main.get_command": cache(typer.main.get_command),
    "sysconfig.get_path": cache(sysconfig.get_path),
    "planfill.bootstrap.settings.entry_points": cache(importlib.metadata.entry_points),
}
PRICES = {"SPY": "400", "QQQ": "300", "IWM": "200", "GLD": "170", "TLT": "140"}


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Program:
    """Runs commands in a folder of its own, with nothing of the developer's environment."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name, found_once in FOUND_ONCE.items():
            monkeypatch.setattr(name, found_once)
        for name in os.environ:
            if name.startswith(("PLANFILL_", "APCA_")) or name in {"COLUMNS", "FORCE_COLOR"}:
                monkeypatch.delenv(name)
        self.settings(
            mock__prices=self.write("prices.json", {"last": PRICES, "as_of": "2021-03-31T20:00:00Z"})
        )

    def settings(self, **settings: object) -> None:
        """Set settings, as ``mock__prices=...``."""
        for name, value in settings.items():
            self._monkeypatch.setenv(f"PLANFILL_{name.upper()}", str(value))

    def write(self, name: str, content: object) -> Path:
        """Write a file: text and bytes as they are, anything else as JSON."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
        return path

    def __call__(self, *arguments: object) -> Ended:
        """Run a command in this process."""
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    def spawn(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object, **environment: str) -> Ended:
        """Run a command in a process of its own."""
        with self.spawn(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)

    def files(self) -> set[str]:
        """Name what stands in the folder once a command has ended."""
        gc.collect()  # in this process, an open file of the mock's outlives the command that made it
        return {path.name for path in self.folder.iterdir()}


def command(*arguments: object) -> list[str]:
    """Give the command line of the console script beside the interpreter that runs the tests."""
    return [str(Path(sys.executable).with_name("planfill")), *(str(one) for one in arguments)]


def events(log: Path) -> list[Mapping[str, Any]]:
    """Read a log file."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def wait_for(words: str, process: subprocess.Popen[str]) -> str:
    """Read the log until something has happened; give what was read."""
    assert process.stderr is not None
    read = ""
    while words not in read:
        line = process.stderr.readline()
        assert line, read
        read += line
    return read
