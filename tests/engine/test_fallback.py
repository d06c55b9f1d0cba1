from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from any_mood import any_mood
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SnapshotError
from engine.fallback import compose_rules
from engine.harmony import pitch_classes, scale_classes
from engine.moods import MOODS
from engine.snapshot import pack, unpack
from engine.types import TICKS_PER_BAR, Part, Section

STUDY = MOODS["study"]


def bars(mood, seed, count):
    return list(islice(compose_rules(mood, seed), count))


def part(bar, which):
    return [event for event in bar.events if event.part is which]


@pytest.mark.parametrize("name", sorted(MOODS))
def test_every_mood_can_be_played_by_rule(name):
    mood = MOODS[name]
    for bar in bars(mood, 1, 130):
        assert bar.composer == "rules"
        assert bar.mood == name
        assert part(bar, Part.KEYS)
        for event in bar.events:
            assert 0 <= event.tick < TICKS_PER_BAR
            assert event.length_ticks > 0
            assert 1 <= event.velocity <= 127
            if event.part is Part.KEYS:
                assert mood.register_low <= event.pitch <= mood.register_high
            if event.part is Part.BASS:
                assert 28 <= event.pitch <= 44


def test_every_bar_with_drums_has_its_backbeat():
    steady = replace(STUDY, dropouts=0)
    with_drums = [drums for bar in bars(steady, 2, 200) if (drums := part(bar, Part.DRUMS))]
    assert with_drums
    for drums in with_drums:
        assert {48, 144} <= {hit.tick for hit in drums if hit.pitch in (37, 38)}


def test_the_drums_drop_out_at_the_end_of_a_group_now_and_then():
    cut = [bar for bar in bars(replace(STUDY, dropouts=1), 2, 200) if _stops_early(part(bar, Part.DRUMS))]
    assert len(cut) >= 10
    assert all(bar.piece_bar % 4 == 3 for bar in cut)


def _stops_early(drums):
    return bool(drums) and max(hit.tick for hit in drums) < 144


def test_notes_are_of_the_key_or_the_chord():
    for bar in bars(STUDY, 3, 200):
        scale = scale_classes(bar.piece.key, bar.piece.minor)
        for event in (*part(bar, Part.KEYS), *part(bar, Part.SECOND)):
            chord = bar.chords[event.tick * 2 // TICKS_PER_BAR]
            assert event.pitch % 12 in scale or event.pitch % 12 in pitch_classes(chord)


def test_the_bars_are_not_cluttered():
    assert max(len(part(bar, Part.KEYS)) for bar in bars(MOODS["jazzhop"], 4, 300)) <= 12


def test_a_loop_repeats_and_is_varied():
    in_a = [bar for bar in bars(STUDY, 5, 80) if bar.section is Section.A]
    shapes = [tuple((e.tick, e.pitch) for e in part(bar, Part.KEYS)) for bar in in_a]
    repeats = sum(shape in shapes[:place] for place, shape in enumerate(shapes)) / len(shapes)
    assert 0.2 <= repeats <= 0.95


def test_the_same_seed_plays_the_same_bars():
    assert bars(STUDY, 6, 100) == bars(STUDY, 6, 100)
    assert bars(STUDY, 6, 100) != bars(STUDY, 7, 100)


def test_a_restored_composer_goes_on_note_for_note():
    composer = compose_rules(STUDY, 8)
    list(islice(composer, 70))
    tree = unpack(pack(composer.snapshot()))
    other = compose_rules(MOODS["snow"], 0)
    other.restore(tree)
    assert list(islice(composer, 80)) == list(islice(other, 80))


def test_a_mood_of_another_tempo_starts_a_new_piece_at_the_next_bar():
    composer = compose_rules(STUDY, 9)
    before = list(islice(composer, 13))[-1]
    composer.apply(MOODS["sleep"])
    after = next(composer)
    assert after.index == before.index + 1
    assert (after.mood, after.piece_bar) == ("sleep", 0)
    assert after.bpm <= MOODS["sleep"].bpm_high


def test_a_damaged_snapshot_is_refused():
    composer = compose_rules(STUDY, 10)
    next(composer)
    with pytest.raises(SnapshotError, match="composer 'models'"):
        composer.restore({"composer": "models"})
    with pytest.raises(SnapshotError, match="damaged"):
        composer.restore({**composer.snapshot(), "form": {}})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(any_mood(), min_size=2, max_size=2), st.integers(0, 2**63 - 1))
def test_any_mood_that_is_allowed_can_be_played_and_changed(moods, seed):
    composer = compose_rules(moods[0], seed)
    for mood in moods:
        composer.apply(mood)
        for bar in islice(composer, 50):
            for event in bar.events:
                assert 0 <= event.tick < TICKS_PER_BAR
                assert event.length_ticks > 0
                assert 1 <= event.velocity <= 127
                assert 0 <= event.pitch <= 127
