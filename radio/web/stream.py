"""The HTTP mounts: endless MP3, AAC and Opus with ICY titles when asked, and the playlist files that point to it.

Knows nothing about how the sound is made; a client that does not read harms only itself.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from radio.hub import Heads, Hub, Sound
from radio.metrics import Metrics
from radio.web.answers import OPEN
from radio.web.arrivals import Arrivals
from radio.web.pump import Place, Pump

logger = logging.getLogger(__name__)

META_INTERVAL_BYTES = 16_000
"""One second at 128 kb/s."""
ICY_TEXT_BYTES_MAX = 4080
"""255 x 16: the length byte counts in sixteens."""
LOW_BURST_BYTES = 8192
"""Half a second at 128 kb/s: for OBS, where delay counts more than a start at once."""
WRITE_TIMEOUT_S = 15.0
PACE_S, SLICES = 0.5, 8
"""Sound is handed over in pieces of this length, not block by block: a twelfth of the writes for every listener; to an
eighth of them at a time."""
LOW_PACE_S, LOW_SLICES = 0.2, 4
"""For who asked for a short burst, and has no more than that in store."""
_SEND_BUFFER_BYTES = 131_072
"""The system's own choice would feed a stuck client for minutes."""
_OPEN_TO_ALL = {
    **OPEN,
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


@dataclass(frozen=True, slots=True)
class Pumps:
    """What feeds the listeners of one mount."""

    usual: Pump
    low: Pump


class Streams:
    """The handlers of all mounts; they share one limit."""

    def __init__(self, metrics: Metrics, max_listeners: int, arrivals: Arrivals | None = None) -> None:
        self.refusing = False
        """True once the station is about to stop."""
        self._metrics = metrics
        self._max_listeners = max_listeners
        self._arrivals = Arrivals() if arrivals is None else arrivals
        self._listeners = 0

    def add_routes(self, app: web.Application, mounts: Sequence[Mount]) -> None:
        """Put every mount at /{station}/…, those of the first station also at /."""
        for mount in mounts:
            for prefix in (f"/{mount.station}", "") if mount.station == mounts[0].station else (f"/{mount.station}",):
                self._add_mount(app, prefix, mount)

    def _add_mount(self, app: web.Application, prefix: str, mount: Mount) -> None:
        path = f"{prefix}/stream.{mount.ending}"
        pumps = Pumps(Pump(mount.hub, PACE_S, SLICES), Pump(mount.hub, LOW_PACE_S, LOW_SLICES))

        async def stream(request: web.Request) -> web.StreamResponse:
            return await self._stream(request, mount, pumps)

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

    async def _stream(self, request: web.Request, mount: Mount, pumps: Pumps) -> web.StreamResponse:
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
            pump = pumps.usual if burst_bytes is None else pumps.low
            sounds = await listener.read()
            if sounds:
                self._arrivals.note(request.query.get("id", ""), sounds[0].chunk.start_frame)
            if request.transport is None:
                raise ConnectionResetError("the listener left before the first sound")
            place = Place(listener, request.transport, IcyWriter() if wants_titles else Heads())
            await _feed(place, sounds, response, pump)
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


async def _feed(place: Place, sounds: Sequence[Sound], response: web.StreamResponse, pump: Pump) -> None:
    """Send sound until it ends; raises TimeoutError when the client does not even take the first of it."""
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(place.joiner.join(sounds))  # takes the headers along
    if sounds:
        # past aiohttp: its own way, with its timer, is four times the work for the same bytes
        await pump.feed(place)


class IcyWriter:
    """Puts a title block after every `META_INTERVAL_BYTES` bytes of sound, as SHOUTcast did."""

    def __init__(self, interval_bytes: int = META_INTERVAL_BYTES) -> None:
        self._interval_bytes = interval_bytes
        self.state: tuple[int, str | None] = (interval_bytes, None)
        """Bytes until the next block, and the title that was told last."""

    def join(self, sounds: Sequence[Sound]) -> bytes:
        """Sound with title blocks; each names the title of the chunk that it falls into."""
        out = bytearray()
        until_block_bytes, told = self.state
        for sound in sounds:
            data = sound.chunk.data
            at = 0
            while len(data) - at >= until_block_bytes:
                out += data[at : at + until_block_bytes]
                at += until_block_bytes
                out += b"\0" if sound.title == told else icy_block(sound.title)
                until_block_bytes, told = self._interval_bytes, sound.title
            out += data[at:]
            until_block_bytes -= len(data) - at
        self.state = (until_block_bytes, told)
        return bytes(out)


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
    """End the connection at once: a polite end would wait in the kernel for a client that does not read."""
    if request.transport is not None:
        wire = request.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
