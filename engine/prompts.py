"""Makes prompts: from a MIDI file, from tokens, from notes that were heard, from chance. Knows nothing about models.

Found are key, tempo and metre; the notes are put on the grid and into C major or A minor, their chords are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from engine import tokens
from engine.beatfinder import FASTEST_BPM, SLOWEST_BPM, Beats, find_beats
from engine.chance import generator
from engine.errors import PromptError
from engine.gridding import bars_of, chords_of, hits_of, notes_of, on_grid
from engine.harmony import key_shift
from engine.keyfinder import find_key
from engine.midi_in import Score, TimedNote, read_score
from engine.prompt import BARS_MAX, Prompt, PromptBar, density_of, register_of
from engine.spelling import chord_name
from engine.substitution import Loop
from engine.tailoring import Key
from engine.types import Chord

UNIT_S = 0.008
"""What one unit of a wait token means in MIDICompact."""
_ON_GRID_SHARE = 0.6
_HELD_S = 5.0
_ENOUGH_NOTES = 8


def midi_prompt(data: bytes, name: str) -> Prompt:
    """Make a prompt of a MIDI file's bytes.

    Raises:
        PromptError: it cannot be read or has no music.
    """
    score = read_score(data, name)
    if score.beats and _is_written(score):
        beats, bpm, notices = _written_beats(score)
    else:
        found = find_beats(score.notes)
        beats, bpm = _played_beats(score.notes, found), found.bpm
        notices = [f"its notes are not on its beats: {bpm:.1f} bpm is heard"]
    return _prompt(name, score.notes, beats, (bpm, score.key_told, notices))


def notes_prompt(notes: Sequence[TimedNote], name: str) -> Prompt:
    """Make a prompt of notes that were played or heard.

    Raises:
        PromptError: there are none.
    """
    if not notes:
        raise PromptError(f"{name}: no notes can be heard in it. Give it clear tones, louder, or a MIDI file.")
    ordered = sorted(notes)
    found = find_beats(ordered)
    return _prompt(name, ordered, _played_beats(ordered, found), (found.bpm, "", [f"notes heard: {len(ordered)}"]))


def tokens_prompt(text: str, name: str = "tokens") -> Prompt:
    """Make a prompt of the thesis's text, such as `3c:d t62 3c:0 40:a t62 40:0`.

    Raises:
        TokenError: a word is no token.
        PromptError: there is no note in it.
    """
    return notes_prompt(notes_of_tokens(tokens.parse(text), name), name)


def random_tokens(seed: int) -> str:
    """Return the thesis's random prompt, repaired: two notes said twice, each of a velocity there is, each released."""
    rng = generator(seed, 41)
    words = []
    for _ in range(2):
        pitch, velocity_bin = int(rng.integers(50, 91)), int(rng.integers(1, tokens.VELOCITY_BINS))
        words += [f"{pitch:x}:{velocity_bin:x}", f"t{int(rng.integers(20, 81))}", f"{pitch:x}:0"]
    return " ".join(words * 2)


def notes_of_tokens(ids: Iterable[int], name: str = "tokens") -> list[TimedNote]:
    """Return the notes that MIDICompact tokens tell; what is held too long or to the end is released.

    Raises:
        PromptError: a token is not of MIDICompact.
    """
    now, held, notes = 0, dict[int, tuple[int, int]](), []

    def release(pitch: int) -> None:
        start, velocity_bin = held.pop(pitch)
        end = max(min(now, start + round(_HELD_S / UNIT_S)), start + 1)
        notes.append(TimedNote(start * UNIT_S, end * UNIT_S, pitch, tokens.bin_to_velocity(velocity_bin)))

    for token in ids:
        if tokens.is_wait(token):
            now += token - 2
        elif tokens.is_note(token):
            pitch, velocity_bin = tokens.note_parts(token)
            if pitch in held:
                release(pitch)
            if velocity_bin:
                held[pitch] = (now, velocity_bin)
        elif token >= tokens.MIDICOMPACT_SIZE:
            raise PromptError(f"{name}: {tokens.text(token)} is not of the exchange format. Use notes and waits alone.")
    now += round(1.0 / UNIT_S)
    for pitch in list(held):
        release(pitch)
    return sorted(notes)


def _is_written(score: Score) -> bool:
    """Tell whether most notes begin on the file's own sixteenths or triplets."""
    near = [min(abs(beat * div - round(beat * div)) / div for div in (4, 3)) < 1 / 24 for beat, _ in score.beats]
    even = [abs(beat * 48 - round(beat * 48)) < 0.25 for beat, _ in score.beats]
    # by chance 60 % of all times are near one of both grids: what was entered is on them, or on finer ones exactly
    return sum(near) / len(near) > _ON_GRID_SHARE + 0.15 or sum(even) / len(even) > 0.95


def _written_beats(score: Score) -> tuple[list[tuple[float, float]], float, list[str]]:
    """Return the notes' beats in bars of four, and the tempo of such a beat."""
    top, bottom = score.metre
    quarters = top * 4 / bottom
    notices = [f"{score.metre[0]}/{score.metre[1]}" + ("" if score.metre_told else " (not told, taken for granted)")]
    if bottom >= 8 and top % 3 == 0 and top > 3:  # 6/8, 9/8, 12/8: a beat is three eighths
        beat, beats = 12 / bottom, top // 3
    elif quarters in (2.0, 4.0, 3.0):
        beat, beats = 1.0, int(quarters)
    else:
        beat, beats = 1.0, 4
        notices.append("its bars are read as 4/4")
    spread = 4 if beats == 3 else beats  # a bar of three begins a bar of four: its fourth beat rests
    if beats == 3:
        notices.append("each of its bars of three opens a bar of four")

    def placed(quarter: float) -> float:
        bar, inside = divmod(quarter / beat, beats)
        return bar * spread + inside

    return [(placed(start), placed(end)) for start, end in score.beats], score.bpm / beat, notices


def _played_beats(notes: Sequence[TimedNote], beats: Beats) -> list[tuple[float, float]]:
    return [(beats.beat_at(note.onset_s), beats.beat_at(note.end_s)) for note in notes]


def _prompt(
    name: str,
    notes: Sequence[TimedNote],
    beats: Sequence[tuple[float, float]],
    found: tuple[float, str, list[str]],
) -> Prompt:
    """Put notes into bars: on the grid, in C major or A minor, with chords."""
    bpm, key_told, notices = found
    key, fit = find_key(notes, key_told)
    bpm, fold = _folded(bpm)
    shift = key_shift(key.tonic, key.minor)
    grid = on_grid(notes, [(start * fold, end * fold) for start, end in beats], shift)
    count = bars_of(grid)
    chords = chords_of(grid, count, key.minor)
    bars = tuple(
        PromptBar((chords[2 * bar], chords[2 * bar + 1]), notes_of(grid, bar), hits_of(grid, bar))
        for bar in range(count)
    )
    pitched = [note.pitch for note in notes if not note.drum]
    enough = len(pitched) >= _ENOUGH_NOTES
    onsets = [len(bar.notes) for bar in bars if bar.notes]
    hits = [len(bar.hits) for bar in bars if bar.hits]
    loop = loop_of([bar.chords for bar in bars])
    told = [f"{key} (fits {fit:.2f})", f"{bpm:.4g} bpm" + ("" if fold == 1 else f", folded by {fold:g}"), *notices]
    sounding = [Chord((c.root + shift) % 12, c.quality) for pair in loop for c in dict.fromkeys(pair)]
    shifted = [chord_name(chord, key.tonic, key.minor) for chord in sounding]
    told += ["1 bar" if count == 1 else f"{count} bars", "chords " + " ".join(shifted)] + (["drums"] if hits else [])
    return Prompt(
        name=name,
        key=key,
        bpm=bpm,
        bars=bars,
        loop=loop,
        keys_density=density_of(sum(onsets) / len(onsets), drums=False) if enough and onsets else None,
        drums_density=density_of(sum(hits) / len(hits), drums=True) if hits else None,
        register=register_of(*np.percentile(pitched, (5, 95))) if enough else None,
        notices=tuple(told),
    )


def _folded(bpm: float) -> tuple[float, float]:
    """Return the tempo in the range of the style and how much longer a beat becomes: 140 is played as 70."""
    fold = 1.0
    while bpm * fold > FASTEST_BPM:
        fold /= 2
    while bpm * fold < SLOWEST_BPM and bpm * fold > 1:
        fold *= 2
    return min(max(round(bpm * fold, 2), SLOWEST_BPM), FASTEST_BPM), fold


def loop_of(chords: Sequence[tuple[Chord, Chord]]) -> Loop:
    """Return the loop that chords go round in: of 4 bars where the second four are like the first, else of up to 8."""
    if len(chords) >= 8:
        alike = sum(chords[bar][0].root == chords[bar + 4][0].root for bar in range(4))
        return tuple(chords[:4] if alike >= 3 else chords[:8])
    length = 4 if len(chords) >= 4 else 2 if len(chords) >= 2 else 1
    return tuple(chords[:length])


def with_quote(prompt: Prompt, bars: int) -> Prompt:
    """Return the prompt with so many of its bars at the beginning of the piece."""
    if not 0 <= bars <= BARS_MAX:
        raise PromptError(f"--quote {bars}: must be 0 to {BARS_MAX}.")
    return replace(prompt, quoted_bars=bars)


def in_key_share(pitches: Iterable[int], key: Key) -> float:
    """Return the share of pitches that are of a key."""
    counts = Counter(pitch % 12 for pitch in pitches)
    shift = key_shift(key.tonic, key.minor)
    inside = {(step + shift) % 12 for step in (0, 2, 4, 5, 7, 9, 11)}
    return sum(count for pc, count in counts.items() if pc in inside) / max(sum(counts.values()), 1)
