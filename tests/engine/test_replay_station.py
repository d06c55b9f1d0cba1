"""Bars that were written down sound as they did, from a state without the composer's memory."""

import numpy as np
import pytest

from engine import MOODS, SETTLED_FRAMES, ReplayStation, SnapshotError, Station, StationSetup, numbered, sound_state

SETUP = StationSetup(mood=MOODS["study"], seed=11, composer="rules")
CHANGE_AT = 5


@pytest.fixture(scope="module")
def aired():
    """Bars as a station played them, with the state before each; the mood changes in between."""
    station = Station.build(SETUP)
    bars = []
    for index in range(9):
        if index == CHANGE_AT:
            station.apply(MOODS["rainy"])
        rendered = station.render_bar()
        bars.append((rendered.block, rendered.snapshot))
    station.close()
    return bars


@pytest.fixture(scope="module")
def player():
    player = ReplayStation.build(StationSetup(mood=MOODS["sleep"], seed=99, composer="rules"))
    yield player
    player.close()


def difference_db(one, other):
    return 20 * np.log10(np.sqrt(np.mean((one - other) ** 2)) / np.sqrt(np.mean(other**2)) + 1e-12)


def play(player, block):
    (start,) = block.bars
    return player.play(start.bar, start.mood)


def test_a_whole_state_gives_the_same_sound_from_its_first_frame_on_through_a_change_of_mood(aired, player):
    player.resume(sound_state(aired[1][1], whole=True))
    for block, _ in aired[1:]:
        again = play(player, block)
        assert again.start_frame == block.start_frame
        assert difference_db(again.samples, block.samples) < -90


def test_a_state_without_the_tail_is_small_and_right_once_it_has_settled(aired, player):
    state = sound_state(aired[3][1], whole=False)
    assert len(state) < 40_000
    assert len(sound_state(aired[3][1], whole=True)) > len(state) + 50_000
    player.resume(state)
    first = play(player, aired[3][0])
    assert difference_db(first.samples[SETTLED_FRAMES:], aired[3][0].samples[SETTLED_FRAMES:]) < -70
    assert difference_db(play(player, aired[4][0]).samples, aired[4][0].samples) < -70


def test_the_mood_is_known_for_every_bar(aired):
    names = [block.bars[0].mood.name for block, _ in aired]
    assert names == ["study"] * CHANGE_AT + ["rainy"] * (9 - CHANGE_AT)


def test_a_bar_may_be_counted_as_its_engine_did(aired):
    bar = aired[0][0].bars[0].bar
    assert numbered(bar, 7).piece.number == 7
    assert numbered(bar, bar.piece.number) == bar


def test_parts_come_apart_and_add_up_to_the_bar(aired):
    station = ReplayStation.build(StationSetup(mood=MOODS["study"], seed=1, composer="rules", stems=True))
    station.resume(sound_state(aired[1][1], whole=True))
    for block, _ in aired[1:4]:
        again = play(station, block)
    assert difference_db(sum(station.apart.values()), again.samples) < -60
    station.close()


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[:500], lambda data: b"x" * 900])
def test_a_damaged_state_is_refused(spoil, aired, player):
    with pytest.raises(SnapshotError):
        player.resume(spoil(sound_state(aired[2][1], whole=True)))


def test_a_snapshot_inside_a_bar_is_refused():
    station = Station.build(SETUP)
    station.render(1_000)
    with pytest.raises(SnapshotError, match="bar lines"):
        sound_state(station.snapshot(), whole=True)
    station.close()
