"""A source client for Icecast 2.4 and later: one PUT that never ends, and a GET for every title.

Knows nothing about when to try again (`radio.keepalive` does) or where the sound comes from.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from engine import SAMPLE_RATE_HZ
from radio.config import Station
from radio.config_outputs import Icecast
from radio.errors import OutputError, SecretError
from radio.hub import Heads, Hub, Listener
from radio.keepalive import RefusedError
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs.tally import Tally

logger = logging.getLogger(__name__)

ERRORS: tuple[type[Exception], ...] = (OSError, OutputError)
"""What keepalive may start this output again after; TimeoutError and ssl.SSLError are OSErrors."""
CONNECT_TIMEOUT_S = 5.0
STALL_TIMEOUT_S = 10.0
"""A server that takes nothing for so long is gone; Icecast itself drops a source after the same time."""
ANSWER_TIMEOUT_S = 5.0
ANSWER_PATIENCE_S = 2.0
TITLE_RETRY_S = 1.0
_SEND_BUFFER_BYTES = 65_536
"""4 s of sound: the system's own choice hides a dead network for minutes."""
_HEAD_BYTES_MAX = 16_384
_PLAIN_SIGNS = str.maketrans({"·": "-", "♭": "b", "♯": "#", "’": "'"})
"""Icecast's MP3 mounts are Latin-1 unless their <charset> says otherwise: `E♭` would arrive as `E&#9837;`."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a source sends: the sound, its title and how it describes itself."""

    station: Station
    hub: Hub
    now: NowPlaying
    content_type: str
    bitrate_kbps: int


class IcecastOutput:
    """One station as the source of one Icecast mount."""

    def __init__(self, settings: Icecast, feed: Feed, metrics: Metrics) -> None:
        self.name = f"icecast {settings.name}"
        self._settings, self._feed, self._metrics = settings, feed, metrics
        metrics.expect_icecast(settings.name)
        self._tally = Tally(metrics, self.name)
        self._title_changed = asyncio.Event()
        self._was_connected = False

    async def run(self) -> None:
        """Connect and send until the stream ends; every failure is one of `ERRORS`."""
        try:
            authorization = _basic(self._settings.user, self._settings.password())
        except SecretError as problem:
            raise RefusedError(str(problem)) from problem
        listener = self._feed.hub.listen(0, skips=True)
        try:
            # Icecast drops a source that sends nothing for 10 s, and an engine on a busy machine starts as slowly
            if self._feed.hub.last_frame is not None or await listener.read():
                await self._feed_mount(listener, authorization)
        finally:
            self._feed.hub.leave(listener)

    async def _feed_mount(self, listener: Listener, authorization: str) -> None:
        reader, writer = await self._connect()
        unwatch = self._feed.now.watch(lambda _start, _wall: self._title_changed.set())
        try:
            await self._ask_for_mount(reader, writer, authorization)
            with self._counted(), _only_problem():
                async with asyncio.TaskGroup() as tasks:
                    titles = tasks.create_task(self._tell_titles(authorization), name=f"{self.name} titles")
                    await self._send(listener, reader, writer)
                    titles.cancel()
        finally:
            unwatch()
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = self._settings
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    settings.host.strip("[]"),
                    settings.port,
                    ssl=ssl.create_default_context(cafile=settings.ca_file) if settings.tls else None,
                    happy_eyeballs_delay=0.25,
                )
        except TimeoutError as problem:
            raise OutputError(f"{self._where} does not answer. Is the host right, and a firewall open?") from problem
        except ssl.SSLCertVerificationError as problem:
            raise OutputError(
                f"{self._where} has a certificate that this machine does not trust ({problem.verify_message}); nothing "
                "was sent. Put the certificate of who signed it into ca_file."
            ) from problem
        except OSError as problem:
            raise OutputError(f"{self._where} cannot be reached: {problem}. Is Icecast running there?") from problem
        wire = writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        return reader, writer

    async def _ask_for_mount(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorization: str
    ) -> None:
        headers = {
            "Host": self._host_header,
            "Authorization": authorization,
            "User-Agent": "lofi-radio",
            "Content-Type": self._feed.content_type,
            "Expect": "100-continue",
            "ice-name": self._feed.station.title,
            "ice-description": self._feed.station.description,
            "ice-genre": self._feed.station.genre,
            "ice-url": self._settings.url or "",
            "ice-public": str(int(self._settings.public)),
            "ice-bitrate": str(self._feed.bitrate_kbps),
            "ice-audio-info": (f"ice-samplerate={SAMPLE_RATE_HZ};ice-bitrate={self._feed.bitrate_kbps};ice-channels=2"),
        }
        lines = [
            f"PUT {self._settings.mount} HTTP/1.1",
            *(f"{key}: {value}" for key, value in headers.items() if value),
        ]
        writer.write(_head_bytes("\r\n".join(lines) + "\r\n\r\n"))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                status, text = await _read_answer(reader)
        except TimeoutError as problem:
            raise OutputError(f"{self._where} took the connection but does not answer. Is it an Icecast?") from problem
        if status == 100:  # Icecast lets the real answer follow at once; another server may keep it for the end
            try:
                async with asyncio.timeout(ANSWER_PATIENCE_S):
                    status, text = await _read_answer(reader)
            except TimeoutError:
                status = 200
        if status != 200:
            raise self._refusal(status, text)

    def _refusal(self, status: int, text: str) -> OutputError:
        settings = self._settings
        if status == 401:
            return RefusedError(
                f"{self._where} refused the password of user {settings.user!r} for mount {settings.mount} (HTTP 401). "
                f"Set it in {settings.password_place} to the <source-password> of that Icecast."
            )
        if status == 403 and "in use" in text:  # often our own last connection, which Icecast gives up after 10 s
            return OutputError(f"{self._where} says that mount {settings.mount} is in use by another source.")
        return RefusedError(
            f"{self._where} refused mount {settings.mount} (HTTP {status} {text.strip()[:120]}). "
            "Check its limits (<sources>) and the mount's settings."
        )

    async def _send(self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads, skipped = Heads(), 0
        while sounds := await listener.read():
            if reader.at_eof():
                raise OutputError(f"{self._where} closed the connection.")
            data = heads.join(sounds)
            writer.write(data)
            self._tally.sent(len(data))
            self._tally.dropped((listener.skipped_chunks - skipped) * sounds[0].chunk.frames / SAMPLE_RATE_HZ)
            skipped = listener.skipped_chunks
            try:
                async with asyncio.timeout(STALL_TIMEOUT_S):
                    await writer.drain()
            except TimeoutError as problem:
                raise OutputError(f"{self._where} took no sound for {STALL_TIMEOUT_S:g} s.") from problem

    async def _tell_titles(self, authorization: str) -> None:
        told, complained = "", False
        while self._feed.content_type != "audio/ogg":  # Ogg carries its titles in band
            self._title_changed.clear()
            title = self._feed.now.title.translate(_PLAIN_SIGNS)
            if title == told:
                await self._title_changed.wait()
                continue
            try:
                await self._tell_title(title, authorization)
                told, complained = title, False
            except (OSError, OutputError) as problem:
                if not complained:
                    logger.warning("%s: the title did not get through (%s), tries again", self.name, problem)
                complained = True
                await asyncio.sleep(TITLE_RETRY_S)

    async def _tell_title(self, title: str, authorization: str) -> None:
        query = urlencode(
            {"mode": "updinfo", "mount": self._settings.mount, "song": title, "charset": "UTF-8"}, quote_via=quote
        )
        head = f"GET /admin/metadata?{query} HTTP/1.0\r\nHost: {self._host_header}\r\nUser-Agent: lofi-radio\r\n"
        reader, writer = await self._connect()
        try:
            writer.write(f"{head}Authorization: {authorization}\r\n\r\n".encode())
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                status, text = await _read_answer(reader)
        finally:
            writer.close()
        if status != 200:
            raise OutputError(f"HTTP {status} {text.strip()[:120]}")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._was_connected:
            self._metrics.icecast_reconnects.labels(self._settings.name).inc()
        self._was_connected = True
        connected = self._metrics.icecast_connected.labels(self._settings.name)
        connected.set(1)
        logger.info("%s: on air at %s%s", self.name, self._where, self._settings.mount)
        try:
            with self._tally.connected():
                yield
        finally:
            connected.set(0)

    @property
    def _host_header(self) -> str:
        host = self._settings.host.strip("[]")
        return f"[{host}]:{self._settings.port}" if ":" in host else f"{host}:{self._settings.port}"

    @property
    def _where(self) -> str:
        return f"{'https' if self._settings.tls else 'http'}://{self._host_header}"


def _head_bytes(head: str) -> bytes:
    try:
        return head.encode("latin-1")  # what Icecast takes headers for
    except UnicodeEncodeError:
        return head.encode()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


@contextmanager
def _only_problem() -> Iterator[None]:
    """Unpack the group of a task group in which only one task raises."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) != 1:
            raise
        raise group.exceptions[0] from None


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Read the head of an HTTP answer: (status, its reason and what came along of its body)."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as problem:
        raise OutputError("the server closed the connection instead of answering") from problem
    except asyncio.LimitOverrunError as problem:
        raise OutputError("the server's answer is no HTTP") from problem
    version, _, rest = head.decode("latin-1").partition(" ")
    code = rest[:3]
    if not version.startswith(("HTTP/", "ICY")) or not code.isdecimal():  # `²` is a digit, and no number
        raise OutputError(f"the server's answer is no HTTP: {head[:60]!r}")
    status = int(code)
    body = (await reader.read(_HEAD_BYTES_MAX)).decode("utf-8", "replace") if status >= 400 else ""
    return status, f"{rest[4:].splitlines()[0]} {body}"
