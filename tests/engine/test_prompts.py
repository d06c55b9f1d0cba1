"""Prompts: what is found in a MIDI file, in tokens and in playing, and how a piece goes on from it."""

from __future__ import annotations

import contextlib
import io
import random
from dataclasses import replace

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_files import Song, song_midi

from engine import tokens
from engine.composer import compose_models
from engine.errors import EngineError, PromptError, TokenError
from engine.fallback import compose_rules
from engine.harmony import pitch_classes
from engine.moods import MOODS
from engine.prompt import BARS_MAX, prompt_from_tree, prompt_to_tree
from engine.prompts import (
    in_key_share,
    midi_prompt,
    notes_of_tokens,
    notes_prompt,
    random_tokens,
    tokens_prompt,
    with_quote,
)
from engine.recurrence import load_recurrence
from engine.snapshot import pack, unpack
from engine.tailoring import Key
from engine.types import TICKS_PER_BAR, Part

FSHARP_MINOR = Key(6, True)


@pytest.fixture(scope="module")
def song():
    return midi_prompt(song_midi(), "song.mid")


def test_a_songs_key_tempo_metre_and_chords_are_found(song):
    assert song.key == FSHARP_MINOR
    assert song.bpm == pytest.approx(92, abs=0.1)
    assert len(song.bars) == 8
    assert [pair[0].root for pair in song.loop] == [9, 5, 2, 9]  # as written in A minor
    assert [pair[0].quality for pair in song.loop] == ["min7", "maj7", "min7", "min7"]
    assert "4/4" in song.notices
    assert song.drums_density is not None


@pytest.mark.parametrize(
    ("asked", "bpm"),
    [
        (Song(tonic=60, minor=False, bpm=74), 74),
        (Song(tonic=51, bpm=63), 63),
        (Song(tonic=55, minor=False, bpm=140), 70),
        (Song(tonic=56, minor=False, bpm=76, metre=(3, 4)), 76),
        (Song(tonic=54, bpm=81, told=False, human_s=0.012), 81),
        (Song(tonic=57, bpm=84, told=False, human_s=0.015, drums=False), 84),
    ],
    ids=["C 74", "Eb minor 63", "folded 140", "three-four", "played", "played without drums"],
)
def test_any_key_tempo_and_metre_is_found_written_or_played(asked, bpm):
    found = midi_prompt(song_midi(asked), "x.mid")
    assert found.key == Key(asked.tonic % 12, asked.minor)
    assert found.bpm == pytest.approx(bpm, rel=0.01)
    onsets = [note.tick % 12 for bar in found.bars for note in bar.notes]
    assert sum(tick == 0 for tick in onsets) / len(onsets) > 0.9


def test_a_prompt_is_written_as_the_recurrences_write(song):
    for bar in song.bars:
        ends: dict[int, int] = {}
        for note in bar.notes:
            assert 0 <= note.tick < note.end <= TICKS_PER_BAR
            assert note.tick >= ends.get(note.pitch, 0)
            assert note.pitch % 12 in (0, 2, 4, 5, 7, 9, 11)
            ends[note.pitch] = note.end
        for tick in range(0, TICKS_PER_BAR, 12):
            assert sum(note.tick <= tick < note.end for note in bar.notes) <= 6
        assert all(0 <= tick < TICKS_PER_BAR and pitch in tokens.DRUM_PITCHES for tick, pitch, _ in bar.hits)


def test_a_prompt_survives_a_snapshot(song):
    assert prompt_from_tree(unpack(pack(prompt_to_tree(song)))) == song


@pytest.fixture(scope="module")
def shipped(root):
    return load_recurrence(root / "models/piano"), load_recurrence(root / "models/drums")


def test_the_models_go_on_in_the_key_and_tempo_of_a_prompt(song, shipped):
    composer = compose_models(MOODS["rainy"], 5, *shipped)
    composer.prime(song)
    bars = [next(composer) for _ in range(16)]
    assert {(bar.piece.key, bar.piece.minor, bar.piece.bpm) for bar in bars} == {(6, True, 92.0)}
    sounding = {(bar.piece_bar, e.tick, e.pitch) for bar in bars[:4] for e in bar.events if e.part is Part.KEYS}
    quoted = {(place, note.tick, note.pitch - 3) for place in range(4) for note in song.bars[place].notes}
    assert sounding <= quoted
    assert len(sounding) >= 0.9 * len(quoted)  # what the bar before still holds is not struck again
    pitches = [e.pitch for bar in bars[4:] for e in bar.events if e.part is not Part.DRUMS]
    assert len(pitches) > 100
    assert in_key_share(pitches, FSHARP_MINOR) >= 0.9
    low, high = song.register
    keys = [e.pitch for bar in bars[4:] for e in bar.events if e.part is Part.KEYS]
    assert sum(low <= pitch <= high for pitch in keys) >= 0.9 * len(keys)  # quoted bars come back as they were


def test_what_the_models_play_depends_on_the_prompt(song, shipped):
    played = []
    for prompt in (song, replace(song, bars=song.bars[2:])):
        composer = compose_models(MOODS["rainy"], 5, *shipped)
        composer.prime(with_quote(prompt, 0))
        played.append([next(composer).events for _ in range(2)])
    assert played[0] != played[1]


@pytest.mark.parametrize("bars_before", [0, 2, 7])
def test_a_composer_goes_on_from_a_snapshot_in_a_prompted_piece_note_for_note(song, bars_before):
    def build():
        return compose_rules(MOODS["study"], 3)

    composer = build()
    next(composer)
    composer.prime(song)
    for _ in range(bars_before):
        next(composer)
    other = build()
    other.restore(unpack(pack(composer.snapshot())))
    assert [next(composer) for _ in range(9)] == [next(other) for _ in range(9)]


def test_a_prompt_ends_the_piece_and_colours_one_piece_only(song):
    composer = compose_rules(MOODS["sleep"], 3)
    before = next(composer)
    composer.prime(song)
    first = next(composer)
    assert first.piece.number == before.piece.number + 1
    assert (first.piece_bar, first.piece.key, first.piece.bpm) == (0, 6, 92.0)
    after = next(bar for bar in composer if bar.piece.number > first.piece.number)
    assert MOODS["sleep"].bpm_low <= after.piece.bpm <= MOODS["sleep"].bpm_high


def test_the_same_mood_again_does_not_end_a_prompted_piece_but_another_does(song):
    composer = compose_rules(MOODS["sleep"], 3)
    composer.prime(song)
    first = next(composer)
    composer.apply(MOODS["sleep"])
    assert next(composer).piece == first.piece
    composer.apply(MOODS["cafe"])
    assert next(composer).piece.number == first.piece.number + 1


def test_rules_quote_a_prompt_and_go_on_over_its_chords(song):
    composer = compose_rules(MOODS["study"], 3)
    composer.prime(song)
    bars = [next(composer) for _ in range(12)]
    assert sorted((e.tick, e.pitch + 3) for e in bars[0].events if e.part is Part.KEYS) == sorted(
        (note.tick, note.pitch) for note in song.bars[0].notes
    )
    roots = [bar.chords[0].root for bar in bars[4:12]]
    assert roots == [6, 2, 11, 6] * 2


def test_tokens_are_a_prompt_and_mistakes_in_them_are_named():
    text = "3c:d t62 3c:0 40:a t62 40:0 43:a t62 43:0 48:9 t62 48:0 " * 3
    found = tokens_prompt(text)
    assert found.bpm == pytest.approx(60 / 0.496, rel=0.02) or found.bpm == pytest.approx(30 / 0.496, rel=0.02)
    assert found.key == Key(0, False)
    with pytest.raises(TokenError, match="word 3, '3c:zz'"):
        tokens_prompt("3c:d t62 3c:zz")
    with pytest.raises(PromptError, match="no notes can be heard"):
        tokens_prompt("t5 t7")
    with pytest.raises(PromptError, match=r"<bar> is not of the exchange format"):
        tokens_prompt("<bar> 3c:d")


def test_tokens_are_read_as_the_thesis_means_them():
    notes = notes_of_tokens(tokens.parse("3c:d t62 3c:d t10 3c:0 40:a t125 t125 t125 t125 t125 t125"))
    assert [(note.pitch, note.velocity) for note in notes] == [(60, 100), (60, 100), (64, 68)]
    assert [round(note.onset_s, 3) for note in notes] == [0, 0.496, 0.576]
    assert notes[2].end_s - notes[2].onset_s == pytest.approx(5.0)


def test_the_random_prompt_is_of_tokens_that_exist_and_its_notes_end():
    for seed in range(50):
        text = random_tokens(seed)
        ids = tokens.parse(text)
        assert len(notes_of_tokens(ids)) == 4
        assert text == random_tokens(seed)
    assert len({random_tokens(seed) for seed in range(50)}) == 50


def test_a_long_file_is_read_up_to_the_most_bars():
    found = midi_prompt(song_midi(Song(bars=60, drums=False)), "x.mid")
    assert len(found.bars) == BARS_MAX


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a MIDI file"),
        (b"RIFF....WAVE", "it begins with b'RIFF'"),
        (b"MThd\x00\x00", "damaged, not a readable MIDI file"),
        (b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60", "there is no note in it|damaged"),
        (b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00" + song_midi()[14:], "ticks are 0 a beat|damaged"),
    ],
)
def test_what_is_no_midi_file_is_refused_with_a_reason(data, said):
    with pytest.raises(PromptError, match=said):
        midi_prompt(data, "x.mid")


def test_files_that_count_frames_of_film_are_read():
    data = bytearray(song_midi())
    data[12:14] = b"\xe7\x28"  # 25 frames a second, 40 parts: 1000 ticks a second
    assert midi_prompt(bytes(data), "x.mid").bars


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_damaged_files_never_raise_anything_but_a_reason(seed):
    rng = random.Random(seed)
    data = bytearray(song_midi(Song(bars=2)))
    for _ in range(rng.randrange(1, 30)):
        place = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place : place + rng.randrange(1, 9)]
            case _:
                data[place:place] = rng.randbytes(rng.randrange(1, 9))
    with contextlib.suppress(EngineError):  # a reason; anything else fails the test
        midi_prompt(bytes(data), "x.mid")


def test_a_prompt_without_notes_and_one_of_a_single_note_are_handled():
    with pytest.raises(PromptError, match="no notes"):
        notes_prompt([], "silence")
    track = mido.MidiTrack([mido.Message("note_on", note=60, velocity=64), mido.Message("note_off", note=60, time=480)])
    file = mido.MidiFile()
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    found = midi_prompt(out.getvalue(), "one.mid")
    assert len(found.bars) == 1
    assert found.register is None
    assert all(pitch_classes(chord) for pair in found.loop for chord in pair)
