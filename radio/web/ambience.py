"""The station's own loops for a listener's own room: small MP3 files that a page mixes on top of the music.

Knows nothing about the music. A loop is coded when somebody first asks for it, in a thread, and kept in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from aiohttp import web

from engine import SAMPLE_RATE_HZ, AudioBlock, FloatArray
from radio.encoders import Mp3Encoder
from radio.web.answers import OPEN, told

FOLDERS = ("ambience", "vinyl")
SHOWN = ("rain", "vinyl", "fire", "sea", "cafe", "wind", "birds")
"""In this order; a folder with other loops shows those instead."""
LOOPS_MAX = 8
BITRATE_KBPS = 64
LEAD_S, TAIL_S = 0.25, 0.5
"""Sound of the loop's end before it, and of its beginning after it: coders shift and pad, and whoever loops any stretch
that is as long as the loop never meets the edges."""
LOUDNESS_RMS = 0.07
"""-23 dBFS with the fader up: a loop on disk stands at -56 LUFS, for the engine turns it up as it needs."""
_LENGTH_S_MAX = 60.0
_KEEP = {"Cache-Control": "public, max-age=86400", **OPEN}


@dataclass(eq=False, slots=True)
class Loop:
    """One loop on disk, and the MP3 once somebody asked for it."""

    path: Path
    seconds: float
    mp3: bytes = b""
    coding: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ambience:
    """What there is, and its sound."""

    def __init__(self, folder: Path) -> None:
        found = {path.stem: path for kind in FOLDERS for path in sorted((folder / kind).glob("*.flac"))}
        names = [name for name in SHOWN if name in found] or list(found)
        loops = {name: Loop(found[name], _seconds(found[name])) for name in names[:LOOPS_MAX]}
        self._loops: Mapping[str, Loop] = {
            name: loop for name, loop in loops.items() if LEAD_S + TAIL_S < loop.seconds <= _LENGTH_S_MAX
        }

    def add_routes(self, app: web.Application) -> None:
        """Add /api/ambience and /ambience/{name}.mp3."""
        app.router.add_get("/api/ambience", self._list)
        app.router.add_get(r"/ambience/{name:[\w-]+}.mp3", self._sound)

    async def _list(self, request: web.Request) -> web.Response:
        found: list[dict[str, Any]] = [
            {"name": name, "path": f"ambience/{name}.mp3", "loop_s": round(loop.seconds, 6), "lead_s": LEAD_S}
            for name, loop in self._loops.items()
        ]
        return told({"ambience": found}, cache="no-cache")

    async def _sound(self, request: web.Request) -> web.Response:
        loop = self._loops.get(request.match_info["name"])
        if loop is None:
            raise web.HTTPNotFound
        async with loop.coding:
            if not loop.mp3:
                loop.mp3 = await asyncio.to_thread(_encode, loop.path)
        return web.Response(body=loop.mp3, content_type="audio/mpeg", headers=_KEEP)


def _seconds(path: Path) -> float:
    """Length of a loop; 0 for a file that is no sound, which the engine complains about when a mood wants it."""
    try:
        about = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError):
        return 0.0
    return float(about.frames / about.samplerate) if about.samplerate == SAMPLE_RATE_HZ else 0.0


def _encode(path: Path) -> bytes:
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    stereo: FloatArray = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    level = float(np.sqrt(np.mean(np.square(stereo)))) or 1.0
    gain = min(LOUDNESS_RMS / level, 0.9 / (float(np.abs(stereo).max()) or 1.0))
    lead, tail = int(LEAD_S * SAMPLE_RATE_HZ), int(TAIL_S * SAMPLE_RATE_HZ)
    whole = np.ascontiguousarray(np.concatenate((stereo[-lead:], stereo, stereo[:tail])) * np.float32(gain))
    encoder = Mp3Encoder(BITRATE_KBPS)
    chunks = (encoder.encode(AudioBlock(0, whole)), encoder.flush())
    return b"".join(chunk.data for chunk in chunks if chunk is not None)
