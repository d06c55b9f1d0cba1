"""Renders a mood and measures what words ask for: tempo, onsets, brightness, parts, places. Knows nothing about words.

Sound is rendered for one seed from the first theme on; what hangs on a single piece (mode, key, tempo, onsets, touch,
pitch) is taken from more pieces, too, which nobody plays; mode, key and tempo are the form's, whoever composes. Parts,
room and loops are measured on their own buses inside the desk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.listening import Sound
from bench.render import setup_of
from bench.solos import Tap
from engine import (
    SAMPLE_RATE_HZ,
    Bar,
    BarStart,
    FloatArray,
    Mood,
    Part,
    Station,
    StationSetup,
    load_recurrence,
    parse_layout,
)  # fmt: skip
from engine.composer import compose_models
from engine.fallback import compose_rules
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT

SILENT_DB = -65.0
MORE_PIECES, MORE_SEEDS, MORE_BARS = 8, 4, 16
_INTRO_BARS = 4
_MORE_RENDERS = 4
"""Study of seed 3 has its first off-beat sixteenth after 40 s."""
_EIGHTH, _SIXTEENTH = TICKS_PER_BEAT // 2, TICKS_PER_BEAT // 4
_FORM = "A:8 B:8 A'"


@dataclass(frozen=True, slots=True)
class Heard:
    """What was measured of one mood."""

    bpm: float
    minor: float
    """Share of pieces."""
    keys: frozenset[int]
    keys_onsets: float
    """A bar."""
    drums_onsets: float
    second_onsets: float
    parts_lufs: dict[Part, float]
    velocity: float
    pitch: float
    swing: float
    """Mean place of off-beat sixteenths in their eighth, as struck."""
    bright_db: float
    """Share of the sound's energy above 2 kHz."""
    room_db: float
    """Energy of the room under that of the dry parts."""
    vinyl_db: float
    hiss_db: float
    places: dict[str, float]
    """Ambience loops that sound at the end, dB under the music."""
    programs: dict[str, int]
    """Instrument of each part as the synthesiser was told."""


class _Meter:
    """Stands in for a member and adds up the energy of what one of its methods returns."""

    def __init__(self, member: Any, method: str) -> None:  # noqa: ANN401 - any member of the desk
        self._member, self._method = member, method
        self.energy = 1e-12

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        found = getattr(self._member, name)
        if name != self._method:
            return found

        def call(*arguments: Any) -> FloatArray:  # noqa: ANN401
            out: FloatArray = found(*arguments)
            self.energy += float(np.square(out, dtype=np.float64).sum())
            return out

        return call


def hear(mood: Mood, seconds: float, seed: int = 1, *, rules: bool = True) -> Heard:
    """Render so many seconds and measure."""
    setup = replace(setup_of("study", seed, rules=rules), mood=mood, form=parse_layout(_FORM))
    station = Station.build(setup)
    mixer: Any = station._studio._mixer
    taps = {part: Tap(strip) for part, strip in mixer._strips.items()}
    mixer._strips.update(taps)
    room = mixer._room = _Meter(mixer._room, "process")
    bed = mixer._bed
    bed._vinyl, bed._hiss = _Meter(bed._vinyl, "take"), _Meter(bed._hiss, "take")
    programs = _watch_programs(station)
    for tap in taps.values():
        tap.open = True
    block = station.render(round(seconds * SAMPLE_RATE_HZ))
    bars = [*(start.bar for start in block.bars), *_more_bars(mood, seed, setup)]
    lufs = {part: tap.meter.integrated_lufs for part, tap in taps.items()}
    pieces = _more_pieces(mood, seed)
    dry = sum(10 ** (level / 10) for part, level in lufs.items() if level > SILENT_DB and part is not Part.DRUMS)
    frames = len(block.samples)
    heard = Heard(
        bpm=float(np.mean([bar.bpm for bar in pieces])),
        minor=float(np.mean([bar.piece.minor for bar in pieces])),
        keys=frozenset(bar.piece.key for bar in pieces),
        keys_onsets=_onsets(bars, Part.KEYS),
        drums_onsets=_onsets(bars, Part.DRUMS),
        second_onsets=_onsets(bars, Part.SECOND),
        parts_lufs=lufs,
        velocity=_mean(bars, "velocity"),
        pitch=_mean(bars, "pitch"),
        swing=float("nan"),
        bright_db=bright_db(block.samples),
        room_db=10 * np.log10(room.energy / frames) + 20 * np.log10(max(mood.room, 1e-4)) - 10 * np.log10(dry),
        vinyl_db=10 * np.log10(bed._vinyl.energy / frames),
        hiss_db=10 * np.log10(bed._hiss.energy / frames) + mood.hiss_db,
        places={name: 10 * np.log10(max(fade[1], 1e-12)) for name, fade in bed._ambience.snapshot()["fades"].items()},
        programs=dict(programs),
    )
    heard = replace(heard, swing=_heard_swing(station, block.bars, seconds))  # last: it may render more
    station.close()
    return heard


def _heard_swing(station: Station, starts: tuple[BarStart, ...], seconds: float) -> float:
    """Return the swing of what was rendered, or of what follows where nobody struck an off-beat sixteenth."""
    for _ in range(_MORE_RENDERS):
        if np.isfinite(found := _swing(starts)):
            return found
        starts = station.render(round(seconds * SAMPLE_RATE_HZ)).bars
    return _swing(starts)


def bright_db(sound: Sound) -> float:
    """Return the share of a sound's energy above 2 kHz, dB."""
    mono = sound.mean(axis=1)
    power = np.square(np.abs(np.fft.rfft(mono)))
    hz = np.fft.rfftfreq(len(mono), 1 / SAMPLE_RATE_HZ)
    return float(10 * np.log10(power[hz > 2000].sum() / power.sum()))


def _watch_programs(station: Station) -> dict[str, int]:
    """Note the last instrument that the synthesiser is told to take, part by part."""
    seen: dict[str, int] = {}
    synth: Any = station._studio._synth
    render = synth.render

    def watched(events: Any, frames: int) -> FloatArray:  # noqa: ANN401
        for event in events:
            if event.kind == "program":
                seen[event.part.value] = event.key
        sound: FloatArray = render(events, frames)
        return sound

    synth.render = watched
    return seen


def _more_pieces(mood: Mood, seed: int) -> list[Bar]:
    """Return the first bar of several pieces of the mood."""
    composer = compose_rules(mood, seed)
    firsts: list[Bar] = []
    while len(firsts) < MORE_PIECES:
        bar = next(composer)
        firsts.append(bar)
        composer._form.cut()
    return firsts


def _more_bars(mood: Mood, seed: int, setup: StationSetup) -> list[Bar]:
    """Return bars of more pieces by the same composer, beyond their intros."""
    piano, drums = setup.piano_model, setup.drums_model
    models = (load_recurrence(piano), load_recurrence(drums)) if piano and drums else None
    bars: list[Bar] = []
    for more in range(1, MORE_SEEDS + 1):
        composer = compose_models(mood, seed + more, *models) if models else compose_rules(mood, seed + more)
        bars += [next(composer) for _ in range(_INTRO_BARS + MORE_BARS)][_INTRO_BARS:]
    return bars


def _onsets(bars: list[Bar], part: Part) -> float:
    return float(np.mean([sum(note.part is part for note in bar.events) for bar in bars]))


def _mean(bars: list[Bar], field: str) -> float:
    return float(np.mean([getattr(note, field) for bar in bars for note in bar.events if note.part is Part.KEYS]))


def _swing(starts: tuple[BarStart, ...]) -> float:
    """Return the mean place in their eighth of off-beat sixteenths, as they were struck; snares are late on purpose."""
    places = []
    for start in starts:
        eighth = start.frames * _EIGHTH / TICKS_PER_BAR
        for note, (struck, _) in zip(start.bar.events, start.played, strict=True):
            if note.tick % _EIGHTH == _SIXTEENTH and note.pitch not in (37, 38, 40):
                places.append((struck - note.tick // _EIGHTH * eighth) / eighth)
    return float(np.mean(places)) if places else float("nan")
