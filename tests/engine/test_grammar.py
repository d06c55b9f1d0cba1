from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokens
from engine.beat import KICK, RIM, SNARE, BeatGrammar, BeatRules
from engine.grammar import KeysGrammar, KeysRules, WrittenNote, sounding_over
from engine.harmony import SCALE, pitch_classes
from engine.moods import Sampling
from engine.sampling import choose
from engine.timecode import PositionCode, WaitCode, time_code
from engine.types import Chord

DMIN7, G7, E7 = Chord(2, "min7"), Chord(7, "7"), Chord(4, "7")
WILD = Sampling(temperature=1.0, top_p=1.0)


def rules(first=DMIN7, second=DMIN7, density=3, low=48, high=81):
    return KeysRules((first, second), density, low, high)


def play(grammar, size, seed, limit=400):
    """Let noise play a bar under the grammar; return its tokens."""
    rng = np.random.default_rng(seed)
    said = []
    while not grammar.done:
        token = grammar.forced()
        if token is None:
            logits = rng.normal(0, 3, size).astype(np.float32)
            token = choose(grammar.adjusted(logits), grammar.allowed(), WILD, rng, grammar.safe())
        grammar.accept(token)
        said.append(token)
        assert len(said) < limit, "the bar never ends"
    return said


def keys(seed, bar_rules=None, releases=None):
    grammar = KeysGrammar(bar_rules or rules(), PositionCode(), 2560, releases or {})
    return grammar, play(grammar, 2560, seed)


seeds = st.integers(0, 2**30)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 6))
def test_positions_never_go_back_and_pitches_rise_within_a_group(seed, density):
    _, said = keys(seed, rules(second=G7, density=density))
    cursor, pitch = -1, -1
    for token in said:
        if tokens.is_position(token):
            assert tokens.position_tick(token) > cursor
            assert tokens.position_tick(token) % 12 == 0
            cursor, pitch = tokens.position_tick(token), -1
        elif tokens.is_note(token) and tokens.note_parts(token)[1]:
            assert tokens.note_parts(token)[0] > pitch
            pitch = tokens.note_parts(token)[0]
    assert said[-1] == tokens.BAR


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 6))
def test_keys_keep_to_register_scale_polyphony_and_density(seed, density):
    bar_rules = rules(second=G7, density=density)
    grammar, _ = keys(seed, bar_rules)
    notes = grammar.notes
    assert len(notes) <= min(bar_rules.most_onsets, 12)
    assert len(notes) >= bar_rules.fewest_onsets or notes[-1].tick == 180, "ended early with time left"
    for note in notes:
        assert 48 <= note.pitch <= 81
        assert note.pitch % 12 in SCALE
        assert note.tick < note.end <= 192
    for tick in range(0, 192, 12):
        assert sum(note.tick <= tick < note.end for note in notes) <= 6
    sounding = Counter((note.pitch, tick) for note in notes for tick in range(note.tick, note.end, 12))
    assert max(sounding.values()) == 1, "a pitch is struck while it sounds"


def test_an_altered_chord_brings_its_tone_and_mutes_the_natural_one():
    classes = {note.pitch % 12 for seed in range(30) for note in keys(seed, rules(first=E7, second=E7))[0].notes}
    assert 8 in classes
    assert 7 not in classes
    assert 9 not in classes


def test_the_second_chord_is_said_at_tick_96_before_its_onsets():
    for seed in range(20):
        _, said = keys(seed, rules(second=G7))
        assert said.count(tokens.chord(G7)) == 1
        place = said.index(tokens.chord(G7))
        positions = [token for token in said[:place] if tokens.is_position(token)]
        assert positions[-1] == tokens.position(96)
        since = said[said.index(tokens.position(96)) : place]
        assert not [token for token in since if tokens.is_note(token) and tokens.note_parts(token)[1]]


def test_one_chord_is_never_repeated_inside_its_bar():
    for seed in range(10):
        assert not [token for token in keys(seed)[1] if tokens.is_chord(token)]


def test_notes_from_the_bar_before_end_when_they_must():
    releases = {0: [60, 64], 84: [69]}
    for seed in range(20):
        _, said = keys(seed, releases=releases)
        assert said[:3] == [tokens.position(0), tokens.note(60, 0), tokens.note(64, 0)]
        after = said[said.index(tokens.position(84)) + 1]
        assert after == tokens.note(69, 0)


def test_only_a_late_note_of_the_coming_chord_sounds_over_the_bar_line():
    early, late, foreign = WrittenNote(0, 192, 62, 9), WrittenNote(168, 192, 67, 9), WrittenNote(168, 192, 64, 9)
    ended = WrittenNote(96, 180, 71, 9)
    assert sounding_over([early, late, foreign, ended], G7) == {0: [62, 64], 84: [67]}
    assert sounding_over([early, late, foreign, ended], None) == {0: [62, 67, 64]}


def test_chord_tones_are_likelier_on_strong_beats():
    tones = pitch_classes(DMIN7)
    notes = [note for seed in range(150) for note in keys(seed)[0].notes]
    strong = [note.pitch % 12 in tones for note in notes if note.tick % 96 == 0]
    assert sum(strong) / len(strong) >= 0.75


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 40))
def test_waits_are_split_at_the_bar_line(seed, carry):
    grammar = KeysGrammar(rules(second=G7), WaitCode(), 2176, {0: [60]}, cursor=carry)
    said = play(grammar, 2176, seed)
    assert said[0] == tokens.note(60, 0)
    assert not [token for token in said if token >= 2176]
    assert carry + sum(token - 2 for token in said if tokens.is_wait(token)) == 192 + grammar.overrun_ticks
    assert all(carry <= note.tick < 192 for note in grammar.notes)


def test_a_vocabulary_tells_time_by_its_size():
    assert isinstance(time_code(2560), PositionCode)
    assert isinstance(time_code(2176), WaitCode)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 6), st.sampled_from([SNARE, RIM]), st.booleans())
def test_even_noise_keeps_the_pocket(seed, density, backbeat, fill):
    grammar = BeatGrammar(BeatRules(density, backbeat, frozenset({49}), fill), 2560)
    play(grammar, 2560, seed)
    hits = grammar.hits
    struck = {(hit.step, hit.pitch) for hit in hits}
    assert {(0, KICK), (4, backbeat), (12, backbeat)} <= struck
    assert ({RIM, SNARE} - {backbeat}).isdisjoint(hit.pitch for hit in hits)
    assert all(hit.pitch != 49 for hit in hits)
    assert len(struck) == len(hits), "a drum is struck twice in one sixteenth"
    assert [hit.tick for hit in hits] == sorted(hit.tick for hit in hits)
    assert all(abs(hit.tick - 6 - 12 * hit.step) <= 3 for hit in hits)
    assert len(hits) <= BeatRules(density).most_hits
    if not fill:
        loud = {hit.step for hit in hits if hit.pitch == backbeat and hit.velocity_bin >= 8}
        assert loud == {4, 12}


@pytest.mark.parametrize("density", range(1, 7))
def test_a_bar_of_drums_is_never_almost_empty(density):
    for seed in range(10):
        grammar = BeatGrammar(BeatRules(density), 2560)
        play(grammar, 2560, seed)
        assert len(grammar.hits) >= min(BeatRules(density).fewest_hits, 4)
