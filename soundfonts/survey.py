"""Measure a sound bank note by note and print a table beside another one. Knows nothing about how it was made.

    python -m soundfonts.survey [BANK ...]     # without names: lofi.sf2 and the distribution's bank

tuning = lowest partial against A4 = 440 Hz; evenness = loudest 0.4 s of each key against the instrument's median;
95 % = frequency below which that much of the energy lies; decay = until a held note has lost 20 dB.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.synth import PARTS, FluidSynth
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, Part, SynthEvent
from soundfonts.maker.tone import hz_of, loudest_lufs

Sound = npt.NDArray[np.float64]

INSTRUMENTS = {
    "felt piano": (0, 36, 96), "tine piano": (4, 36, 96), "reed piano": (5, 36, 96), "music box": (10, 60, 96),
    "vibraphone": (11, 53, 89), "nylon guitar": (24, 40, 86), "jazz guitar": (26, 40, 86), "upright bass": (32, 28, 60),
    "synth bass": (38, 28, 60), "sub bass": (39, 28, 60), "string machine": (48, 40, 90), "soft lead": (81, 50, 92),
    "warm pad": (89, 40, 90),
}  # fmt: skip
"""Name → General MIDI program, lowest and highest key that the station plays."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was measured on one key."""

    key: int
    cents: float
    loudness_lufs: float
    bright_hz: float
    decay_s: float
    """Inf when the note is held for longer than it was listened to."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key pressed once."""

    program: int
    key: int
    velocity: int
    held_s: float


class Listener:
    """Plays single notes of a bank."""

    def __init__(self, bank: Path) -> None:
        self._synth = FluidSynth(bank)
        self._frame = 0

    def play(self, stroke: Stroke, bank: int = 0) -> Sound:
        """Return the mono sound of a note while it is held; a second of release is played unheard."""
        part = Part.DRUMS if bank == 128 else Part.KEYS
        held = round(stroke.held_s * SAMPLE_RATE_HZ) // GRID_FRAMES * GRID_FRAMES
        start = self._frame
        events = [
            SynthEvent(start, "program", part, stroke.program, bank),
            SynthEvent(start, "on", part, stroke.key, stroke.velocity),
            SynthEvent(start + held, "off", part, stroke.key, 0),
        ]
        frames = held + 750 * GRID_FRAMES
        sound = self._synth.render(events, frames)[PARTS.index(part)]
        self._synth.render([], 750 * GRID_FRAMES)
        self._frame += frames + 750 * GRID_FRAMES
        return sound[:, :held].mean(axis=0).astype(np.float64)

    def close(self) -> None:
        """Free the synthesiser."""
        self._synth.close()


def lowest_partial_hz(sound: Sound, near_hz: float) -> float:
    """Return the frequency of the partial within a semitone of `near_hz`, by interpolation of the spectrum's peak."""
    size = 1 << 19
    spectrum = np.log(np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) + 1e-12)
    step_hz = SAMPLE_RATE_HZ / size
    low, high = (round(near_hz * 2 ** (cents / 1200) / step_hz) for cents in (-70, 70))
    at = low + int(np.argmax(spectrum[low : high + 1]))
    before, here, after = spectrum[at - 1 : at + 2]
    return float((at + 0.5 * (before - after) / (before - 2 * here + after)) * step_hz)


def brightness_hz(sound: Sound) -> float:
    """Return the frequency below which 95 % of the energy lies."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.searchsorted(np.cumsum(power), 0.95 * power.sum()) * SAMPLE_RATE_HZ / len(sound))


def _decay_s(sound: Sound) -> float:
    step = SAMPLE_RATE_HZ // 20
    levels = np.sqrt(np.square(sound[: len(sound) // step * step]).reshape(-1, step).mean(axis=1))
    below = np.flatnonzero(levels[levels.argmax() :] < 0.1 * levels.max())
    return float(below[0] + levels.argmax()) / 20 if len(below) else np.inf


def examine(listener: Listener, program: int, key: int, velocity: int = 80) -> Note:
    """Measure one key."""
    sound = listener.play(Stroke(program, key, velocity, 3.0))
    steady = sound[SAMPLE_RATE_HZ // 5 : SAMPLE_RATE_HZ * 12 // 5] if key < 84 else sound[4800 : 4800 + SAMPLE_RATE_HZ]
    cents = 1200 * float(np.log2(lowest_partial_hz(steady, hz_of(key)) / hz_of(key)))
    return Note(key, cents, loudest_lufs(sound, SAMPLE_RATE_HZ), brightness_hz(sound[:SAMPLE_RATE_HZ]), _decay_s(sound))


def rows(bank: Path, step: int = 3) -> Iterator[str]:
    """Yield a line of the table for each instrument."""
    listener = Listener(bank)
    for name, (program, low, high) in INSTRUMENTS.items():
        notes = [examine(listener, program, key) for key in range(low, high + 1, step)]
        levels = np.array([note.loudness_lufs for note in notes])
        off = max((note.cents for note in notes), key=abs)
        uneven = float(np.abs(levels - np.median(levels)).max())
        middle = min(notes, key=lambda note: abs(note.key - (low + high) / 2))
        bright = float(np.median([note.bright_hz for note in notes]))
        yield (
            f"| {bank.stem} | {name} | {off:+.1f} | {uneven:.1f} | {np.median(levels):.1f} | {bright:.0f} |"
            f" {middle.decay_s:.1f} |"
        )
    listener.close()


def main(banks: list[Path]) -> None:
    """Print the table."""
    print("| bank | instrument | tuning, cents | uneven, LU | loudness, LUFS | 95 %, Hz | decay, s |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    for bank in banks:
        for row in rows(bank):
            print(row)  # noqa: T201


if __name__ == "__main__":
    both = (Path(__file__).parent / "lofi.sf2", Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"))
    parser = argparse.ArgumentParser(prog="python -m soundfonts.survey", description="Measure banks note by note.")
    parser.add_argument("banks", type=Path, nargs="*", help="default: lofi.sf2 and the distribution's bank")
    main(parser.parse_args().banks or [path for path in both if path.is_file()])
