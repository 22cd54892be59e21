"""
The logs: the only place that adds sinks to loguru.

Our lines go to a logger of our own. What a trading engine has set up in loguru stays as it is and sees
nothing of us, and ``logger.remove()`` there does not cost us the file. Only the program, which has no
engine around it, changes what loguru itself prints. Variables never appear in a traceback: ``diagnose``
and ``backtrace`` are off.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final, cast

import loguru
from loguru._logger import Core, Logger

from planfill.adapters.logs.event_log import AT, CORRELATION, FILE, JSON, EventLog, one_line
from planfill.adapters.logs.redaction import redactor
from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loguru import Record

    from planfill.adapters.logs.story import Read
    from planfill.application.ports.listener import EventListener
    from planfill.bootstrap.settings import Configuration, LogSettings

LEVELS: Final = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
_SAFE: Final[dict[str, Any]] = {"diagnose": False, "backtrace": False, "catch": True}
_DEFAULT_SINK: Final = 0
_SIZE: Final = re.compile(r"\d+(\.\d+)? *[kKMGT]?i?B", re.IGNORECASE)
_SPAN: Final = re.compile(r"\d+(\.\d+)? *(second|minute|hour|day|week|month|year)s?", re.IGNORECASE)
_DAILY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LINE: Final = f"<dim>{{extra[{AT}]}} {{extra[{CORRELATION}]}}</dim> <level>{{level: <7}} {{message}}</level>"
_FOREIGN: Final = "<dim>{time:HH:mm:ss.SSS!UTC}Z {name}</dim> <level>{level: <7} {message}</level>"

# As loguru makes its own; it documents a deep copy for this, which fails as soon as there is a sink.
_ours: Final[loguru.Logger] = cast("Any", Logger)(
    core=cast("Any", Core)(), exception=None, depth=0, record=False, lazy=False, colors=False,
    raw=False, capture=True, patchers=[], extra={},
)  # fmt: skip
_files: dict[Path, int] = {}
# How many logs write to a file: the last one closes it. Façades of several threads may open one at once.
_writers: Counter[Path] = Counter()
_counting: Final = Lock()


def file_listeners(configuration: Configuration, read: Read | None = None) -> Sequence[EventListener]:
    """
    Give the listener that logs the events, to the file of the settings where they name one.

    ``read`` gives the events of a stream, for one whose beginning an earlier process was told.

    Raises:
        SettingsError: The level or the rotation is none that loguru knows.

    """
    settings = configuration.settings.log
    if problems := _problems(settings):
        raise SettingsError(problems)
    name = "log" if log_file(settings) else ""
    redact = redactor(os.environ)
    log = EventLog(
        lambda: _opened(settings), name=name, read=read, redact=redact, release=lambda: _released(settings)
    )
    return (log,)


@contextmanager
def console(level: str) -> Iterator[None]:
    """
    Print on stderr what is at least as grave as ``level``; for a program.

    What others say through loguru is printed from warnings on, instead of by loguru's default sink, which
    shows the values of variables.
    """
    with suppress(ValueError):
        loguru.logger.remove(_DEFAULT_SINK)
    colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    ours = _ours.add(_print, level=level.upper(), format=_LINE, colorize=colors, **_SAFE)
    others = loguru.logger.add(_print, level="WARNING", format=_FOREIGN, colorize=colors, **_SAFE)
    try:
        yield
    finally:
        _ours.remove(ours)
        with suppress(ValueError):
            loguru.logger.remove(others)


@atexit.register
def close_files() -> None:
    """Close the log files, whoever still writes to them."""
    with _counting:
        for path in tuple(_files):
            _close(path)


def keep(error: BaseException, file: Path | None, redact: Callable[[str], str]) -> Path:
    """Write an error of our own into the log file, or where that cannot be, a new file; say which."""
    details = {
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "level": "CRITICAL",
        "event": "program_failed",
        "message": one_line(f"{type(error).__name__}: {error}"),
        "traceback": "".join(format_exception(error)),
    }
    line = redact(json.dumps(details, ensure_ascii=True)) + "\n"
    try:
        if file is None:
            raise FileNotFoundError
        with file.open("a", encoding="utf-8") as log:
            log.write(line)
    except OSError:
        number, name = tempfile.mkstemp(prefix="planfill-", suffix=".log")
        with os.fdopen(number, "w", encoding="utf-8") as fallback:
            fallback.write(line)
        return Path(name)
    return file


def log_file(settings: LogSettings) -> Path | None:
    """Give the log file; an empty name stands for none, since TOML has no other way to say it."""
    return settings.file if settings.file and settings.file.name else None


def _problems(settings: LogSettings) -> list[Problem]:
    problems = []
    if settings.level.upper() not in LEVELS:
        problems.append(
            Problem(path="log.level", message=f"{settings.level!r} is none of {', '.join(LEVELS)}")
        )
    if not any(form.fullmatch(settings.rotation) for form in (_SIZE, _SPAN, _DAILY)):
        example = "a size such as '10 MB', a time such as '1 week' or '00:00'"
        problems.append(Problem(path="log.rotation", message=f"{settings.rotation!r} is not {example}"))
    return problems


def _opened(settings: LogSettings) -> loguru.Logger:
    """Give the logger of our lines, with its file open."""
    file = log_file(settings)
    if file is None:
        return _ours
    path = file.absolute()
    with _counting:
        _writers[path] += 1
        if path not in _files:
            try:
                _files[path] = _add(path, settings)
            except OSError as e:
                extras = {AT: f"{datetime.now(UTC):%H:%M:%S.%f}"[:12] + "Z", CORRELATION: "-"}
                message = f"the log file cannot be written: {e}; the ledger alone has the record"
                _ours.bind(**extras).warning(message)
    return _ours.bind(**{FILE: str(path)})


def _released(settings: LogSettings) -> None:
    """Close the file once nobody writes to it any more."""
    file = log_file(settings)
    if file is not None:
        path = file.absolute()
        with _counting:
            _writers[path] -= 1
            if _writers[path] <= 0:
                _close(path)


def _close(path: Path) -> None:
    del _writers[path]
    sink = _files.pop(path, None)
    # A full disk was told of with each line; what was executed does not end in an error for it.
    with suppress(OSError):
        if sink is not None:
            _ours.remove(sink)


def _add(path: Path, settings: LogSettings) -> int:
    def is_for_it(record: Record) -> bool:
        return record["extra"].get(FILE) == str(path)

    return _ours.add(
        path,
        level=0,
        format=f"{{extra[{JSON}]}}",
        filter=is_for_it,
        rotation=settings.rotation,
        retention=settings.retention,
        encoding="utf-8",
        errors="backslashreplace",
        **_SAFE,
    )


def _print(text: str) -> None:
    # Looked up at each line: a live view puts itself before the terminal while it is shown.
    sys.stderr.write(text)
    sys.stderr.flush()
