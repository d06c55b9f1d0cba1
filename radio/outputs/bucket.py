"""A copy of HLS in an S3-compatible bucket, for a CDN to serve: segments first, then the playlists that name them.

Knows nothing about when to try again (`radio.keepalive` does); a bucket that is slow or away delays nobody.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from radio.config_outputs import Bucket
from radio.errors import OutputError
from radio.keepalive import RefusedError
from radio.ledger import replace_file
from radio.metrics import Metrics
from radio.outputs.hls import HlsOutput
from radio.outputs.tally import Tally
from radio.web.hls import PLAYLIST_HEADERS, PLAYLIST_TYPE, SEGMENT_HEADERS, SEGMENT_TYPE

ERRORS: tuple[type[Exception], ...] = (OSError, OutputError)
PATIENCE_S = 10.0
"""For one object: two and a half segments' length."""
SWEEP_AFTER_S = 600.0
"""Objects that nobody names any more are removed only when the slowest cache has forgotten them, too."""


class Store(Protocol):
    """A bucket."""

    async def put(self, key: str, data: bytes, headers: Mapping[str, str]) -> None:
        """Write an object; raises OutputError."""

    async def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is fine. Raises OutputError."""


class BucketOutput:
    """One station's HLS in one bucket."""

    def __init__(self, settings: Bucket, source: HlsOutput, metrics: Metrics, ledger_path: Path) -> None:
        self.name = f"bucket {source.station}"
        self._settings, self._source = settings, source
        self._folder = f"{settings.prefix}{source.station}/"
        self._tally = Tally(metrics, self.name)
        self._ledger_path = ledger_path
        self._store: Store | None = None
        self._present: dict[str, float] | None = None
        """What is ours in the bucket, with the time at which it was last named."""

    async def run(self) -> None:
        """Copy whatever is new, for ever; raises OutputError when the bucket refuses."""
        if self._store is None:
            self._store = await asyncio.to_thread(open_s3, self._settings)
        if self._present is None:
            self._present = await asyncio.to_thread(_load, self._ledger_path)
        known: set[str] = set()
        await self.copy(self._store, known)
        with self._tally.connected():
            while True:
                await self._source.changed.wait()
                self._source.changed.clear()
                await self.copy(self._store, known)

    async def copy(self, store: Store, known: set[str]) -> None:
        """Bring the bucket up to date once; `known`: files that need not be sent again."""
        shown, now_s = self._source.shown, time.time()
        present = self._present if self._present is not None else {}
        self._present = present
        present.update(dict.fromkeys(shown.files, now_s))
        await asyncio.to_thread(_save, self._ledger_path, present)  # before: what a crash leaves is still ours
        for name, data in shown.files.items():
            if name not in known:
                await self._put(store, name, data, {"Content-Type": SEGMENT_TYPE, **SEGMENT_HEADERS})
                known.add(name)
        # the playlist that names the others last
        for name in sorted(shown.playlists, key=lambda name: name == "live.m3u8"):
            await self._put(store, name, shown.playlists[name], {"Content-Type": PLAYLIST_TYPE, **PLAYLIST_HEADERS})
        for name in [name for name, seen_s in present.items() if now_s - seen_s > SWEEP_AFTER_S]:
            async with asyncio.timeout(PATIENCE_S):
                await store.delete(self._folder + name)
            del present[name]
            known.discard(name)

    async def _put(self, store: Store, name: str, data: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await store.put(self._folder + name, data, headers)
        except TimeoutError as problem:
            raise OutputError(f"bucket {self._settings.name}: {name} took longer than {PATIENCE_S:g} s") from problem
        self._tally.sent(len(data))


def open_s3(settings: Bucket) -> Store:
    """Make the client; raises RefusedError when it is not installed."""
    try:
        from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
        from obstore.store import S3Store
    except ImportError as problem:
        raise RefusedError("hls.bucket needs a client for S3: pip install 'lofi-radio[s3]'") from problem
    place = {"region": settings.region, **({"endpoint": settings.endpoint} if settings.endpoint else {})}
    client = S3Store(
        settings.name, config=place,  # type: ignore[arg-type] # a TypedDict with many more keys
        client_options={"allow_http": True, "timeout": timedelta(seconds=PATIENCE_S)},
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=PATIENCE_S)},
    )  # fmt: skip

    class S3:
        async def put(self, key: str, data: bytes, headers: Mapping[str, str]) -> None:
            try:
                await client.put_async(key, data, attributes=dict(headers), use_multipart=False)
            except (PermissionDeniedError, UnauthenticatedError) as problem:
                raise RefusedError(
                    f"bucket {settings.name} refused {key}: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the "
                    f"bucket's policy ({str(problem)[:200]})"
                ) from None
            except (NotFoundError, FileNotFoundError):  # the client says the latter, whatever its documentation says
                raise RefusedError(
                    f"there is no bucket {settings.name} at {settings.endpoint or settings.region}: create it, or "
                    "check name, region and endpoint under hls.bucket"
                ) from None
            except (BaseError, OSError) as problem:
                raise OutputError(f"bucket {settings.name}: {str(problem)[:300]}") from None

        async def delete(self, key: str) -> None:
            try:
                await client.delete_async(key)
            except (NotFoundError, FileNotFoundError):
                pass
            except (BaseError, OSError) as problem:
                raise OutputError(f"bucket {settings.name}: {str(problem)[:300]}") from None

    return S3()


def _load(path: Path) -> dict[str, float]:
    try:
        return {str(name): float(seen_s) for name, seen_s in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save(path: Path, present: Mapping[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(dict(present)).encode(), sync=False)
