"""What is changed at a bar line: hands on the desk, and the end of a piece before its time."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from engine import SAMPLE_RATE_HZ, End, Hands, MoodError, Station, StationSetup, Turn, find_mood, tokens_prompt
from engine.fallback import compose_rules
from engine.form import ENDING_BARS
from engine.snapshot import pack, unpack
from tests.fakes import RecordingSynth

STUDY, RAINY = find_mood("study"), find_mood("rainy")


@pytest.fixture
def make(root):
    """A function that makes a station on the fake synthesiser."""
    setup = StationSetup(STUDY, seed=7, composer="rules", loops=root / "loops")
    return lambda: Station(setup, compose_rules(STUDY, 7), RecordingSynth)


def starts(station, bars):
    return [station.render_bar().block.bars[0].bar for _ in range(bars)]


def test_hands_lie_on_every_mood_alike():
    hands = Hands(bpm=66, vinyl_db=6, ambience_db=-4)
    for mood in (STUDY, RAINY):
        on = hands.on(mood)
        assert (on.bpm_low, on.bpm_high, on.vinyl_db) == (66, 66, mood.vinyl_db + 6)
        assert on.ambience == tuple((name, db - 4) for name, db in mood.ambience)
        assert replace(on, bpm_low=0 + mood.bpm_low, bpm_high=mood.bpm_high, vinyl_db=mood.vinyl_db,
                       ambience=mood.ambience) == mood  # fmt: skip
    assert Hands().on(STUDY) is STUDY


def test_levels_stay_within_what_can_be_played():
    on = Hands(vinyl_db=30, ambience_db=-60, layers=(("fire", -60.0),)).on(replace(STUDY, vinyl_db=-10))
    assert (on.vinyl_db, on.ambience) == (0, (("fire", -90),))


@pytest.mark.parametrize("wrong", [{"bpm": 20}, {"vinyl_db": 40}, {"ambience_db": -70}, {"layers": (("rain", 3.0),)}])
def test_hands_that_cannot_be_played_are_refused_with_the_range(wrong):
    with pytest.raises(MoodError, match=r"must be -?\d+ to \d+"):
        Hands(**wrong)


@pytest.mark.parametrize(
    "turn",
    [
        Turn(),
        Turn(RAINY),
        Turn(hands=Hands(70, 3, -3, (("fire", -30.0),))),
        Turn(STUDY, Hands(), End.ENDING),
        Turn(prompt=tokens_prompt("3c:d t62 3c:0 40:a t62 40:0")),
    ],
    ids=["nothing", "mood", "hands", "all", "prompt"],
)
def test_a_turn_survives_a_snapshot(turn):
    assert Turn.from_tree(unpack(pack(turn.to_tree()))) == turn


def test_of_two_turns_at_one_bar_line_the_later_counts_where_they_differ():
    prompt = tokens_prompt("3c:d t62 3c:0 40:a t62 40:0")
    assert Turn(prompt=prompt).then(Turn(end=End.NOW)) == Turn(end=End.NOW, prompt=prompt)
    assert Turn(STUDY, None, End.NOW).then(Turn(RAINY, Hands(70))) == Turn(RAINY, Hands(70), End.NOW)


def test_a_piece_that_is_to_end_plays_its_ending_and_then_the_next_one():
    band = compose_rules(STUDY, 7)
    before = list(islice(band, 10))[-1]
    band.end_piece(End.ENDING)
    *ending, first = islice(band, ENDING_BARS + 1)
    bars = before.piece.bars
    assert [bar.piece_bar for bar in ending] == [bars - 2, bars - 1]
    assert {bar.piece for bar in ending} == {before.piece}
    assert ending[-1].chords[0].root == before.piece.key, "it comes to rest"
    assert (first.piece.number, first.piece_bar) == (before.piece.number + 1, 0)
    assert [bar.index for bar in (*ending, first)] == [10, 11, 12]


def test_a_piece_that_is_ending_already_is_not_made_longer():
    band = compose_rules(STUDY, 7)
    bars = next(band).piece.bars
    list(islice(band, bars - 2))
    band.end_piece(End.ENDING)
    assert [bar.piece_bar for bar in islice(band, 2)] == [bars - 1, 0]


def test_a_piece_can_end_at_once(make):
    station = make()
    starts(station, 3)
    station.turn(Turn(end=End.NOW))
    bar = starts(station, 1)[0]
    assert (bar.index, bar.piece.number, bar.piece_bar) == (3, 1, 0)


@pytest.mark.parametrize("turn", [Turn(end=End.ENDING), Turn(hands=Hands(120, 6)), Turn(RAINY, Hands(90), End.NOW)])
def test_a_turn_that_waits_and_one_that_was_taken_are_in_the_snapshot(make, turn):
    station = make()
    starts(station, 2)
    station.turn(turn)
    waiting = station.snapshot()
    rendered = [station.render_bar() for _ in range(3)]
    for snapshot, skipped in ((waiting, 0), (rendered[0].snapshot, 0)):
        other = make()
        other.restore(snapshot)
        for one in rendered[skipped:]:
            again = other.render_bar()
            assert again.block.bars == one.block.bars
            np.testing.assert_array_equal(again.block.samples, one.block.samples)


def test_a_snapshot_from_before_there_were_hands_can_be_restored(make):
    station = make()
    starts(station, 3)
    tree = unpack(station.snapshot())
    del tree["bar"]["hands"], tree["next"]
    tree["next_mood"] = None
    expected = starts(station, 3)
    other = make()
    other.restore(pack(tree))
    assert starts(other, 3) == expected


def test_a_tempo_waits_for_the_next_piece_and_holds_until_it_is_released(make):
    station = make()
    first = starts(station, 2)[-1]
    station.turn(Turn(hands=Hands(bpm=99)))
    assert {(bar.piece.number, bar.bpm) for bar in starts(station, 2)} == {(0, first.bpm)}
    station.turn(Turn(end=End.NOW))
    assert [bar.bpm for bar in starts(station, 2)] == [99, 99]
    station.turn(Turn(mood=RAINY, end=End.NOW))
    assert [(bar.mood, bar.bpm) for bar in starts(station, 1)] == [("rainy", 99)]
    station.turn(Turn(hands=Hands(), end=End.NOW))
    assert RAINY.bpm_low <= starts(station, 1)[0].bpm <= RAINY.bpm_high


def test_hands_on_the_loops_change_the_bed_and_not_a_note(make):
    station, other = make(), make()
    for one in (station, other):
        starts(one, 2)
    station.turn(Turn(hands=Hands(vinyl_db=24)))
    louder, plain = ([one.render_bar() for _ in range(2)] for one in (station, other))
    assert [one.block.bars[0].bar for one in louder] == [one.block.bars[0].bar for one in plain]
    assert np.abs(louder[-1].block.samples - plain[-1].block.samples).max() > 0.01


def test_hands_do_not_turn_the_way_to_a_mood(make):
    drifting = replace(find_mood("sleep"), drift_minutes=0.2)
    station, other = make(), make()
    for one in (station, other):
        one.turn(Turn(drifting))
        starts(one, 2)
    station.turn(Turn(hands=Hands(ambience_db=3)))
    seconds = 0.0
    for bar, same in zip(islice(_bars(station), 5), islice(_bars(other), 5), strict=True):
        assert bar.bar.events == same.bar.events
        seconds += bar.frames / SAMPLE_RATE_HZ
    assert seconds > 12, "longer than the way"


def _bars(station):
    while True:
        yield station.render_bar().block.bars[0]


def test_a_prompt_begins_a_piece_at_the_bar_line_and_is_in_every_snapshot_from_then_on(make):
    station = make()
    prompt = tokens_prompt("39:d t50 39:0 40:a t50 40:0 45:c t100 45:0 " * 4, "a tune")
    before = station.render_bar().block.bars[0].bar
    station.turn(Turn(prompt=prompt))
    saved = station.snapshot()
    first = station.render_bar().block.bars[0].bar
    assert first.piece.number == before.piece.number + 1
    assert (first.piece.key, first.piece.minor) == (prompt.key.tonic, prompt.key.minor)
    assert first.bpm == prompt.bpm
    again = station.render_bar().block.bars[0].bar
    station.restore(saved)  # as when the engine died before it rendered the first bar
    assert [station.render_bar().block.bars[0].bar for _ in range(2)] == [first, again]
