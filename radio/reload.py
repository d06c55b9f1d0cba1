"""Follows config.yaml: an edit that is right takes effect on air, one that is wrong changes nothing.

Knows nothing about what a change does to the sound; a callback applies it. On file systems that report no changes
(some container mounts) set WATCHFILES_FORCE_POLLING=1.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import watchfiles

from engine import EngineError
from radio.config import Change, Config, diff
from radio.config_file import parse_config
from radio.config_yaml import read_text
from radio.errors import ConfigError, RadioError
from radio.metrics import Metrics
from radio.mood_files import FOLDER, mood_files

logger = logging.getLogger(__name__)

DEBOUNCE_MS = 200
"""Editors save in several steps (write, rename, attributes); 200 ms sees them as one."""
_LOOK_EVERY_S = 2.0
_SETTLE_S = (0.1, 0.2, 0.4)
"""A file that is missing, empty or broken is read again: its editor may not have finished."""

Apply = Callable[[Config, tuple[Change, ...]], Awaitable[None]]
"""Puts a new tree into effect; gets the live changes only."""


class Reloader:
    """Holds the tree in force and replaces it when the file changes."""

    def __init__(self, path: Path, config: Config, apply: Apply, metrics: Metrics) -> None:
        self.config = config
        """The tree in force."""
        self._path = path.absolute()
        self._apply = apply
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._seen = _signature(self._path)
        metrics.config_reload_success_timestamp_seconds.set(time.time())

    def trigger(self) -> None:
        """Ask for a reload now: SIGHUP, or an API call."""
        self._asked.set()

    async def run(self) -> None:
        """Follow the file until cancelled."""
        wait = self._wait_watching
        while True:
            try:
                await wait()
            except (OSError, RuntimeError) as problem:
                # RuntimeError: what watchfiles' Rust side raises, for example at the limit of inotify watches
                logger.warning(
                    "%s: cannot watch its folder (%s); looking every %g s.", self._path, problem, _LOOK_EVERY_S
                )
                wait = self._wait_looking
                continue
            self._asked.clear()
            await self.reload()

    async def reload(self) -> bool:
        """Read the file; when it is right it is in force on return, else the old tree stays."""
        try:
            config = await self._read()
            changes = diff(self.config, config)
            if any(change.live for change in changes):
                await self._apply(config, tuple(change for change in changes if change.live))
        except (EngineError, RadioError) as refused:
            for problem in str(refused).splitlines():
                logger.error("%s", problem)
            logger.error("%s: not applied; the station plays on with the configuration it had.", self._path.name)
            self._metrics.config_reloads.labels("rejected").inc()
            return False
        self.config = config
        self._report(changes)
        self._metrics.config_reloads.labels("applied" if changes else "unchanged").inc()
        self._metrics.config_reload_success_timestamp_seconds.set(time.time())
        return True

    def _report(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            logger.info("%s: %s%s", self._path.name, change, "" if change.live else " (at the next start)")
        if not changes:
            logger.info("%s: read again; nothing changed.", self._path.name)

    async def _wait_watching(self) -> None:
        """Watch the folder, not the file: editors and Kubernetes replace files and links by renaming."""
        await self._look()
        folders = [folder for folder in (self._path.parent, self._path.parent / FOLDER) if folder.is_dir()]
        async for _ in watchfiles.awatch(
            *folders, watch_filter=None, debounce=DEBOUNCE_MS, step=50, recursive=False, stop_event=self._asked
        ):
            await self._look()

    async def _wait_looking(self) -> None:
        while not self._asked.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        seen = await asyncio.to_thread(_signature, self._path)
        if seen != self._seen:
            self._seen = seen
            self._asked.set()

    async def _read(self) -> Config:
        for pause_s in _SETTLE_S:
            try:
                return await asyncio.to_thread(_load, self._path)
            except ConfigError as problem:
                logger.debug("%s; reading it again in %.1f s", problem, pause_s)
            await asyncio.sleep(pause_s)
        return await asyncio.to_thread(_load, self._path)


def _load(path: Path) -> Config:
    text = read_text(path)
    if not text.strip():
        raise ConfigError([f"{path.name}: is empty. Save it again, or copy the config.yaml that came with the radio."])
    return parse_config(text, path)


def _signature(path: Path) -> tuple[tuple[int, ...] | None, ...]:
    """What differs after an edit of the file or of a mood beside it."""
    folder = path.parent / FOLDER
    return tuple(_stamp(one) for one in (path, folder, *mood_files(folder)))


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What differs after an edit; None when there is nothing to be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
