"""
The logs: the only place that adds sinks to loguru.

As a library one sink is added, the file, and it takes our lines alone; what an engine has set up stays
as it is. An engine that does not want our lines for people in its own sinks filters them by the name
``planfill``. Variables never appear in a traceback: ``diagnose`` and ``backtrace`` are off.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from planfill.adapters.logs.event_log import AT, CORRELATION, JSON, OURS, EventLog, one_line
from planfill.adapters.logs.redaction import redactor
from planfill.domain.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loguru import Logger, Record

    from planfill.adapters.logs.story import Read
    from planfill.application.ports.listener import EventListener
    from planfill.bootstrap.settings import Configuration, LogSettings

LEVELS: Final = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
_SAFE: Final[dict[str, Any]] = {"diagnose": False, "backtrace": False, "catch": True}
_DEFAULT_SINK: Final = 0
_SIZE: Final = re.compile(r"\d+(\.\d+)? *[kKMGT]?i?B", re.IGNORECASE)
_SPAN: Final = re.compile(r"\d+(\.\d+)? *(second|minute|hour|day|week|month|year)s?", re.IGNORECASE)
_DAILY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OURS: Final = (
    f"<dim>{{extra[{AT}]}} {{extra[{CORRELATION}]}}</dim> <level>{{level: <7}} {{message}}</level>\n"
)
_OTHERS: Final = (
    "<dim>{time:HH:mm:ss.SSS!UTC}Z {name}</dim> <level>{level: <7} {message}</level>\n{exception}"
)

_files: dict[Path, int] = {}


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
    return (EventLog(lambda: _opened(settings), name=name, read=read, redact=redact),)


@contextmanager
def console(level: str) -> Iterator[None]:
    """Print on stderr what is at least as grave as ``level``, instead of what loguru would; for a program."""
    with suppress(ValueError):
        logger.remove(_DEFAULT_SINK)
    colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    sink = logger.add(_print, level=level, format=_line, colorize=colors, **_SAFE)
    try:
        yield
    finally:
        logger.remove(sink)


def close_files() -> None:
    """Close the log files; the next event opens its file again."""
    while _files:
        _, sink = _files.popitem()
        with suppress(ValueError):  # somebody has removed all sinks
            logger.remove(sink)


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


def _opened(settings: LogSettings) -> Logger:
    """Give the logger of our lines, with its file open."""
    file = log_file(settings)
    if file is None:
        return logger.bind(**{OURS: ""})
    path = file.absolute()
    if path not in _files:
        try:
            _files[path] = _add(path, settings)
        except OSError as e:
            logger.warning("the log file cannot be written, {}: the ledger alone has the record", e)
    return logger.bind(**{OURS: str(path)})


def _add(path: Path, settings: LogSettings) -> int:
    def is_for_it(record: Record) -> bool:
        return record["extra"].get(OURS) == str(path)

    return logger.add(
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


def _line(record: Record) -> str:
    return _OURS if OURS in record["extra"] else _OTHERS


def _print(text: str) -> None:
    # Looked up at each line: a live view puts itself before the terminal while it is shown.
    sys.stderr.write(text)
    sys.stderr.flush()
