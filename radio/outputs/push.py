"""Picture and sound for a video platform or OBS: one ffmpeg that is fed our AAC and runs for days.

Knows nothing about when to start it again (`radio.keepalive` does). The sound is not encoded anew.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ffmpeg import FFmpegError, Progress
from ffmpeg.asyncio import FFmpeg

from engine import SAMPLE_RATE_HZ
from radio.config_outputs import Push
from radio.errors import OutputError, SecretError
from radio.hub import Listener, Sound
from radio.keepalive import RefusedError
from radio.ledger import replace_file
from radio.metrics import Metrics
from radio.outputs.icecast import Feed
from radio.outputs.tally import Tally

logger = logging.getLogger(__name__)

ERRORS: tuple[type[Exception], ...] = (OSError, OutputError)
STALL_S = 15.0
"""A far end that takes nothing for so long is gone."""
_STILLS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_LINES_KEPT = 8
_LOOKS = 30
"""How often within that time it is looked at."""
_END_PATIENCE_S = 3.0


class PushOutput:
    """One station on one platform."""

    def __init__(self, settings: Push, feed: Feed, metrics: Metrics, program: str = "ffmpeg") -> None:
        self.name = f"push {settings.name}"
        self._settings, self._feed, self._program = settings, feed, program
        self._tally = Tally(metrics, self.name)
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)

    async def run(self) -> None:
        """Send until the stream ends; every failure is one of `ERRORS`."""
        try:
            key = self._settings.password()
        except SecretError as problem:
            raise RefusedError(str(problem)) from problem
        listener = self._feed.hub.listen(0, skips=True)
        try:
            with tempfile.TemporaryDirectory(prefix="lofi-radio-") as folder:
                await self._send(listener, key, Path(folder) / "title.txt")
        finally:
            self._feed.hub.leave(listener)

    async def _send(self, listener: Listener, key: str, title_path: Path) -> None:
        self._said.clear()
        sound = SoundReader(listener, self._tally, lambda title: _write_title(title_path, title))
        await asyncio.to_thread(_write_title, title_path, self._feed.now.title)
        ffmpeg = build(self._settings, address(self._settings.url, key), title_path, self._program)
        progress = _Progress()
        ffmpeg.on("stderr", self._hear)
        ffmpeg.on("progress", progress.note)
        # in no task group, which would cancel it: the library would leave its own tasks behind
        loop = asyncio.get_running_loop()
        program = loop.create_task(ffmpeg.execute(sound), name=self.name)
        watch = loop.create_task(self._watch(sound, progress), name=f"{self.name} watch")
        try:
            await asyncio.wait((program, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stalled = watch.done()
            watch.cancel()
            sound.end()
            await _end(ffmpeg, program)
            await asyncio.gather(program, watch, return_exceptions=True)
        if stalled:
            await watch
        await self._judge(program, key)

    async def _judge(self, program: asyncio.Task[bytes], key: str) -> None:
        try:
            await program
        except FileNotFoundError:
            remedy = "On Debian: apt-get install ffmpeg"
            raise RefusedError(f"{self.name}: there is no program {self._program!r}. {remedy}") from None
        except (OSError, FFmpegError) as problem:
            raise OutputError(self._told(key, problem)) from None

    async def _watch(self, sound: SoundReader, progress: _Progress) -> None:
        """Count as connected once pictures go out; raise OutputError when none do although there is sound."""
        with ExitStack() as connected:
            seen, waited = 0, 0
            while True:
                await asyncio.sleep(STALL_S / _LOOKS)
                waited = waited + 1 if progress.pictures == seen and not sound.waiting else 0
                if waited > _LOOKS:
                    raise OutputError(f"{self._settings.url}: ffmpeg sent nothing for {STALL_S:g} s")
                if not seen and progress.pictures:
                    connected.enter_context(self._tally.connected())
                    logger.info("%s: picture and sound go to %s", self.name, self._settings.url)
                seen = progress.pictures

    def _hear(self, line: str) -> None:
        if line and not line.startswith("frame="):
            self._said.append(line)

    def _told(self, key: str, problem: Exception) -> str:
        """Say what ffmpeg said last, without the key, which it puts into its messages."""
        text = " | ".join(self._said) or f"ffmpeg ended ({type(problem).__name__})"
        return f"{self._settings.url}: {text.replace(key, '(key)') if key else text}"


class _Progress:
    """How far ffmpeg says that it is."""

    def __init__(self) -> None:
        self.pictures = 0

    def note(self, progress: Progress) -> None:
        self.pictures = progress.frame


class SoundReader(asyncio.StreamReader):
    """What python-ffmpeg reads its input from: the hub itself, so that nothing piles up in between."""

    def __init__(self, listener: Listener, tally: Tally, retitle: Callable[[str], None]) -> None:
        super().__init__()
        self._listener, self._tally, self._retitle = listener, tally, retitle
        self._title: str | None = None
        self._skipped, self._ended = 0, False
        self._reading: asyncio.Task[tuple[Sound, ...]] | None = None

    @property
    def waiting(self) -> bool:
        """It is we who have no sound."""
        return self._reading is not None and not self._reading.done()

    def end(self) -> None:
        """Let who reads, now or later, come to the end."""
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()

    async def read(self, n: int = -1) -> bytes:
        """Return whatever sound there is, however long; empty at the end."""
        if self._ended:
            return b""
        self._reading = asyncio.get_running_loop().create_task(self._listener.read())
        try:
            sounds = await self._reading
        except asyncio.CancelledError:
            if not self._ended:
                raise
            return b""
        if not sounds:
            self._ended = True
            return b""
        self._tally.dropped((self._listener.skipped_chunks - self._skipped) * sounds[0].chunk.frames / SAMPLE_RATE_HZ)
        self._skipped = self._listener.skipped_chunks
        if sounds[-1].title != self._title:
            self._title = sounds[-1].title
            await asyncio.to_thread(self._retitle, self._title)
        data = b"".join(sound.chunk.data for sound in sounds)
        self._tally.sent(len(data))
        return data

    def at_eof(self) -> bool:
        """Whether the stream has ended."""
        return self._ended


def address(url: str, key: str) -> str:
    """Put the stream key where it belongs."""
    if "{key}" in url:
        return url.replace("{key}", key)
    return f"{url.rstrip('/')}/{key}" if key else url


def build(settings: Push, target: str, title_path: Path, program: str) -> FFmpeg:
    """Say what ffmpeg is to do. Its standard output stays empty: python-ffmpeg would keep all of it in memory."""
    ffmpeg = FFmpeg(program).option("hide_banner").option("loglevel", "error").option("stats")
    size = f"{settings.width}x{settings.height}"
    picture = settings.picture
    if picture is None:
        ffmpeg.input(f"color=c=0x1b1b2f:s={size}:r={settings.fps}", f="lavfi")
    elif picture.suffix.lower() in _STILLS:
        ffmpeg.input(picture, {"loop": 1, "framerate": settings.fps})
    else:
        ffmpeg.input(picture, {"stream_loop": -1})
    ffmpeg.input("pipe:0", {"f": "aac", "thread_queue_size": 512, "analyzeduration": 0})
    fit = f"scale={size}:force_original_aspect_ratio=increase,crop={settings.width}:{settings.height}"
    filters = [fit.replace("x", ":", 1), f"fps={settings.fps}", "format=yuv420p"]
    if settings.show_title:
        font = f":fontfile={_escaped(settings.font)}" if settings.font else ""
        filters.append(
            f"drawtext=textfile={_escaped(title_path)}:reload=1:expansion=none{font}:fontcolor=white@0.85:"
            f"fontsize=h/22:x=w*0.04:y=h*0.9:shadowx=1:shadowy=1"
        )
    options: dict[str, object] = {
        "map": ["0:v", "1:a"], "vf": ",".join(filters), "c:v": "libx264", "preset": "veryfast", "tune": "stillimage",
        "b:v": f"{settings.video_kbps}k", "maxrate": f"{settings.video_kbps}k",
        "bufsize": f"{2 * settings.video_kbps}k", "g": 2 * settings.fps, "c:a": "copy", "flush_packets": 1,
        "shortest": None,  # pictures never end by themselves: without us, even killed, it must not go on
    }  # fmt: skip
    if target.startswith("srt:"):
        ffmpeg.output(target, {**options, "f": "mpegts"})
    else:
        timeout = {"rw_timeout": int(STALL_S * 1_000_000)}
        ffmpeg.output(
            target, {**options, **timeout, "f": "flv", "bsf:a": "aac_adtstoasc", "flvflags": "no_duration_filesize"}
        )
    return ffmpeg


async def _end(ffmpeg: FFmpeg, program: asyncio.Task[bytes]) -> None:
    """See to it that the program is gone, however far it got; the library leaves it running when we are cancelled."""
    while not program.done():
        process = getattr(ffmpeg, "_process", None)
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_END_PATIENCE_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await asyncio.wait((program,), timeout=0.1)


def _write_title(path: Path, title: str) -> None:
    replace_file(path, (title or " ").encode(), sync=False)


def _escaped(path: Path) -> str:
    """Write a path into a filter graph: once for the filter's options, once for the graph."""
    option = re.sub(r"([\\':])", r"\\\1", str(path))
    return re.sub(r"([\\'\[\],;])", r"\\\1", option)
