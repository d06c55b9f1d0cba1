"""Lets a trained network write bars under given headers, for evaluation only: plain sampling, hardly a mask.

The station's composer samples with more care; knows nothing about it.
"""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.runtime import OnnxStep
from training.songs import DrumSong, PianoSong

LONGEST_BAR_TOKENS = 120


def headers_of(ids: list[int]) -> tuple[list[int], list[list[int]]]:
    """Return a song's prefix and the header of each of its bars."""
    prefix: list[int] = []
    headers: list[list[int]] = []
    in_header = False
    for token in ids:
        if token == tokens.BAR:
            headers.append([token])
            in_header = True
        elif not headers:
            prefix.append(token)
        elif in_header and not tokens.is_position(token) and token != tokens.END:
            headers[-1].append(token)
        else:
            in_header = False
    return prefix, headers


def write_song(model: OnnxStep, ids: list[int], seed: int, top_p: float = 0.97, bars: int = 32) -> list[int]:
    """Return a song with the prefix and the headers of another one, up to `bars` bars."""
    rng = np.random.default_rng(seed)
    prefix, headers = headers_of(ids)
    state = model.initial_state()
    out: list[int] = []

    def feed(token: int) -> npt.NDArray[np.float32]:
        nonlocal state
        out.append(token)
        logits, state = model.step(np.array([token], np.int64), state)
        return np.asarray(logits[0])

    for token in prefix:
        feed(token)
    for header in headers[:bars]:
        logits = [feed(token) for token in header][-1]
        first = tokens.POSITION_BASE
        for _ in range(LONGEST_BAR_TOKENS):
            token = _draw(logits, first, top_p, rng)
            if token == tokens.BAR:
                break
            if tokens.is_position(token):
                first = token + 1
            logits = feed(token)
    return [*out, tokens.END]


def save_midi(song: PianoSong | DrumSong, path: Path, bpm: float = 76.0) -> None:
    """Write a song as a MIDI file, keys on channel 0 with an electric piano, drums on channel 9."""
    if isinstance(song, PianoSong):
        struck = [(n.start, n.end, n.pitch, n.velocity_bin) for n in song.notes]
    else:
        late = tokens.DRUM_WINDOW_TICKS
        struck = [(max(h.tick - late, 0), h.tick - late + 12, h.pitch, h.velocity_bin) for h in song.hits]
    channel = 0 if isinstance(song, PianoSong) else 9
    events: list[tuple[int, int, int, int]] = []
    for start, end, pitch, velocity_bin in struck:
        events += [(start, 1, pitch, tokens.bin_to_velocity(velocity_bin)), (end, 0, pitch, 0)]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    track.append(mido.Message("program_change", channel=channel, program=4 if channel == 0 else 0))
    last_tick = 0
    for tick, _, pitch, velocity in sorted(events):
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=tick - last_tick))
        last_tick = tick
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(path)


def _draw(logits: npt.NDArray[np.float32], first: int, top_p: float, rng: np.random.Generator) -> int:
    """Draw a token by nucleus; time never goes back, and a new song never starts."""
    allowed = logits.astype(np.float64)
    allowed[: tokens.NOTE_BASE] = -np.inf
    if first == tokens.POSITION_BASE:  # after the header comes a position or the next bar
        allowed[: tokens.BAR] = -np.inf
        allowed[tokens.CHORD_BASE : tokens.STYLE_BASE] = -np.inf
    allowed[tokens.STYLE_BASE : first] = -np.inf
    if first >= tokens.POSITION_BASE + TICKS_PER_BAR:
        allowed[tokens.POSITION_BASE :] = -np.inf
    shares = np.exp(allowed - allowed.max())
    shares /= shares.sum()
    order = np.argsort(-shares)
    kept = order[: int(np.searchsorted(np.cumsum(shares[order]), top_p)) + 1]
    return int(rng.choice(kept, p=shares[kept] / shares[kept].sum()))
