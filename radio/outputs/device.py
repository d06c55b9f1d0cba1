"""A sound card as an output, or a virtual cable to another program, through PortAudio.

Knows nothing about when to open it again after it was unplugged (`radio.keepalive` does).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from engine import SAMPLE_RATE_HZ, FloatArray
from radio.config_outputs import Device
from radio.errors import OutputError
from radio.hub import Hub
from radio.keepalive import RefusedError
from radio.metrics import Metrics
from radio.outputs.tally import Tally

ERRORS: tuple[type[Exception], ...] = (OutputError,)
STALL_S = 3.0
"""A card that has asked for nothing for so long is gone: PortAudio does not always say so."""
BAND_S = 0.05
"""The store may be so much fuller or emptier than wanted before the sound is bent to the card's clock."""
BEND = 0.001
"""1.7 cents while it is bent: cards are off by 50 ppm, so that is one part in twenty of the time."""


class Stream(Protocol):
    """An open card."""

    @property
    def active(self) -> bool:
        """Whether it plays."""

    def start(self) -> None:
        """Begin to ask for sound."""

    def close(self) -> None:
        """End and free it."""


Fill = Callable[[FloatArray], None]
Opener = Callable[[Device, Fill], Stream]


class DeviceOutput:
    """One station on one card."""

    def __init__(self, settings: Device, hub: Hub, metrics: Metrics, opener: Opener) -> None:
        self.name = f"device {settings.name}"
        self._settings, self._hub = settings, hub
        self._open = opener
        self._tally = Tally(metrics, self.name)

    async def run(self) -> None:
        """Play until the stream ends; raises OutputError when the card is lost."""
        store = Store(self._settings.latency_ms * SAMPLE_RATE_HZ // 1000)
        listener = self._hub.listen(0, skips=True)
        try:
            stream = await asyncio.to_thread(self._open, self._settings, store.fill)
            try:
                with self._tally.connected():
                    await asyncio.to_thread(stream.start)
                    asked, quiet_s, lost = 0, 0.0, 0
                    while sounds := await listener.read():
                        frames = sum(sound.chunk.frames for sound in sounds)
                        for sound in sounds:
                            store.add(np.frombuffer(sound.chunk.data, "<f4").reshape(-1, 2))
                        self._tally.sent(sum(len(sound.chunk.data) for sound in sounds))
                        self._tally.dropped((store.lost_frames - lost) / SAMPLE_RATE_HZ)
                        lost = store.lost_frames
                        quiet_s = 0.0 if store.asked_frames > asked else quiet_s + frames / SAMPLE_RATE_HZ
                        asked = store.asked_frames
                        if not stream.active or quiet_s > STALL_S:
                            raise OutputError(f"{self._what} stopped. Was it unplugged?")
            finally:
                await asyncio.to_thread(stream.close)
        finally:
            self._hub.leave(listener)

    @property
    def _what(self) -> str:
        return "the default device" if self._settings.device is None else f"device {self._settings.device!r}"


class Store:
    """Sound between our clock and the card's: filled by one thread, emptied by another."""

    def __init__(self, target_frames: int) -> None:
        self.asked_frames = 0
        """How much the card has asked for."""
        self.lost_frames = 0
        """How much was thrown away because the card took too little."""
        self._target_frames = target_frames
        self._samples: FloatArray = np.zeros((0, 2), np.float32)
        self._filling = True
        self._lock = threading.Lock()

    def add(self, samples: FloatArray) -> None:
        """Put sound in; bends it a little when the card's clock runs away from ours."""
        with self._lock:
            fill = len(self._samples) - self._target_frames
            band = int(BAND_S * SAMPLE_RATE_HZ)
            if not self._filling and abs(fill) > band:
                samples = _bent(samples, 1 - BEND if fill > 0 else 1 + BEND)
            self._samples = np.concatenate((self._samples, samples))
            spare = len(self._samples) - 2 * self._target_frames - len(samples)
            if spare > 0:
                self.lost_frames += spare
                self._samples = self._samples[spare:]
            self._filling = self._filling and len(self._samples) < self._target_frames

    def fill(self, out: FloatArray) -> None:
        """Take sound out, in the card's own thread; what is missing is silence, until the store is full again."""
        with self._lock:
            self.asked_frames += len(out)
            taken = 0 if self._filling else min(len(out), len(self._samples))
            out[:taken] = self._samples[:taken]
            out[taken:] = 0.0
            self._samples = self._samples[taken:]
            if taken < len(out):
                self._filling = True


def _bent(samples: FloatArray, ratio: float) -> FloatArray:
    """Stretch sound by a fraction, both channels alike."""
    frames = max(1, round(len(samples) * ratio))
    if frames == len(samples):
        frames += 1 if ratio > 1 else -1
    at = np.linspace(0, len(samples) - 1, max(1, frames))
    columns = [np.interp(at, np.arange(len(samples)), samples[:, channel]) for channel in range(2)]
    return np.stack(columns, axis=1).astype(np.float32)


class Ports:
    """PortAudio itself, shared by all cards."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []

    def open(self, settings: Device, fill: Fill) -> Stream:
        """Open a card; raises OutputError."""
        portaudio = _portaudio()
        self._streams = [stream for stream in self._streams if not getattr(stream, "closed", False)]
        if not self._streams:  # it sees only the cards that were there when it began: it may begin again with none open
            portaudio._terminate()
            portaudio._initialize()

        def callback(out: FloatArray, _frames: int, _time: object, _status: object) -> None:
            fill(out)

        try:
            stream: Stream = portaudio.OutputStream(
                device=settings.device,
                samplerate=SAMPLE_RATE_HZ,
                channels=2,
                dtype="float32",
                latency="high",
                callback=callback,
            )
        except (portaudio.PortAudioError, ValueError) as problem:
            raise OutputError(
                f"device {settings.device!r} cannot be opened at 48 kHz ({problem}). "
                "`lofi-radio devices` lists what there is."
            ) from problem
        self._streams.append(stream)
        return stream


def list_devices() -> tuple[str, ...]:
    """Describe every output: `2: default (ALSA)`; raises RefusedError without PortAudio."""
    portaudio = _portaudio()
    hosts: Any = portaudio.query_hostapis()
    return tuple(
        f"{number}: {one['name']} ({hosts[one['hostapi']]['name']}, {one['max_output_channels']} channels)"
        for number, one in enumerate(portaudio.query_devices())
        if one["max_output_channels"] >= 2
    )


def _portaudio() -> ModuleType:
    try:
        import sounddevice  # reads the sound system when it is imported: only for who wants a card
    except OSError as problem:
        raise RefusedError(f"{problem}. On Debian: apt-get install libportaudio2") from problem
    module: ModuleType = sounddevice
    return module
