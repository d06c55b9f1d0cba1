from itertools import pairwise

import numpy as np
import pytest

from engine import tokens
from training.backbeat_judge import BackbeatJudge
from training.groove import has_backbeat
from training.judge import Verdict
from training.rollouts import Opening, Patience, Rollouts
from training.runtime import OnnxStep
from training.songs import decode_drums

SOUL = (tokens.BAR, tokens.style("soul"), tokens.BACKBEAT, tokens.density(3))
FILL = (tokens.BAR, tokens.style("soul"), tokens.FILL, tokens.density(3))


@pytest.fixture(scope="module")
def model(root):
    return OnnxStep(root / "models" / "drums" / "model.onnx")


def bars_of(ids):
    """Tokens of each bar, and where it begins."""
    places = [place for place, token in enumerate(ids) if token == tokens.BAR]
    return [(start, ids[start:stop]) for start, stop in pairwise([*places, len(ids) - 1])]


def write(model, openings, patience=Patience(), lanes=4):  # noqa: B008 - frozen
    return {
        tuple(song.ids): song for song in Rollouts(model, BackbeatJudge(), patience, lanes).write(openings)
    }.values()


def test_every_song_has_its_opening_and_its_headers(model):
    played = (*SOUL, tokens.position(6), tokens.note(36, 9))
    openings = [Opening((tokens.START, *played), (SOUL, FILL, SOUL), seed) for seed in range(6)]
    songs = list(write(model, openings))
    assert len(songs) == 6
    for song in songs:
        assert song.ids[:7] == [tokens.START, *played]
        assert [tuple(bar[:4]) for _, bar in bars_of(song.ids)] == [SOUL, SOUL, FILL, SOUL]
        assert song.ids[-1] == tokens.END
        assert len(song.learned) == len(song.ids)
        assert not any(song.learned[:7])


def test_what_counts_is_in_bars_that_are_what_their_header_asks_for_and_never_a_header(model):
    openings = [Opening((tokens.START,), (SOUL, FILL) * 4, seed, free_bars=8) for seed in range(6)]
    found = set()
    for song in write(model, openings):
        for start, bar in bars_of(song.ids):
            hits = decode_drums(bar).hits
            dense = tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS) == 3
            kept = bar[2] == tokens.BACKBEAT and has_backbeat(hits) and dense
            found.add(kept)
            assert song.learned[start + 1 : start + len(bar)] == [False] * 3 + [kept] * (len(bar) - 4)
        assert song.tries == 8
    assert found == {False, True}


def test_a_bar_that_is_not_what_is_asked_is_written_again_until_it_is(model):
    hard = (tokens.BAR, tokens.style("soul"), tokens.BACKBEAT, tokens.density(1))
    openings = [Opening((tokens.START,), (hard,) * 6, seed) for seed in range(6)]
    songs = list(write(model, openings, Patience(tries=500)))
    assert sum(song.tries for song in songs) > 36
    for song in songs:
        assert song.lost_bars == 0
        for _, bar in bars_of(song.ids):
            hits = decode_drums(bar).hits
            assert has_backbeat(hits)
            assert len(hits) <= 7
        assert song.learned.count(True) == len(song.ids) - 2 - 6 * 4 + 5  # and the BARs that ended five of them


def test_where_no_try_finds_the_backbeat_it_is_stated_and_the_model_writes_the_rest(model):
    hats = [token for tick in range(6, 192, 24) for token in (tokens.position(tick), tokens.note(42, 12))]
    lost = (tokens.BAR, tokens.style("hiphop"), tokens.BEAT, tokens.density(2), *hats)
    asked = (tokens.BAR, tokens.style("hiphop"), tokens.BACKBEAT, tokens.density(2))
    openings = [Opening((tokens.START, *lost * 8), (asked,) * 2, seed) for seed in range(6)]
    songs = list(write(model, openings, Patience(tries=1)))
    assert any(song.tries > 2 for song in songs)
    for song in songs:
        assert song.lost_bars == 0
        for start, bar in bars_of(song.ids)[8:]:
            assert has_backbeat(decode_drums(bar).hits)
            assert song.learned[start + 4 : start + len(bar)] == [True] * (len(bar) - 4)


def test_bars_that_are_not_what_is_asked_stand_where_they_may_and_do_not_count(model):
    hard = (tokens.BAR, tokens.style("soul"), tokens.BACKBEAT, tokens.density(1))
    openings = [Opening((tokens.START,), (hard,) * 6, seed) for seed in range(8)]
    songs = list(write(model, openings, Patience(stands=1.0)))
    assert all(song.tries == 6 for song in songs)
    assert any(not song.learned[start + 4] for song in songs for start, _ in bars_of(song.ids))


def test_a_song_is_what_the_model_writes_token_by_token(model):
    (song,) = write(model, [Opening((tokens.START,), (SOUL,) * 3, 5)], Patience(top_p=1e-9))
    logits = model.logits(song.ids[:-1])
    place = len([tokens.START, *SOUL])
    allowed = [token for token in range(tokens.VOCABULARY_SIZE) if tokens.is_position(token) or token == tokens.BAR]
    assert song.ids[place] == max(allowed, key=lambda token: logits[place - 1, token])
    assert song.tries == 3 or song.tries > 8  # greedy bars do not change when they are tried again


def test_neighbours_do_not_change_a_song(model):
    openings = [Opening((tokens.START,), (SOUL,) * n, seed) for seed, n in ((1, 2), (2, 4), (3, 1), (4, 3))]
    alone = [next(iter(write(model, [opening]))).ids for opening in openings]
    assert sorted(alone) == sorted(song.ids for song in write(model, openings, lanes=2))


def test_time_never_goes_back_within_a_bar(model):
    (song,) = write(model, [Opening((tokens.START,), (SOUL,) * 6, 7, free_bars=6)], Patience(top_p=1.0))
    for _, bar in bars_of(song.ids):
        ticks = [tokens.position_tick(token) for token in bar if tokens.is_position(token)]
        assert np.all(np.diff(ticks) > 0)


class Refusal(BackbeatJudge):
    """Finds no bar good, and cannot help."""

    helps = False

    def verdict(self, _song, _header, _bar, stated):
        assert not stated
        return Verdict(asked=True, holds=False, counts=False)


def test_where_a_judge_cannot_help_a_bar_stands_after_the_last_try_and_does_not_count(model):
    opening = Opening((tokens.START,), (SOUL,) * 3, 5)
    (song,) = Rollouts(model, Refusal(), Patience(tries=4)).write([opening])
    assert (song.tries, song.lost_bars) == (12, 3)
    assert not any(song.learned)
