from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from any_mood import any_mood
from fake_recurrence import FakeRecurrence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.composer import compose_models
from engine.errors import ModelError, SnapshotError
from engine.harmony import key_shift, pitch_classes, scale_classes
from engine.moods import MOODS, Sampling
from engine.recurrence import load_recurrence
from engine.remembered import BarMemory
from engine.types import TICKS_PER_BAR, Part, Section

STUDY = replace(MOODS["study"], sampling=Sampling(candidates=2))


def composer(mood=STUDY, seed=1, piano_size=2560):
    return compose_models(mood, seed, FakeRecurrence(piano_size, 1), FakeRecurrence(2560, 2))


def part(bar, which):
    return [event for event in bar.events if event.part is which]


def shape(bar):
    return frozenset((event.tick, event.pitch) for event in part(bar, Part.KEYS))


def through_json(tree):
    """Send a tree on the journey that a stored snapshot makes: arrays apart, the rest through JSON."""
    arrays = {}

    def strip(node, path):
        if isinstance(node, np.ndarray):
            arrays[path] = node.copy()
            return {"array": path}
        return {key: strip(value, f"{path}/{key}") for key, value in node.items()} if isinstance(node, dict) else node

    def fill(node):
        if isinstance(node, dict):
            return (
                arrays[node["array"]] if set(node) == {"array"} else {key: fill(value) for key, value in node.items()}
            )
        return node

    return fill(json.loads(json.dumps(strip(tree, ""))))


def test_even_noise_makes_bars_that_can_be_played():
    for index, bar in enumerate(islice(composer(), 90)):
        assert (bar.index, bar.composer, bar.mood) == (index, "models", "study")
        assert 1 <= len(part(bar, Part.KEYS)) <= 12
        for event in bar.events:
            assert 1 <= event.velocity <= 127
            assert event.length_ticks > 0
            assert -6 <= event.tick < TICKS_PER_BAR
            if event.part is not Part.DRUMS:
                assert event.tick >= 0
            if event.part is Part.KEYS:
                assert STUDY.register_low <= event.pitch <= STUDY.register_high
                assert event.length_ticks <= 1.5 * TICKS_PER_BAR
        assert list(bar.events) == sorted(bar.events, key=lambda e: (e.tick, list(Part).index(e.part), e.pitch))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(any_mood(), min_size=2, max_size=2), st.integers(0, 2**63 - 1))
def test_any_mood_that_is_allowed_can_be_played_and_changed(moods, seed):
    band = composer(moods[0], seed)
    for mood in moods:
        band.apply(mood)
        for bar in islice(band, 10):
            for event in bar.events:
                assert -6 <= event.tick < TICKS_PER_BAR
                assert event.length_ticks > 0
                assert 1 <= event.velocity <= 127
                if event.part is Part.KEYS:
                    assert mood.register_low <= event.pitch <= mood.register_high


def test_a_pitch_never_starts_while_it_still_sounds():
    free_at = {}
    for bar in islice(composer(seed=2), 60):
        start = bar.index * TICKS_PER_BAR
        for event in part(bar, Part.KEYS):
            assert start + event.tick >= free_at.get(event.pitch, 0)
            free_at[event.pitch] = start + event.tick + event.length_ticks


def test_no_note_of_a_piece_sounds_into_the_next():
    for bar in islice(composer(seed=3), 140):
        if bar.piece_bar == bar.piece.bars - 1:
            assert all(event.tick + event.length_ticks <= TICKS_PER_BAR for event in part(bar, Part.KEYS))


def test_the_same_seed_plays_the_same_and_another_does_not():
    one, two, three = (list(islice(composer(seed=seed), 40)) for seed in (4, 4, 5))
    assert one == two
    assert [bar.events for bar in one] != [bar.events for bar in three]


@pytest.mark.parametrize("played", [0, 1, 37])
def test_a_restored_composer_goes_on_note_for_note(played):
    first = composer(replace(STUDY, sampling=Sampling(candidates=2, presence=0.1, frequency=0.1)), seed=6)
    list(islice(first, played))
    tree = through_json(first.snapshot())
    expected = list(islice(first, 50))
    other = composer(MOODS["snow"], seed=99)
    list(islice(other, 3))
    other.restore(tree)
    assert list(islice(other, 50)) == expected


def test_a_snapshot_does_not_change_while_the_composer_plays_on():
    first = composer(seed=7)
    list(islice(first, 20))
    tree = first.snapshot()
    before = repr(through_json(tree))
    list(islice(first, 20))
    assert repr(through_json(tree)) == before


def test_a_snapshot_of_another_model_or_kind_is_refused():
    first = composer(seed=8)
    next(first)
    with pytest.raises(SnapshotError, match="damaged"):
        composer(piano_size=2176).restore(first.snapshot())
    with pytest.raises(SnapshotError, match="this one is 'models'"):
        first.restore({"composer": "rules"})


def test_a_mood_that_the_piece_could_be_of_only_changes_the_numbers():
    player = composer(seed=9)
    before = list(islice(player, 12))[-1]
    player.apply(replace(STUDY, name="own", velocity_scale=0.5, keys_density=1.0))
    after = next(player)
    assert after.piece == before.piece
    assert after.mood == "own"


def test_a_mood_of_another_tempo_is_heard_from_the_next_bar():
    player = composer(seed=10)
    list(islice(player, 12))
    player.apply(MOODS["night-drive"])
    after = next(player)
    assert (after.mood, after.piece_bar) == ("night-drive", 0)
    assert after.bpm >= MOODS["night-drive"].bpm_low


def test_parts_that_a_mood_leaves_out_are_silent_and_come_back():
    band = composer(replace(STUDY, silent=("drums", "bass")))
    alone = list(islice(band, 60))
    assert {event.part for bar in alone for event in bar.events} == {Part.KEYS, Part.SECOND}
    band.apply(replace(STUDY, silent=("second",)))
    assert {event.part for bar in islice(band, 60) for event in bar.events} == {Part.KEYS, Part.BASS, Part.DRUMS}


def test_repeated_bars_cost_one_candidate():
    piano = FakeRecurrence(2560, 1)
    player = compose_models(STUDY, 11, piano, FakeRecurrence(2560, 2))
    seen, repeats = set(), 0
    for bar in islice(player, 60):
        repeats += shape(bar) in seen
        seen.add(shape(bar))
    assert repeats >= 10


def test_a_bar_that_an_earlier_piece_had_is_written_anew():
    mood = replace(STUDY, sampling=Sampling(candidates=1))
    heard = next(composer(mood))
    shift = key_shift(heard.piece.key, heard.piece.minor)
    memory = BarMemory()
    memory.add((tick, pitch - shift) for tick, pitch in shape(heard))
    memory.end_piece()
    player = composer(mood)
    tree = player.snapshot()
    tree["keys"]["earlier"] = memory.snapshot()
    player.restore(tree)
    after = next(player)
    assert after.chords == heard.chords
    assert shape(after) != shape(heard)


def test_a_model_of_waits_without_bars_plays_the_keys():
    for bar in islice(composer(seed=12, piano_size=2176), 50):
        assert 1 <= len(part(bar, Part.KEYS)) <= 12
        assert all(0 <= event.tick < TICKS_PER_BAR for event in part(bar, Part.KEYS))


def test_a_drum_model_of_waits_is_refused():
    with pytest.raises(ModelError, match="backbeat is lost"):
        compose_models(STUDY, 1, FakeRecurrence(2560), FakeRecurrence(2176))


@pytest.fixture(scope="module")
def shipped_models(root):
    folders = [root / "models" / name for name in ("piano", "drums")]
    for folder in folders:
        if not (folder / "card.json").exists():
            pytest.skip(f"{folder} holds no model: run `make train`")
    return [load_recurrence(folder) for folder in folders]


@pytest.fixture(scope="module")
def shipped_bars(shipped_models):
    return list(islice(compose_models(MOODS["study"], 20, *shipped_models), 64))


def test_the_shipped_models_go_on_bit_for_bit_after_a_restore(shipped_models, shipped_bars):
    first = compose_models(MOODS["study"], 20, *shipped_models)
    list(islice(first, 9))
    other = compose_models(MOODS["sleep"], 1, *shipped_models)
    other.restore(through_json(first.snapshot()))
    assert list(islice(other, 8)) == list(islice(first, 8)) == shipped_bars[9:17]


def test_the_station_holds_the_backbeat_that_its_drum_grammar_states(shipped_bars):
    with_drums = [hits for bar in shipped_bars if (hits := part(bar, Part.DRUMS))]
    assert len(with_drums) >= 24
    held = [
        {4, 12} <= {round(hit.tick / 12) for hit in hits if hit.pitch in (37, 38) and hit.velocity >= 38}
        for hits in with_drums
    ]
    assert sum(held) / len(held) >= 0.9
    assert 6 <= np.mean([len(hits) for hits in with_drums]) <= 20


def test_the_shipped_keys_are_in_key_and_on_the_chord(shipped_bars):
    in_key, on_chord = [], []
    for bar in shipped_bars:
        for event in part(bar, Part.KEYS):
            classes = pitch_classes(bar.chords[event.tick * 2 // TICKS_PER_BAR])
            in_key.append(event.pitch % 12 in scale_classes(bar.piece.key, bar.piece.minor) | classes)
            if event.tick % 96 == 0:
                on_chord.append(event.pitch % 12 in classes)
    assert sum(in_key) / len(in_key) >= 0.97
    assert sum(on_chord) / len(on_chord) >= 0.75


def test_the_shipped_keys_are_sparse_but_never_empty_and_have_a_touch(shipped_bars):
    onsets = [len(part(bar, Part.KEYS)) for bar in shipped_bars]
    assert min(onsets) >= 1
    assert max(onsets) <= 12
    assert 4 <= np.mean(onsets) <= 10
    assert np.std([event.velocity for bar in shipped_bars for event in part(bar, Part.KEYS)]) >= 4


def test_the_shipped_keys_loop_inside_a_section_and_differ_between_pieces(shipped_bars):
    by_section: dict[tuple[int, Section], list] = {}
    for bar in shipped_bars:
        by_section.setdefault((bar.piece.number, bar.section), []).append(shape(bar))
    again = [place in shapes[:index] for shapes in by_section.values() for index, place in enumerate(shapes)]
    assert 0.15 <= np.mean(again) <= 0.7
    pieces = {bar.piece.number: {shape(b) for b in shipped_bars if b.piece == bar.piece} for bar in shipped_bars}
    if len(pieces) > 1:
        assert not pieces[0] & pieces[1]
