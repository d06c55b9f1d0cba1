"""The HTTP mounts: endless MP3, AAC and Opus with ICY titles when asked, and the playlist files that point to it.

Knows nothing about how the sound is made; a client that does not read harms only itself.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from radio.hub import Heads, Hub, Listener, Sound
from radio.metrics import Metrics

logger = logging.getLogger(__name__)

META_INTERVAL_BYTES = 16_000
"""One second at 128 kb/s."""
ICY_TEXT_BYTES_MAX = 4080
"""255 x 16: the length byte counts in sixteens."""
LOW_BURST_BYTES = 8192
"""Half a second at 128 kb/s: for OBS, where delay counts more than a start at once."""
WRITE_TIMEOUT_S = 15.0
PACE_S = 0.4
"""Sound is handed over in pieces of this length, not block by block: a tenth of the writes for every listener."""
LOW_PACE_S = 0.2
"""For who asked for a short burst, and has no more than that in store."""
_SEND_BUFFER_BYTES = 131_072
"""The system's own choice would feed a stuck client for minutes."""
_OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Icy-MetaData, Range",
    "Access-Control-Expose-Headers": "icy-br, icy-description, icy-genre, icy-metaint, icy-name, icy-pub, icy-url",
}


@dataclass(frozen=True, slots=True)
class Mount:
    """One stream as listeners find it."""

    station: str
    title: str
    description: str
    genre: str
    hub: Hub
    bitrate_kbps: int
    content_type: str = "audio/mpeg"
    ending: str = "mp3"

    @property
    def takes_titles(self) -> bool:
        """Whether ICY titles may stand between its bytes; Ogg has its own."""
        return self.content_type != "audio/ogg"


class Streams:
    """The handlers of all mounts; they share one limit."""

    def __init__(self, metrics: Metrics, max_listeners: int) -> None:
        self.refusing = False
        """True once the station is about to stop."""
        self._metrics = metrics
        self._max_listeners = max_listeners
        self._listeners = 0

    def add_routes(self, app: web.Application, mounts: Sequence[Mount]) -> None:
        """Put every mount at /{station}/…, those of the first station also at /."""
        for mount in mounts:
            for prefix in (f"/{mount.station}", "") if mount.station == mounts[0].station else (f"/{mount.station}",):
                self._add_mount(app, prefix, mount)

    def _add_mount(self, app: web.Application, prefix: str, mount: Mount) -> None:
        path = f"{prefix}/stream.{mount.ending}"

        async def stream(request: web.Request) -> web.StreamResponse:
            return await self._stream(request, mount)

        async def options(_request: web.Request) -> web.Response:
            return web.Response(status=204, headers=_OPEN_TO_ALL)

        async def m3u(request: web.Request) -> web.Response:
            text = f"#EXTM3U\n#EXTINF:-1,{mount.title}\n{_address(request, path)}\n"
            return web.Response(text=text, content_type="audio/x-mpegurl", headers=_OPEN_TO_ALL)

        async def pls(request: web.Request) -> web.Response:
            entry = f"File1={_address(request, path)}\nTitle1={mount.title}\nLength1=-1\n"
            text = f"[playlist]\nNumberOfEntries=1\n{entry}Version=2\n"
            return web.Response(text=text, content_type="audio/x-scpls", headers=_OPEN_TO_ALL)

        app.router.add_get(path, stream)  # answers HEAD, too
        app.router.add_options(path, options)
        if mount.ending != "mp3":  # the playlists name what every player plays
            return
        app.router.add_get(f"{prefix}/stream.m3u", m3u)
        app.router.add_get(f"{prefix}/stream.pls", pls)

    async def _stream(self, request: web.Request, mount: Mount) -> web.StreamResponse:
        if self.refusing:
            return _refusal(f"{mount.title} is stopping. Try again in a moment.")
        if self._listeners >= self._max_listeners:
            return _refusal(f"All {self._max_listeners} places are taken. Try again later, or use a relay.")
        wants_titles = mount.takes_titles and request.headers.get("Icy-MetaData", "").strip() == "1"
        response = _EndlessResponse(headers=_headers(mount, wants_titles))
        response.force_close()
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        if request.transport is not None:
            wire = request.transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        burst_bytes = LOW_BURST_BYTES if request.query.get("burst") == "low" else None
        gauge = self._metrics.listeners.labels(mount.station, request.path)
        listener = mount.hub.listen(burst_bytes)
        self._listeners += 1
        gauge.inc()
        reason = ""
        try:
            await response.prepare(request)
            pace_s = PACE_S if burst_bytes is None else LOW_PACE_S
            await _feed(listener, Wire(request, response), IcyWriter() if wants_titles else None, pace_s)
        except TimeoutError:
            reason = "stuck"
        except ConnectionError:
            logger.debug("%s: a listener left", request.path)
        finally:
            if reason or listener.lagged:
                self._metrics.listener_drops.labels(mount.station, request.path, reason or "lagged").inc()
                _abort(request)
            mount.hub.leave(listener)
            self._listeners -= 1
            gauge.dec()
        return response


class Wire:
    """A listener's connection; one that takes its sound costs a system call and little else."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._transport = request.transport
        self._response = response
        self._begun = False

    async def send(self, data: bytes) -> None:
        """Send, and wait only for a client that is behind; raises TimeoutError when it does not read for 15 s."""
        transport = self._transport
        if self._begun and transport is not None and not transport.get_write_buffer_size():
            if transport.is_closing():
                raise ConnectionResetError("the listener has left")
            transport.write(data)  # aiohttp's own way, with its timer, is four times the work for the same bytes
            return
        self._begun = True  # the first write takes the headers along
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._response.write(data)


async def _feed(listener: Listener, wire: Wire, icy: IcyWriter | None, pace_s: float) -> None:
    heads = Heads()
    while sounds := await listener.read():
        await wire.send(heads.join(sounds) if icy is None else icy.interleave(sounds))
        await asyncio.sleep(pace_s)


class IcyWriter:
    """Puts a title block after every `META_INTERVAL_BYTES` bytes of sound, as SHOUTcast did."""

    def __init__(self, interval_bytes: int = META_INTERVAL_BYTES) -> None:
        self._interval_bytes = interval_bytes
        self._until_block_bytes = interval_bytes
        self._told: str | None = None

    def interleave(self, sounds: Sequence[Sound]) -> bytes:
        """Sound with title blocks; each names the title of the chunk that it falls into."""
        out = bytearray()
        for sound in sounds:
            data = sound.chunk.data
            at = 0
            while len(data) - at >= self._until_block_bytes:
                out += data[at : at + self._until_block_bytes]
                at += self._until_block_bytes
                out += self._block(sound.title)
                self._until_block_bytes = self._interval_bytes
            out += data[at:]
            self._until_block_bytes -= len(data) - at
        return bytes(out)

    def _block(self, title: str) -> bytes:
        if title == self._told:
            return b"\0"
        self._told = title
        return icy_block(title)


def icy_block(title: str) -> bytes:
    """One metadata block: a length byte and `StreamTitle='…';` filled up to sixteens, UTF-8, at most 4,080 bytes."""
    # players look for the first "';" as the end; there is no escape they agree on, so the quote becomes a real one
    visible = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in title.replace("'", "’"))
    clean = " ".join(visible.split()).encode()
    frame = b"StreamTitle='%b';"
    space_bytes = ICY_TEXT_BYTES_MAX - len(frame % b"")
    if len(clean) > space_bytes:
        clean = clean[:space_bytes].decode("utf-8", "ignore").encode()
    text = frame % clean
    sixteens = -(-len(text) // 16)
    return bytes([sixteens]) + text.ljust(sixteens * 16, b"\0")


class _EndlessResponse(web.StreamResponse):
    """A body that ends when the connection does: old players and radios do not understand chunks.

    The length check is what would switch chunks on; aiohttp's own WebSocketResponse goes without it, too.
    """

    _length_check = False


def _headers(mount: Mount, wants_titles: bool) -> dict[str, str]:
    headers = {
        "Content-Type": mount.content_type,
        "Cache-Control": "no-cache, no-store",
        "Accept-Ranges": "none",
        "icy-name": mount.title,
        "icy-description": mount.description,
        "icy-genre": mount.genre,
        "icy-br": str(mount.bitrate_kbps),
        "icy-pub": "0",
        **_OPEN_TO_ALL,
    }
    if wants_titles:
        headers["icy-metaint"] = str(META_INTERVAL_BYTES)
    return headers


def _refusal(text: str) -> web.Response:
    return web.Response(status=503, text=text + "\n", headers={"Retry-After": "30", **_OPEN_TO_ALL})


def _address(request: web.Request, path: str) -> str:
    scheme = "https" if request.headers.get("X-Forwarded-Proto") == "https" else request.scheme
    return f"{scheme}://{request.host}{path}"


def _abort(request: web.Request) -> None:
    """End the connection without waiting for a client that does not read."""
    if request.transport is not None:
        request.transport.abort()
