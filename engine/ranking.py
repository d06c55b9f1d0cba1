"""Which of several candidate bars is the best lo-fi. Knows nothing about models or tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from engine.beat import ACCENT_BIN, BACKBEAT_STEPS, CRASH, HATS, KICK, OPEN_HAT, RIDE, RIM, SNARE, TOMS, Hit
from engine.grammar import HALF_BAR_TICKS, WrittenNote
from engine.harmony import colour_classes, guide_tones, pitch_classes
from engine.tokens import PIANO_DENSITY_LIMITS
from engine.types import TICKS_PER_BAR, Chord

_CHORD_NOTES = 3
_LEAP_SEMITONES = 5
_TOP_SPAN_SEMITONES = 24
_HAMMER_TICKS = 24
_EIGHTHS = frozenset(range(0, 16, 2))
_SECOND_KICK_STEPS = frozenset({6, 7, 8, 10, 11})
"""The second kick of boom-bap falls around the "and" of two or three."""
Shape = frozenset[tuple[int, int]]
"""What makes two bars the same: their onsets (tick, pitch)."""


def shape_of(notes: Sequence[WrittenNote]) -> Shape:
    """Return the onsets of a bar."""
    return frozenset((note.tick, note.pitch) for note in notes)


def score_keys(
    notes: Sequence[WrittenNote],
    chords: tuple[Chord, Chord],
    density: int,
    known: Collection[Shape],
    centre: float | None,
) -> float:
    """Return how good a bar of keys is: chord colour, density, register near the bar before, and no copy."""
    if not notes:
        return -10.0
    score = sum(_colour(notes, chord, half) for half, chord in enumerate(chords))
    groups = Counter(note.tick for note in notes)
    score += 1.0 * (max(groups.values()) >= _CHORD_NOTES) - 0.5 * max(0, len(groups) - 6)
    score += 0.8 * (0 in groups) + 0.4 * min(sum(size <= 2 for size in groups.values()), 3)
    wanted = PIANO_DENSITY_LIMITS[min(density, 6)]
    score -= 0.3 * abs(len(notes) - wanted)
    score += 1.0 * len({step for note in notes for step in range(note.tick // 12, note.end // 12)}) / 16
    mean = sum(note.pitch for note in notes) / len(notes)
    if centre is not None:
        score -= 0.25 * max(0.0, abs(mean - centre) - _LEAP_SEMITONES)
    span = max(note.pitch for note in notes) - min(note.pitch for note in notes)
    score -= 0.15 * max(0, span - _TOP_SPAN_SEMITONES)
    score -= 0.5 * max(0, _hammered(notes) - 1)
    return score - 2.0 * (shape_of(notes) in known)


def _hammered(notes: Sequence[WrittenNote]) -> int:
    """Return how many notes strike the pitch that was struck within half a beat before."""
    last: dict[int, int] = {}
    count = 0
    for note in notes:
        count += 0 < note.tick - last.get(note.pitch, -TICKS_PER_BAR) <= _HAMMER_TICKS
        last[note.pitch] = note.tick
    return count


def _colour(notes: Sequence[WrittenNote], chord: Chord, half: int) -> float:
    start, end = half * HALF_BAR_TICKS, (half + 1) * HALF_BAR_TICKS
    classes = {note.pitch % 12 for note in notes if note.tick < end and note.end > start + 12}
    tones, colours = pitch_classes(chord), colour_classes(chord)
    guides = guide_tones(chord)
    score = 1.2 * sum(guide in classes for guide in guides) + 0.4 * bool(classes & colours)
    score += 0.4 * bool((classes & tones) - set(guides)) - 0.4 * len(classes - tones - colours)
    strong = [note for note in notes if note.tick == start]
    return score - 0.7 * sum(note.pitch % 12 not in tones for note in strong)


def score_drums(hits: Sequence[Hit], before: Sequence[Hit] | None = None, wanted_ghosts: int = 1) -> float:
    """Return how well a bar of drums sits: kick on 1, snare on 2 and 4, even hats, few toms, like the bar before."""
    kicks = _steps(hits, KICK)
    snares = [hit for hit in hits if hit.pitch in (RIM, SNARE)]
    loud = [hit for hit in snares if hit.velocity_bin >= ACCENT_BIN]
    hats = _steps(hits, *HATS, RIDE)
    score = 3.0 * sum(step in {hit.step for hit in loud} for step in BACKBEAT_STEPS) + 2.0 * (0 in kicks)
    score -= 1.0 * sum(hit.step not in BACKBEAT_STEPS for hit in loud)
    score += 2.0 * (2 <= len(kicks) <= 3) + 1.0 * bool(kicks & _SECOND_KICK_STEPS)
    score -= 0.6 * max(0, len(kicks) - 3) + 0.5 * len(kicks & set(BACKBEAT_STEPS))
    score += 0.4 * len(hats & _EIGHTHS) - 0.3 * len(hats - _EIGHTHS)
    score -= 0.4 * max(0, len(_steps(hits, OPEN_HAT)) - 1)
    ghosts = len(snares) - len(loud)
    score -= 0.5 * abs(ghosts - wanted_ghosts)
    score -= 1.0 * sum(hit.pitch in (*TOMS, CRASH) for hit in hits)
    if before is not None:
        score += 0.8 * _likeness(kicks, _steps(before, KICK)) + 0.8 * _likeness(hats, _steps(before, *HATS, RIDE))
    return score


def _steps(hits: Sequence[Hit], *drums: int) -> set[int]:
    return {hit.step for hit in hits if hit.pitch in drums}


def _likeness(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
