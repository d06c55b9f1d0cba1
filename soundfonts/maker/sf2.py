"""Writes SoundFont 2.04 files: samples, instruments and presets to bytes. Knows nothing about how a sound is made.

Source: "SoundFont Technical Specification, version 2.04" (Creative, 2006), sections 4-9.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]

SILENCE_FRAMES = 46
"""Zero frames after every sample (section 7.10), so that interpolation never reads the next one."""
LOOP_MARGIN_FRAMES = 8
"""Frames that must lie before a loop's start and after its end (section 7.10)."""
FULL_RANGE = (0, 127)
_NAME_BYTES = 20


class Generator(IntEnum):
    """Numbers of the generators that we write (section 8.1.2)."""

    VIBRATO_TO_PITCH = 6
    FILTER_CUTOFF = 8
    VIBRATO_DELAY = 23
    VIBRATO_RATE = 24
    ATTACK = 34
    HOLD = 35
    DECAY = 36
    SUSTAIN = 37
    RELEASE = 38
    INSTRUMENT = 41
    KEY_RANGE = 43
    VELOCITY_RANGE = 44
    SAMPLE_ID = 53
    SAMPLE_MODES = 54
    EXCLUSIVE_CLASS = 57
    ROOT_KEY = 58


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A recording of one note."""

    name: str
    sound: Sound
    """float64 [frames]; written at 16 bits, must stay inside ±1."""
    rate_hz: int
    root_key: int
    loop: tuple[int, int] | None = None
    """First frame of the loop and the frame after its last."""


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """Where a sample sounds and how it is played."""

    sample: Sample
    keys: tuple[int, int] = FULL_RANGE
    velocities: tuple[int, int] = FULL_RANGE
    generators: dict[Generator, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """An instrument under its General MIDI number; bank 128 holds drum kits."""

    name: str
    bank: int
    program: int
    zones: tuple[Zone, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """What a bank says about itself."""

    name: str
    copyright: str
    date: str
    comment: str


def timecents(seconds: float) -> int:
    """Return a time as the format counts it: 1200 a doubling, 0 for one second."""
    return max(round(1200 * math.log2(max(seconds, 1e-4))), -12_000)


def bank_bytes(labels: Labels, presets: Sequence[Preset]) -> bytes:
    """Return a whole bank; samples that several presets share are stored once.

    Raises:
        ValueError: a sample, a loop or a name does not fit the format.
    """
    ordered = sorted(presets, key=lambda preset: (preset.bank, preset.program))
    samples = list({id(zone.sample): zone.sample for preset in ordered for zone in preset.zones}.values())
    for sample in samples:
        _check(sample)
    body = _info(labels) + _sample_data(samples) + _list(b"pdta", _articulation(ordered, samples))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"sfbk" + body


def _check(sample: Sample) -> None:
    frames = len(sample.sound)
    if not np.isfinite(sample.sound).all() or np.abs(sample.sound).max() > 1.0:
        raise ValueError(f"sample {sample.name}: must be finite and inside ±1. Scale it.")
    if sample.loop is not None:
        start, end = sample.loop
        if not LOOP_MARGIN_FRAMES <= start < end - 2 * LOOP_MARGIN_FRAMES <= frames - 3 * LOOP_MARGIN_FRAMES:
            raise ValueError(f"sample {sample.name}: loop {start}-{end} does not fit {frames} frames with its margins.")


def _chunk(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(kind: bytes, chunks: Iterable[bytes]) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))


def _text(tag: bytes, text: str) -> bytes:
    data = text.encode("ascii") + b"\0"
    return _chunk(tag, data + b"\0" * (len(data) % 2))


def _name(text: str) -> bytes:
    data = text.encode("ascii")
    if len(data) >= _NAME_BYTES:
        raise ValueError(f"name {text!r}: at most {_NAME_BYTES - 1} characters. Shorten it.")
    return data.ljust(_NAME_BYTES, b"\0")


def _info(labels: Labels) -> bytes:
    chunks = [
        _chunk(b"ifil", struct.pack("<HH", 2, 4)),
        _text(b"isng", "EMU8000"),
        _text(b"INAM", labels.name),
        _text(b"ICRD", labels.date),
        _text(b"ICOP", labels.copyright),
        _text(b"ICMT", labels.comment),
    ]
    return _list(b"INFO", chunks)


def _sample_data(samples: Sequence[Sample]) -> bytes:
    gap = np.zeros(SILENCE_FRAMES)
    line = np.concatenate([piece for sample in samples for piece in (sample.sound, gap)])
    return _list(b"sdta", [_chunk(b"smpl", np.round(line * 32_767).astype("<i2").tobytes())])


def _articulation(presets: Sequence[Preset], samples: Sequence[Sample]) -> list[bytes]:
    """Return the nine chunks of the hydra in their order, each with its terminal record."""
    place = {id(sample): number for number, sample in enumerate(samples)}
    phdr, pbag, pgen, inst, ibag, igen = (bytearray() for _ in range(6))
    for number, preset in enumerate(presets):
        phdr += struct.pack("<20sHHHIII", _name(preset.name), preset.program, preset.bank, len(pbag) // 4, 0, 0, 0)
        pbag += struct.pack("<HH", len(pgen) // 4, 0)
        pgen += struct.pack("<Hh", Generator.INSTRUMENT, number)
        inst += struct.pack("<20sH", _name(preset.name), len(ibag) // 4)
        for zone in preset.zones:
            ibag += struct.pack("<HH", len(igen) // 4, 0)
            igen += _generators(zone, place[id(zone.sample)])
    phdr += struct.pack("<20sHHHIII", _name("EOP"), 0, 0, len(pbag) // 4, 0, 0, 0)
    pbag += struct.pack("<HH", len(pgen) // 4, 0)
    inst += struct.pack("<20sH", _name("EOI"), len(ibag) // 4)
    ibag += struct.pack("<HH", len(igen) // 4, 0)
    none = b"\0" * 10
    return [
        _chunk(b"phdr", bytes(phdr)), _chunk(b"pbag", bytes(pbag)), _chunk(b"pmod", none),
        _chunk(b"pgen", bytes(pgen) + b"\0" * 4), _chunk(b"inst", bytes(inst)), _chunk(b"ibag", bytes(ibag)),
        _chunk(b"imod", none), _chunk(b"igen", bytes(igen) + b"\0" * 4), _chunk(b"shdr", _headers(samples)),
    ]  # fmt: skip


def _generators(zone: Zone, sample_number: int) -> bytes:
    """Return a zone's generators: ranges first, the sample last (section 7.9)."""
    low_key, high_key = zone.keys
    low_velocity, high_velocity = zone.velocities
    data = struct.pack("<HBB", Generator.KEY_RANGE, low_key, high_key)
    data += struct.pack("<HBB", Generator.VELOCITY_RANGE, low_velocity, high_velocity)
    for number, amount in sorted(zone.generators.items()):
        data += struct.pack("<Hh", number, amount)
    if zone.sample.loop is not None:
        data += struct.pack("<Hh", Generator.SAMPLE_MODES, 1)
    return data + struct.pack("<HH", Generator.SAMPLE_ID, sample_number)


def _headers(samples: Sequence[Sample]) -> bytes:
    data, start = bytearray(), 0
    for sample in samples:
        end = start + len(sample.sound)
        loop_start, loop_end = (start + frame for frame in sample.loop or (0, len(sample.sound)))
        places = (start, end, loop_start, loop_end, sample.rate_hz)
        data += struct.pack("<20sIIIIIBbHH", _name(sample.name), *places, sample.root_key, 0, 0, 1)
        start = end + SILENCE_FRAMES
    return bytes(data + struct.pack("<20sIIIIIBbHH", _name("EOS"), 0, 0, 0, 0, 0, 0, 0, 0, 0))
