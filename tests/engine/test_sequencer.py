"""The sequencer: ticks to frames, exact for ever."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.moods import MOODS, find_mood
from engine.sequencer import LOOKAHEAD_FRAMES, Sequencer, warp_millis
from engine.snapshot import pack, unpack
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, Bar, NoteEvent, Part, Piece, Section

EVEN = replace(find_mood("study"), swing=0.5, snare_late_ms=0.0, human_ms=0.0)


def bar_of(events=(), bpm=80.0, index=0, number=0):
    piece = Piece(number, "Test", 1, bpm, 0, False, 64)
    ordered = tuple(sorted(events, key=lambda e: (e.tick, e.part, e.pitch)))
    return Bar(index, piece, index, Section.A, (None, None), ordered, "study", "rules")


def key(tick, length=24, pitch=60, part=Part.KEYS, velocity=80):
    return NoteEvent(tick, length, pitch, velocity, part)


def ons(events):
    return [event for event in events if event.kind == "on"]


def test_bars_follow_each_other_without_drift_over_100000_bars():
    sequencer = Sequencer(1)
    bpm = 73.7
    exact_bar_frames = Fraction(4 * 60 * SAMPLE_RATE_HZ * 10, 737)
    expected_frame = 0
    for index in range(100_000):
        start, events = sequencer.sequence(bar_of(bpm=bpm, index=index), EVEN)
        assert start.frame == expected_frame
        assert start.frame % GRID_FRAMES == 0
        assert events == ()
        assert abs(start.frame - index * exact_bar_frames) <= GRID_FRAMES // 2
        expected_frame += start.frames


@given(st.lists(st.floats(40, 140), min_size=1, max_size=12), st.integers(1, 5))
def test_every_bar_of_every_tempo_lies_within_half_a_grid_step_of_its_place(tempos, repeats):
    sequencer = Sequencer(1)
    for number, bpm in enumerate(tempos):
        origin = sequencer.frame
        exact = Fraction(4 * 60 * SAMPLE_RATE_HZ * 1000, round(bpm * 1000))
        for place in range(repeats):
            start, _ = sequencer.sequence(bar_of(bpm=bpm, number=number), EVEN)
            if number == 0 or round(tempos[number - 1] * 1000) != round(bpm * 1000):
                assert abs(start.frame - origin - place * exact) <= GRID_FRAMES // 2


@given(
    st.lists(
        st.builds(key, st.integers(-6, 191), st.integers(1, 300), st.integers(30, 90), st.sampled_from(list(Part))),
        max_size=24,
    ),
    st.sampled_from(list(MOODS.values())),
    st.floats(40, 140),
)
def test_events_are_on_the_grid_inside_their_window_in_order_and_every_note_ends(notes, mood, bpm):
    sequencer = Sequencer(3)
    sounding, frame = {}, 0
    for index in range(10):
        start, events = sequencer.sequence(bar_of(notes if index == 0 else (), bpm, index), mood)
        for event in events:
            assert event.frame % GRID_FRAMES == 0
            assert start.frame <= event.frame < start.frame + start.frames
            assert event.frame >= frame
            frame = event.frame
            held = (event.part, event.key)
            if event.kind == "on":
                assert held not in sounding, "a key is struck again before it is released"
                sounding[held] = event.frame
            elif event.kind == "off":
                assert sounding.pop(held) < event.frame
    assert not sounding


def test_notes_sound_the_constant_look_ahead_later_than_written():
    start, events = Sequencer(1).sequence(bar_of([key(0), key(96, pitch=64)]), EVEN)
    first, second = ons(events)
    assert first.frame == LOOKAHEAD_FRAMES
    assert abs(second.frame - LOOKAHEAD_FRAMES - start.frames // 2) < GRID_FRAMES


def test_a_drum_six_ticks_early_is_heard_even_in_the_first_bar_and_at_the_slowest_tempo():
    early = key(-6, part=Part.DRUMS, pitch=36)
    for bpm in (40.0, 140.0):
        start, events = Sequencer(1).sequence(bar_of([early], bpm), EVEN)
        (hit,) = ons(events)
        assert abs(hit.frame - (LOOKAHEAD_FRAMES - start.frames * 6 / 192)) < GRID_FRAMES


def test_a_note_late_in_the_bar_sounds_in_the_next_window_and_is_not_lost():
    sequencer = Sequencer(1)
    start, events = sequencer.sequence(bar_of([key(191)]), EVEN)
    assert ons(events) == []
    _, events = sequencer.sequence(bar_of(index=1), EVEN)
    (late,) = ons(events)
    assert late.frame == pytest.approx(start.frames * 191 / 192 + LOOKAHEAD_FRAMES, abs=GRID_FRAMES)


def test_swing_is_one_warp_for_all_parts_that_keeps_the_eighths_in_place():
    assert [warp_millis(tick, 0.5) for tick in (-6, 0, 7, 12, 24, 191)] == [-6000, 0, 7000, 12_000, 24_000, 191_000]
    for swing in (0.55, 0.62, 0.67):
        places = [warp_millis(tick, swing) for tick in range(-24, 193)]
        assert places == sorted(places)
        assert all(warp_millis(tick, swing) == tick * 1000 for tick in range(-24, 193, 24))
        assert warp_millis(12, swing) == round(swing * 24_000)
    notes = [key(12, part=part, pitch=45) for part in Part]
    _, events = Sequencer(1).sequence(bar_of(notes), replace(EVEN, swing=0.6))
    assert len({event.frame for event in ons(events)}) == 1


def test_the_snare_is_late_by_the_mood_and_the_kick_is_not():
    notes = [key(48, part=Part.DRUMS, pitch=38), key(48, part=Part.DRUMS, pitch=36)]
    _, events = Sequencer(1).sequence(bar_of(notes), replace(EVEN, snare_late_ms=20.0))
    frames = {event.key: event.frame for event in ons(events)}
    assert frames[38] - frames[36] == pytest.approx(0.020 * SAMPLE_RATE_HZ, abs=GRID_FRAMES)


def test_human_timing_rolls_chords_and_differs_between_onsets():
    notes = [key(tick, pitch=pitch) for tick in range(0, 192, 24) for pitch in (55, 59, 64, 69)]
    mood = replace(EVEN, human_ms=8.0)
    start, events = Sequencer(1).sequence(bar_of(notes), mood)
    deviations = {}
    for event in ons(events):
        place = (event.frame - LOOKAHEAD_FRAMES) / start.frames * 192
        deviations.setdefault(round(place / 24), []).append(event.frame)
    assert all(frames == sorted(frames) and frames[-1] > frames[0] for frames in deviations.values())
    offsets = {frames[0] - LOOKAHEAD_FRAMES - start.frames * n // 8 for n, frames in deviations.items()}
    assert len(offsets) > 4
    assert max(abs(offset) for offset in offsets) <= 2.5 * 0.008 * SAMPLE_RATE_HZ + GRID_FRAMES


def test_the_same_seed_gives_the_same_frames_and_another_seed_others():
    bar = bar_of([key(tick) for tick in range(0, 192, 24)])
    mood = find_mood("study")
    assert Sequencer(5).sequence(bar, mood) == Sequencer(5).sequence(bar, mood)
    assert Sequencer(5).sequence(bar, mood) != Sequencer(6).sequence(bar, mood)


def test_an_instrument_is_chosen_before_the_first_note_that_wants_it_and_only_then():
    sequencer = Sequencer(1)
    bar = bar_of([key(0), key(48)])
    _, events = sequencer.sequence(bar, EVEN)
    assert [event.kind for event in events if event.kind != "off"] == ["program", "on", "on"]
    assert (events[0].key, events[0].value) == (EVEN.keys_program[1], EVEN.keys_program[0])
    _, events = sequencer.sequence(bar, EVEN)
    assert "program" not in {event.kind for event in events}
    _, events = sequencer.sequence(bar, replace(EVEN, keys_program=(0, 11)))
    assert [event.key for event in events if event.kind == "program"] == [11]


def test_it_goes_on_from_a_snapshot_event_for_event():
    mood = find_mood("jazzhop")
    notes = [key(tick, 200, 50 + tick // 8, part) for tick in range(0, 192, 16) for part in Part]
    one = Sequencer(9)
    for index in range(3):
        one.sequence(bar_of(notes, index=index), mood)
    other = Sequencer(1)
    other.restore(unpack(pack(one.snapshot())))
    for index in range(3, 6):
        assert one.sequence(bar_of(notes, index=index), mood) == other.sequence(bar_of(notes, index=index), mood)


@pytest.mark.parametrize("mood", [EVEN, find_mood("cafe")], ids=["even", "with swing and feel"])
def test_a_bar_tells_for_each_note_where_it_is_played(mood):
    notes = [key(tick, 24, 60 + tick // 12, part) for tick in (0, 12, 36, 96, 120) for part in Part]
    start, events = Sequencer(4).sequence(bar_of(notes), mood)
    downbeat = start.frame + LOOKAHEAD_FRAMES
    told = {(e.part, e.pitch): downbeat + on for e, (on, _) in zip(start.bar.events, start.played, strict=True)}
    assert told == {(event.part, event.key): event.frame for event in ons(events)}
    assert all(off > on for on, off in start.played)
    if mood is EVEN:
        assert [on for on, _ in start.played] == [note.tick * 750 // 64 * 64 for note in start.bar.events]
