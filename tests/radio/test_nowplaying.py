"""The board: what it says at each bar, and to whom."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes_clock import EPOCH
from fakes_station import FakeSetup, FakeStation

from radio.nowplaying import HISTORY_PIECES, NowPlaying, key_name, key_of_name


def starts(bars):
    station = FakeStation(FakeSetup())
    return [station.render_bar().block.bars[0] for _ in range(bars)]


def play(now, bar_starts):
    for second, start in enumerate(bar_starts):
        now.begin(start, EPOCH + timedelta(seconds=second))


def test_nothing_sounds_before_the_first_bar():
    now = NowPlaying()
    assert (now.current, now.title, now.history, now.piece_started_at) == (None, "", (), None)


def test_title_names_piece_key_and_mood():
    now = NowPlaying()
    play(now, starts(1))
    assert now.title == "piece 0 · E♭ minor · study"


def test_a_piece_starts_with_its_first_bar_and_keeps_its_time():
    now = NowPlaying()
    play(now, starts(12))
    assert now.piece_started_at == EPOCH + timedelta(seconds=8)
    assert now.bar_started_at == EPOCH + timedelta(seconds=11)
    assert [(piece.title, piece.started_at) for piece in now.history] == [
        ("piece 1", EPOCH + timedelta(seconds=8)),
        ("piece 0", EPOCH),
    ]


def test_history_is_bounded_and_newest_first():
    now = NowPlaying()
    play(now, starts(8 * (HISTORY_PIECES + 5)))
    assert [piece.number for piece in now.history] == list(range(HISTORY_PIECES + 4, 4, -1))


def test_watchers_hear_every_bar_until_they_leave():
    now, heard = NowPlaying(), []
    unwatch = now.watch(lambda start, wall: heard.append((start.bar.index, wall)))
    bars = starts(3)
    play(now, bars[:2])
    unwatch()
    play(now, bars[2:])
    assert heard == [(0, EPOCH), (1, EPOCH + timedelta(seconds=1))]


@pytest.mark.parametrize(
    ("key", "minor", "name"),
    [
        (0, False, "C major"),
        (3, True, "E♭ minor"),
        (6, True, "F♯ minor"),
        (10, False, "B♭ major"),
        (8, True, "G♯ minor"),
        (8, False, "A♭ major"),
        (1, True, "C♯ minor"),
    ],
)
def test_keys_are_named_as_musicians_do(key, minor, name):
    piece = replace(starts(1)[0].bar.piece, key=key, minor=minor)
    assert key_name(piece) == name
    assert key_of_name(name) == (key, minor)


def test_keys_are_known_by_the_names_that_older_journals_have():
    assert key_of_name("A♭ minor") == (8, True)
    assert key_of_name("D♭ minor") == (1, True)
    assert key_of_name("H minor") is None
