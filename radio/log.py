"""How the log looks: text for people or JSON for machines, one line an event. Knows nothing about what is logged."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, TextIO

from radio.redaction import Redaction

if TYPE_CHECKING:  # engines log, too, and need not build the whole configuration's schema
    from radio.config import Log

_station: ContextVar[str] = ContextVar("station", default="")


@contextmanager
def logging_station(name: str) -> Iterator[None]:
    """Name the station of every line logged inside, by this task and the tasks it starts."""
    token = _station.set(name)
    try:
        yield
    finally:
        _station.reset(token)


def setup_logging(settings: Log, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send all logging of this process to standard error and the file, if any, without the secrets given."""
    redaction = Redaction(secrets)
    lines = JsonLines(redaction) if settings.format == "json" else TextLines(redaction)
    log_as(LogStyle(lines, logging.getLevelNamesMapping()[settings.level], _station.get()), stream)
    if settings.file is not None:  # of this process only: two cannot rotate one file
        file = LogFile(
            settings.file, maxBytes=settings.max_bytes, backupCount=settings.backups, encoding="utf-8", delay=True
        )
        file.addFilter(_add_station)
        file.setFormatter(lines)
        logging.getLogger().addHandler(file)


class LogFile(RotatingFileHandler):
    """A log file that may fail: said once on standard error, tried again with the next line."""

    _failed = _complained = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, if the disk lets us."""
        self._failed = False
        super().emit(record)
        self._complained = self._complained and self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Give up this line, and what of it lies in buffers."""
        problem, self._failed = sys.exc_info()[1], True
        if not self._complained:
            self._complained = True
            sys.stderr.write(f"{self.baseFilename}: the log cannot be written ({problem}); it goes on here.\n")
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()


@dataclass(frozen=True, slots=True)
class LogStyle:
    """How this process logs; picklable, so that a process it starts can log alike."""

    lines: logging.Formatter
    level: int
    station: str = ""


def log_style() -> LogStyle | None:
    """Tell how this process logs; None when `setup_logging` was not called."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler.formatter, _Lines):
            return LogStyle(handler.formatter, root.level, _station.get())
    return None


def log_as(style: LogStyle, stream: TextIO | None = None) -> None:
    """Send all logging of this process to standard error in a style."""
    _station.set(style.station)
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.addFilter(_add_station)
    handler.setFormatter(style.lines)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(style.level)
    for noisy in ("watchfiles", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, style.level))


class _Lines(logging.Formatter):
    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def _message(self, record: logging.LogRecord) -> str:
        return self._redaction.clean(record.getMessage())

    def _error(self, record: logging.LogRecord) -> str:
        return self._redaction.clean(self.formatException(record.exc_info)) if record.exc_info else ""


class TextLines(_Lines):
    """`2026-12-01 21:04:05 INFO    lofi: mood study → rainy`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one event; only a traceback takes more than one line."""
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        station = getattr(record, "station", "")
        message = " ".join(self._message(record).splitlines())
        prefix = f"{station}: " if station and f"station {station}:" not in message else ""
        line = f"{when} {record.levelname:<7} {prefix}{message}"
        error = self._error(record)
        return f"{line}\n{error}" if error else line


class JsonLines(_Lines):
    """One JSON object a line: time, level, station, logger, message and, after a crash, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one event as one line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "station": getattr(record, "station", ""),
            "logger": record.name,
            "message": self._message(record),
        }
        error = self._error(record)
        return json.dumps({**fields, "error": error} if error else fields, ensure_ascii=False)


def _add_station(record: logging.LogRecord) -> bool:
    if not hasattr(record, "station"):
        record.station = _station.get()
    return True
