"""Renders chord charts as lo-fi keys by our own rules: the corpus's style `lead`.

There is no open set of lo-fi piano; POP909 gives texture but 12 % of rich chords only. The colour comes from here.
Knows nothing about files or the network. Timing stays on the 16th grid: swing and human feel are the player's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.types import TICKS_PER_BAR, Chord
from training.charts import Chart, MelodyNote
from training.motifs import invent_motif, thin_out
from training.pop909 import tidy
from training.songs import HALF_BAR_TICKS, Chords, PianoSong
from training.voicings import choose_voicing

RawNote = tuple[float, float, int, float]
Rhythm = tuple[int, int, str]
"""(tick, length, voices)."""

# Two-bar rhythms: (tick, length, voices), voices: a = all, l = lower two, u = the rest. 168 and 84 are anticipations:
# a chord on the last half beat before a (half) bar is already the next one.
RHYTHMS: dict[str, tuple[Rhythm, ...]] = {
    "whole": ((0, 180, "a"), (192, 180, "a")),
    "halves": ((0, 90, "a"), (96, 90, "a"), (192, 90, "a"), (288, 90, "a")),
    "charleston": ((0, 66, "a"), (72, 108, "a"), (192, 66, "a"), (264, 108, "a")),
    "pushed": ((0, 160, "a"), (168, 200, "a")),
    "push_and_stay": ((0, 66, "a"), (72, 90, "a"), (168, 130, "a"), (312, 60, "a")),
    "late_answer": ((0, 130, "a"), (144, 40, "u"), (192, 130, "a"), (336, 40, "u")),
    "offbeats": ((24, 60, "a"), (120, 60, "a"), (216, 60, "a"), (312, 60, "a")),
    "stabs": ((0, 36, "a"), (72, 60, "a"), (144, 36, "u"), (192, 36, "a"), (264, 110, "a")),
    "alternate": ((0, 84, "l"), (48, 40, "u"), (96, 84, "l"), (144, 40, "u"), (192, 84, "l"), (240, 40, "u"),
                  (288, 84, "l"), (336, 40, "u")),
    "low_then_high": ((0, 180, "l"), (48, 130, "u"), (192, 180, "l"), (240, 130, "u")),
    "sixteenth_push": ((0, 80, "a"), (84, 84, "a"), (180, 90, "a"), (276, 100, "a")),
    "dotted": ((0, 66, "a"), (72, 66, "u"), (144, 44, "a"), (192, 66, "a"), (264, 66, "u"), (336, 44, "a")),
    "breath": ((0, 120, "a"), (240, 110, "a")),
    "second_beat": ((48, 130, "a"), (192, 40, "l"), (240, 130, "a")),
    "tresillo": ((0, 66, "a"), (72, 66, "a"), (144, 44, "a"), (192, 180, "a")),
    "answer_on_four": ((0, 84, "a"), (144, 40, "a"), (168, 110, "a"), (336, 40, "u")),
}  # fmt: skip
ROLLS = {
    "up_quavers": (0, 24, 48, 72), "up_semiquavers": (0, 12, 24, 36), "up_late": (0, 48, 72, 120),
    "up_slow": (0, 36, 72, 108),
}  # fmt: skip
ANTICIPATION_TICKS = 24

# What a triad becomes when the band plays it: by root of the piece as written.
_MAJOR_COLOURS = {0: "maj7", 5: "maj7", 10: "maj7", 3: "maj7", 8: "maj7", 1: "maj7"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How one rendering is played from beginning to end."""

    rhythms: tuple[str, ...]
    """Names of the rhythm or roll of each four-bar phrase, in turn."""
    shell: bool
    low_roots: float
    """Chance of a root under the first chord of a bar: keys alone, without a bass."""
    loudness: float
    """Mean velocity."""
    swell: float
    """Height of the eight-bar dynamic arc, velocity."""
    repeat: float
    """Chance that a phrase takes over its voicings from the phrase one loop ago."""
    rest: float
    """Chance that a hit off the down-beat is left out."""
    variation: float
    """Chance that a hit of a two-bar rhythm is moved, or struck again."""
    melody: bool


def choose_manner(rng: np.random.Generator) -> Manner:
    """Return a manner at random."""
    names = [*RHYTHMS, *ROLLS]
    weights = np.array([1.0] * len(RHYTHMS) + [0.7] * len(ROLLS))
    count = int(rng.integers(1, 4))
    return Manner(
        rhythms=tuple(str(name) for name in rng.choice(names, count, p=weights / weights.sum())),
        shell=bool(rng.random() < 0.2),
        low_roots=float(rng.choice([0.0, 0.0, 0.15, 0.8])),
        loudness=float(rng.normal(62, 7)),
        swell=float(rng.uniform(3, 12)),
        repeat=float(rng.uniform(0.3, 0.9)),
        rest=float(rng.choice([0.0, 0.05, 0.12])),
        variation=float(rng.choice([0.0, 0.1, 0.2, 0.3])),
        melody=bool(rng.random() < 0.5),
    )


def colour(chord: Chord | None, rich: bool) -> Chord | None:
    """Return a triad as the seventh chord that belongs on its degree; other chords stay."""
    if chord is None or not rich:
        return chord
    if chord.quality == "min":
        return replace(chord, quality="min7")
    if chord.quality == "maj":
        return replace(chord, quality=_MAJOR_COLOURS.get(chord.root, "7"))
    if chord.quality == "dim" and chord.root == 11:
        return replace(chord, quality="hdim7")
    return chord


def arrange(chart: Chart, rng: np.random.Generator) -> Chart:
    """Return the chart as a piece: coloured, and unless it is a tune cut to a loop of 4-16 bars played 2-4 times."""
    rich = bool(rng.random() < 0.85)
    bars = [(colour(first, rich), colour(second, rich)) for first, second in chart.bars]
    if chart.melody:
        return replace(chart, bars=tuple(bars))
    if len(bars) <= 4:
        bars = bars * 2
    length = min(int(rng.choice([4, 8, 8, 8, 16])), len(bars))
    start = 4 * int(rng.integers(0, (len(bars) - length) // 4 + 1))
    loop = bars[start : start + length]
    times = max(2, min(4, 32 // length))
    return replace(chart, bars=tuple(loop * times))


def render(chart: Chart, rng: np.random.Generator) -> PianoSong:
    """Return one rendering of a chart; another state of `rng` gives another one."""
    piece = arrange(chart, rng)
    manner = choose_manner(rng)
    raw = _comp(piece, manner, rng)
    if manner.melody:
        tune = thin_out(piece, rng) if piece.melody else invent_motif(piece, rng)
        raw += _sing(tune, manner, rng)
    end = len(piece.bars) * TICKS_PER_BAR - 1
    notes = tuple(n._replace(end=min(n.end, end)) for n in tidy(raw) if n.start < end)
    return PianoSong(piece.name, "lead", piece.minor, notes, piece.bars)


class _Voicer:
    """Chooses voicings in order and remembers them, so that a loop can come back as it was."""

    def __init__(self, manner: Manner, rng: np.random.Generator) -> None:
        self._manner, self._rng = manner, rng
        self._previous: tuple[int, ...] | None = None
        self._known: dict[Chord, tuple[int, ...]] = {}

    def voice(self, chord: Chord) -> tuple[int, ...]:
        """Return the keys for a chord."""
        known = self._known.get(chord)
        if known is None or self._rng.random() > self._manner.repeat:
            known = choose_voicing(chord, self._previous, self._manner.shell, self._rng)
            self._known[chord] = known
        self._previous = known
        return known


def chord_at(bars: tuple[Chords, ...], tick: int) -> Chord | None:
    """Return the chord to play at a tick; the half beat before a half bar anticipates the next."""
    half = min((tick + ANTICIPATION_TICKS) // HALF_BAR_TICKS, 2 * len(bars) - 1)
    return bars[half // 2][half % 2]


def _comp(piece: Chart, manner: Manner, rng: np.random.Generator) -> list[RawNote]:
    voicer = _Voicer(manner, rng)
    raw: list[RawNote] = []
    for start_bar in range(0, len(piece.bars), 2):
        name = manner.rhythms[start_bar // 4 % len(manner.rhythms)]
        base = start_bar * TICKS_PER_BAR
        hits = _hits(name, piece.bars[start_bar : start_bar + 2])
        for tick, length, part in _varied(hits, manner.variation, rng):
            chord = chord_at(piece.bars, base + tick)
            if chord is None or base + tick >= len(piece.bars) * TICKS_PER_BAR:
                continue
            if tick % TICKS_PER_BAR and name not in ROLLS and rng.random() < manner.rest:
                continue
            keys = voicer.voice(chord)
            chosen = _pick(keys, part)
            if tick % TICKS_PER_BAR == 0 and rng.random() < manner.low_roots:
                chosen = (36 + chord.root if chord.root >= 4 else 48 + chord.root, *chosen)
            raw += _strike(chosen, (base + tick, length), manner, rng)
    return raw


def _hits(name: str, bars: tuple[Chords, ...]) -> list[Rhythm]:
    """Return a rhythm's hits in two bars; where the chord changes in mid-bar, long ones are struck again."""
    if name in ROLLS:
        return [
            (bar * TICKS_PER_BAR + start + tick, span - tick, str(voice))
            for bar, (first, second) in enumerate(bars)
            for start, span in (((0, 190),) if first == second else ((0, 94), (HALF_BAR_TICKS, 94)))
            for voice, tick in enumerate(ROLLS[name])
            if tick < span - 12
        ]
    hits = []
    for tick, length, part in RHYTHMS[name]:
        bar, inside = divmod(tick, TICKS_PER_BAR)
        changes = bar < len(bars) and bars[bar][0] != bars[bar][1]
        if changes and inside < HALF_BAR_TICKS - ANTICIPATION_TICKS and inside + length > HALF_BAR_TICKS:
            hits += [(tick, HALF_BAR_TICKS - inside - 4, part)]
            hits += [(bar * TICKS_PER_BAR + HALF_BAR_TICKS, max(length + inside - HALF_BAR_TICKS, 36), part)]
        else:
            hits.append((tick, length, part))
    taken: dict[int, Rhythm] = {}
    for hit in hits:
        taken.setdefault(hit[0], hit)
    return sorted(taken.values())


def _varied(hits: list[Rhythm], chance: float, rng: np.random.Generator) -> list[Rhythm]:
    """Return the hits with some pushed or laid back by a 16th or an 8th, and some long ones struck again."""
    out: list[Rhythm] = []
    for place, (tick, length, part) in enumerate(hits):
        following = hits[place + 1][0] if place + 1 < len(hits) else 2 * TICKS_PER_BAR
        moved = tick
        if tick % TICKS_PER_BAR and rng.random() < chance:
            moved = tick + int(rng.choice([-24, -12, 12, 24]))
            if not (out[-1][0] if out else -1) < moved < following or moved // TICKS_PER_BAR != tick // TICKS_PER_BAR:
                moved = tick
        again = moved + int(rng.choice([24, 36, 48]))
        if length > 60 and again < following - 12 and rng.random() < chance / 2:
            out += [(moved, again - moved - 6, part), (again, moved + length - again, "u" if part == "a" else part)]
        else:
            out.append((moved, max(length - (moved - tick), 12), part))
    return [hit for hit in out if hit[1] > 0]


def _pick(keys: tuple[int, ...], part: str) -> tuple[int, ...]:
    if part.isdigit():
        return (keys[min(int(part), len(keys) - 1)],)
    if part == "l":
        return keys[:2]
    return keys[2:] or keys[-1:] if part == "u" else keys


def _strike(keys: tuple[int, ...], place: tuple[int, int], manner: Manner, rng: np.random.Generator) -> list[RawNote]:
    tick, length = place
    level = _level(tick, manner) + rng.normal(0, 5)
    top = max(keys)
    return [(tick, tick + length, key, _clip(level + (5 if key == top else -4) + rng.normal(0, 5))) for key in keys]


def _level(tick: int, manner: Manner) -> float:
    """Return the velocity before chance: an arc over eight bars and the weight of the beat."""
    arc = manner.swell * math.sin(math.pi * (tick % (8 * TICKS_PER_BAR)) / (8 * TICKS_PER_BAR) * 2 - math.pi / 2)
    inside = tick % TICKS_PER_BAR
    weight = 7 if inside == 0 else 3 if inside == HALF_BAR_TICKS else -2 if inside % 48 == 0 else -7
    return manner.loudness + arc + weight


def _sing(tune: list[tuple[int, MelodyNote]], manner: Manner, rng: np.random.Generator) -> list[RawNote]:
    return [
        (
            bar * TICKS_PER_BAR + note.tick,
            bar * TICKS_PER_BAR + note.tick + note.length_ticks,
            note.pitch,
            _clip(_level(bar * TICKS_PER_BAR + note.tick, manner) + 13 + rng.normal(0, 7)),
        )
        for bar, note in tune
    ]


def _clip(velocity: float) -> float:
    return min(max(velocity, 18.0), 118.0)
