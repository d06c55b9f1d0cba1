"""The lo-fAi thesis's system (2024): two RWKV-6 models that say MIDICompact, each its own part; mixed as there.

What was a fault there is repaired: docs/thesis.md has the table. Knows nothing about files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine import tokens
from engine.chance import generator
from engine.errors import ModelError
from engine.keyfinder import find_key
from engine.midi_in import TimedNote
from engine.mood import Mood, Sampling
from engine.prompts import UNIT_S, notes_of_tokens
from engine.recurrence import Recurrence
from engine.sampling import choose, counted, penalised
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Bar, NoteEvent, Part, Piece, Section

SAMPLING = Sampling(
    temperature=1.0, top_p=0.8, top_k=8, presence=0.2, frequency=0.2, penalty_decay=0.997, candidates=1
)  # fmt: skip
"""Its numbers; the two penalties are the defaults of the `rwkv` package, which its code left in force."""
MIX = Mood(
    "thesis",
    swing=0.5, snare_late_ms=0.0, human_ms=0.0, wander=0.0, keys_program=(0, 0),
    keys_db=0.0, drums_db=-15.0, vinyl_db=-20.0, vinyl="vinyl", ambience=(), fills=(), hiss_db=-90.0,
    keys_lowpass_hz=20_000.0, drums_lowpass_hz=20_000.0, drums_bits=16.0, drums_rate_hz=48_000.0, chorus=0.0,
    tremolo=0.0, wow_cents=0.0, flutter_cents=0.0, saturation=0.0, tape_lowpass_hz=20_000.0, room=0.0,
    sidechain_db=0.0, brightness_db=-9.0,
)  # fmt: skip
"""Its mix: piano and vinyl loop, drums 15 dB lower (+10, +5, -5 dB there), no effects."""
RUN_TOKENS = 100
"""Its generator stops after so many tokens; there it began again from the first five with an empty state."""
SPEEDS = (0.7, 0.75, 0.8, 0.85, 0.9)
"""How fast its melody really came out: 168-216 bpm, read at half speed."""
INSTRUMENTS = 127
_UNIT_BPM = 60 / (TICKS_PER_BEAT * UNIT_S)
"""The tempo at which a unit of 8 ms is one of our ticks: 156.25."""
_LONGEST_TOKENS = 200_000


@dataclass(frozen=True, slots=True)
class Song:
    """What its options ask for."""

    out_len: int = 100
    """-t: tokens of unique music for each part, at least."""
    song_len_s: float = 60.0
    """-st: length of the song; the unique music goes round until then."""
    temperature: float = 1.0
    """-te"""
    seed: int = 0
    restarts: bool = False
    """Begin again from the first five tokens every 100, with an empty state, as its code did."""


def check_model(model: Recurrence) -> Recurrence:
    """Return a model that says MIDICompact; raise ModelError for any other."""
    if model.vocabulary_size != tokens.MIDICOMPACT_SIZE:
        raise ModelError(
            f"{model.name}: has {model.vocabulary_size} tokens, the thesis's models have {tokens.MIDICOMPACT_SIZE}. "
            "Name its .pth, or one trained with training/runs/thesis.sh."
        )
    return model


def write(model: Recurrence, context: Sequence[int], song: Song, part: int) -> list[int]:
    """Return tokens that go on from a context: what follows it, as many as `out_len` asks for."""
    rng = generator(song.seed, 43, part)
    settings = replace(SAMPLING, temperature=song.temperature)
    speaker = _Speaker(model, settings, rng)
    said: list[int] = []
    speaker.hear(context)
    while len(said) <= min(song.out_len, _LONGEST_TOKENS):
        if song.restarts and said and len(said) % RUN_TOKENS == 0:
            speaker = _Speaker(model, settings, rng)
            speaker.hear(said[:5])
        said.append(speaker.say())
    return said


class _Speaker:
    """One model, its state and the penalties' counts."""

    def __init__(self, model: Recurrence, settings: Sampling, rng: np.random.Generator) -> None:
        self._model, self._settings, self._rng = model, settings, rng
        self._state = model.initial_state()
        self._logits = np.zeros(model.vocabulary_size, np.float32)
        self._counts = np.zeros(model.vocabulary_size, np.float32)
        self._allowed = np.ones(model.vocabulary_size, np.bool_)
        self._allowed[[tokens.PAD, tokens.START]] = False

    def hear(self, ids: Sequence[int]) -> None:
        """Take tokens that are given; they do not count for the penalties."""
        for token in ids:
            self._logits, self._state = self._model.step(token, self._state)

    def say(self) -> int:
        """Choose the next token; after an end the next tune begins."""
        logits = penalised(self._logits, self._counts, self._settings)
        token = choose(logits, self._allowed, self._settings, self._rng, tokens.END)
        self._counts = counted(self._counts, token, self._settings)
        self.hear([token, tokens.START] if token == tokens.END else [token])
        return token


def context_of(notes: Sequence[TimedNote]) -> list[int]:
    """Return notes as MIDICompact, time rounded where it stands; nothing but the start for no notes."""
    events = [(note.onset_s, 1, note.pitch, max(tokens.velocity_to_bin(note.velocity), 1)) for note in notes]
    events += [(note.end_s, 0, note.pitch, 0) for note in notes]
    ids, now = [tokens.START], round(events[0][0] / UNIT_S) if events else 0
    for second, _, pitch, velocity_bin in sorted(events):
        unit = round(second / UNIT_S)
        ids += tokens.waits(max(unit - now, 0))
        ids.append(tokens.note(pitch, velocity_bin))
        now = max(now, unit)
    return ids


def bars_of(melody: Sequence[int], drums: Sequence[int], song: Song) -> list[Bar]:
    """Return both parts' tokens as bars of one clock, going round until the song is long enough."""
    speed = float(generator(song.seed, 47).choice(SPEEDS))
    keys, beats = notes_of_tokens(melody, "melody"), notes_of_tokens(drums, "drums")
    key, _ = find_key(keys)
    bpm = round(_UNIT_BPM * speed, 3)
    count = max(int(np.ceil(song.song_len_s * bpm / 60 / 4)), 1)
    piece = Piece(0, f"thesis {song.seed}", song.seed, bpm, key.tonic, key.minor, count)
    rows: list[list[NoteEvent]] = [[] for _ in range(count)]
    for part, notes in ((Part.KEYS, keys), (Part.DRUMS, beats)):
        for place, event in _round(notes, part, count):
            rows[place].append(event)
    order = {part: place for place, part in enumerate(Part)}
    return [
        Bar(
            index, piece, index, Section.A, (None, None),
            tuple(sorted(events, key=lambda e: (e.tick, order[e.part], e.pitch))), MIX.name, "thesis",
            Section.A if index + 1 < count else None,
        )
        for index, events in enumerate(rows)
    ]  # fmt: skip


def _round(notes: Sequence[TimedNote], part: Part, bars: int) -> list[tuple[int, NoteEvent]]:
    """Return (bar, event) of notes that go round in whole bars."""
    if not notes:
        return []
    first = round(notes[0].onset_s / UNIT_S)
    placed = [(round(note.onset_s / UNIT_S) - first, round(note.end_s / UNIT_S) - first, note) for note in notes]
    length = (max(start for start, _, _ in placed) // TICKS_PER_BAR + 1) * TICKS_PER_BAR
    found = []
    for turn in range(0, bars * TICKS_PER_BAR, length):
        for start, end, note in placed:
            bar, tick = divmod(turn + start, TICKS_PER_BAR)
            if bar < bars:
                event = NoteEvent(tick, max(end - start, 1), note.pitch, note.velocity, part)
                found.append((bar, event))
    return found


def instrument(seed: int) -> int:
    """Return the program of its second file: the same music on an instrument drawn by chance."""
    return int(generator(seed, 53).integers(INSTRUMENTS))
