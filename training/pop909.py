"""The piano corpus: POP909's accompaniment track on the bar grid of POP909-CL, moved to C major or A minor.

The reviewed chords, keys and bars of POP909-CL run on the same ticks as POP909, shifted by one constant per song,
which is found by a vote of the chord changes that both name. Knows nothing about tokens' use or the network.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord
from training.errors import CorpusError
from training.midi import MidiScore, read_midi
from training.parallel import work_through
from training.songs import HALF_BAR_TICKS, Chords, Note, PianoSong

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIXTEENTH_TICKS = TICKS_PER_BEAT // 4
LONGEST_NOTE_TICKS = 2 * TICKS_PER_BAR
LEAST_AGREEMENT = 0.5
"""Share of the chord changes that must agree with the vote; songs below it have another metre or another take."""
SOURCE_BEAT_TICKS = 480
VOTE_TICKS = 4
CHORD_TOLERANCE_TICKS = 40

# Templates in the order of trust; the first whose pitch classes are exactly the sounding ones names the chord.
TEMPLATES: tuple[tuple[str, frozenset[int]], ...] = tuple(
    (quality, frozenset(steps))
    for quality, steps in (
        ("maj7", (0, 4, 7, 11)), ("7", (0, 4, 7, 10)), ("min7", (0, 3, 7, 10)), ("hdim7", (0, 3, 6, 10)),
        ("dim", (0, 3, 6, 9)), ("maj", (0, 4, 7)), ("min", (0, 3, 7)), ("dim", (0, 3, 6)), ("aug", (0, 4, 8)),
        ("sus", (0, 5, 7)), ("sus", (0, 2, 7)), ("sus", (0, 5, 7, 10)), ("maj", (0, 4, 7, 9)), ("min", (0, 3, 7, 9)),
        ("maj", (0, 4, 7, 2)), ("min7", (0, 3, 10)), ("7", (0, 4, 10)), ("maj7", (0, 4, 11)),
    )
)  # fmt: skip


def pitch_class(name: str) -> int:
    """Return the pitch class of a note name such as `C`, `F#`, `Bb` or `B-`; letters after it are ignored."""
    found = re.match(r"([A-G])([#b-]*)", name)
    if not found:
        raise CorpusError(f"{name!r}: not a note name. Expected a letter A-G, then # or b.")
    accidentals = found[2]
    return (PITCH_CLASSES[found[1]] + accidentals.count("#") - accidentals.count("b") - accidentals.count("-")) % 12


def identify(pitches: list[int]) -> Chord:
    """Name a chord from its sounding pitches, the bass first among possible roots."""
    bass = min(pitches) % 12
    classes = {pitch % 12 for pitch in pitches}
    for root in [bass, *sorted(classes - {bass})]:
        steps = frozenset((pitch - root) % 12 for pitch in classes)
        for quality, template in TEMPLATES:
            if steps == template:
                return Chord(root, quality)
    steps = frozenset((pitch - bass) % 12 for pitch in classes)

    def likeness(template: frozenset[int]) -> float:
        return len(steps & template) - 0.7 * len(template - steps) - 0.5 * len(steps - template)

    return Chord(bass, max(TEMPLATES, key=lambda item: likeness(item[1]))[0])


def transposition(tonic: int, minor: bool) -> int:
    """Return the shift, -6 to +5 semitones, that brings a key to C major or A minor."""
    return (((9 if minor else 0) - tonic) + 6) % 12 - 6


@dataclass(frozen=True, slots=True)
class _Grid:
    """The reviewed side of a song."""

    chords: list[tuple[int, int, list[int]]]
    """(start, end, pitches), ticks."""
    keys: list[tuple[int, int, bool]]
    """(tick, shift in semitones, minor)."""

    def shift_at(self, tick: float) -> int:
        """Return the transposition in force."""
        return self.keys[max(bisect_right([at for at, _, _ in self.keys], tick) - 1, 0)][1]

    def chord_at(self, tick: float) -> Chord | None:
        """Return the transposed chord that sounds at a tick."""
        index = bisect_right([start for start, _, _ in self.chords], tick + CHORD_TOLERANCE_TICKS) - 1
        if index < 0 or self.chords[index][1] <= tick:
            return None
        chord = identify(self.chords[index][2])
        return Chord((chord.root + self.shift_at(tick)) % 12, chord.quality)


def read_pop909(folder: Path, workers: int | None = None) -> tuple[list[PianoSong], list[str]]:
    """Read all songs in 4/4; return them and the reasons for those that were left out."""
    if not (folder / "index.csv").is_file():
        raise CorpusError(
            f"{folder / 'index.csv'}: not found. Get POP909 (github.com/music-x-lab/POP909-Dataset) and POP909-CL "
            f"(github.com/AndyWeasley2004/POP909-CL-Dataset), both MIT, and unpack the piano tracks as {folder}."
        )
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    done, skipped = work_through(read_song, folders, "pop909", workers)
    return [song for _, song in done], skipped


def read_song(folder: Path) -> PianoSong:
    """Read one song.

    Raises:
        CorpusError: it is damaged, not in 4/4, or its two sources do not agree.
    """
    piano, reviewed = read_midi(folder / "piano.mid"), read_midi(folder / "chords_cl.mid")
    if any((upper, lower) != (4, 4) for _, upper, lower in reviewed.metres):
        raise CorpusError(f"{folder.name}: not in 4/4 throughout.")
    if not reviewed.keys or not reviewed.notes or len(piano.notes) < 60:
        raise CorpusError(f"{folder.name}: no key, no chords or hardly a note.")
    grid = _grid(reviewed)
    try:
        offset = _offset(piano, grid, _chord_changes(folder, piano))
        notes = _notes(piano, grid, offset)
    except CorpusError as error:
        raise CorpusError(f"{folder.name}: {error}") from error
    first_bar = notes[0].start // TICKS_PER_BAR
    bars = notes[-1].start // TICKS_PER_BAR + 1 - first_bar
    start = first_bar * TICKS_PER_BAR
    last_tick = bars * TICKS_PER_BAR - 1
    moved = [n._replace(start=n.start - start, end=min(n.end - start, last_tick)) for n in notes]
    halves = [_half_bar_chord(grid, start + half * HALF_BAR_TICKS) for half in range(2 * bars)]
    chords: list[Chords] = list(zip(halves[::2], halves[1::2], strict=True))
    kept = tuple(note for note in moved if note.start < note.end)
    return PianoSong(f"pop909/{folder.name}", "pop", grid.keys[0][2], kept, tuple(chords))


def _half_bar_chord(grid: _Grid, tick: int) -> Chord | None:
    return grid.chord_at((tick + 1) * SOURCE_BEAT_TICKS / TICKS_PER_BEAT)


def _grid(reviewed: MidiScore) -> _Grid:
    sounding: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for note in reviewed.notes:
        sounding[note.start].append((note.end, note.pitch))
    chords = [(start, max(e for e, _ in parts), [p for _, p in parts]) for start, parts in sorted(sounding.items())]
    keys = []
    for tick, name in reviewed.keys:
        minor = name.endswith("m")
        keys.append((tick, transposition(pitch_class(name), minor), minor))
    return _Grid(chords, keys)


def _chord_changes(folder: Path, piano: MidiScore) -> list[tuple[float, int]]:
    """Return (tick, root) of POP909's own chord labels."""
    path = folder / "chord_midi.txt"
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        return [(piano.tick_at(float(start)), pitch_class(name)) for start, _, name in rows if name != "N"]
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: not readable as `start end chord` ({error}). Unpack the set again.") from error


def _offset(piano: MidiScore, grid: _Grid, changes: list[tuple[float, int]]) -> int:
    """Return the tick of the reviewed grid's zero in the piano's ticks."""
    votes: Counter[int] = Counter()
    for tick, root in changes:
        for start, _, pitches in grid.chords:
            if min(pitches) % 12 == root:
                votes[round((tick - start) / VOTE_TICKS)] += 1
    place, count = votes.most_common(1)[0] if votes else (0, 0)
    if count < LEAST_AGREEMENT * len(grid.chords):
        raise CorpusError(f"chords agree at {count} of {len(grid.chords)} places only: the grid cannot be found.")
    step = SOURCE_BEAT_TICKS // 4
    phase = Counter(note.start % step for note in piano.notes).most_common(1)[0][0]
    guess = place * VOTE_TICKS
    return guess + (phase - guess + step // 2) % step - step // 2


def _notes(piano: MidiScore, grid: _Grid, offset: int) -> list[Note]:
    """Return the notes on our grid, transposed, held as long as the pedal holds them."""
    scale = TICKS_PER_BEAT / piano.ticks_per_beat
    downs = [down for down, _ in piano.pedals]
    placed = []
    for note in piano.notes:
        end = note.end
        index = bisect_right(downs, note.end - 1) - 1
        if index >= 0 and end - 1 <= piano.pedals[index][1]:
            end = max(end, piano.pedals[index][1])
        if note.start >= offset - 2 / scale:
            pitch = note.pitch + grid.shift_at(note.start - offset)
            start = max((note.start - offset) * scale, 0.0)
            placed.append((start, (end - offset) * scale, pitch, float(note.velocity)))
    if len(placed) < len(piano.notes) * 0.9:
        raise CorpusError(f"{len(piano.notes) - len(placed)} notes sound before the first bar.")
    return tidy(placed)


def tidy(notes: list[tuple[float, float, int, float]]) -> list[Note]:
    """Put (start, end, pitch, velocity) on the tick grid: no overlap on one pitch, ends on 16ths, none too long."""
    by_pitch: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    for start, end, pitch, velocity in sorted(notes):
        by_pitch[pitch].setdefault(round(start), (end, velocity))
    out = []
    for pitch, struck in by_pitch.items():
        starts = sorted(struck)
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            end, velocity = struck[start]
            rounded = round(min(end, start + LONGEST_NOTE_TICKS) / SIXTEENTH_TICKS) * SIXTEENTH_TICKS
            if rounded - start < SIXTEENTH_TICKS // 2:
                rounded = math.ceil((start + 6) / 6) * 6
            if following is not None:
                rounded = min(rounded, following)
            out.append(Note(start, max(rounded, start + 1), pitch, max(tokens.velocity_to_bin(velocity), 1)))
    return sorted(out)
