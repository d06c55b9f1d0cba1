"""The checker that watches HLS across polls finds every rule that is broken, and nothing where none is."""

from datetime import UTC, datetime, timedelta

import m3u8
import pytest

from bench.hls_watch import Watch, disagreements, variants
from radio.hls import Cut, Playlist, master_text

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
POLL_S = 4.032


def polls(count=20, gap_at=None, rendition=""):
    playlist, wall, texts = Playlist("00c0ffee", 6, NOON, None, (rendition,)), NOON, []
    for number in range(count):
        wall += timedelta(seconds=30 if number == gap_at else 0)
        playlist.add(Cut(b"", wall, follows=number not in (0, gap_at)))
        wall += timedelta(seconds=POLL_S)
        texts.append(playlist.text(rendition))
    return texts


def watched(texts):
    watch = Watch()
    for index, text in enumerate(texts):
        watch.take(text, index * POLL_S)
    return watch


@pytest.mark.parametrize("gap_at", [None, 7])
def test_our_own_playlists_break_no_rule(gap_at):
    watch = watched(polls(gap_at=gap_at))
    assert watch.problems == []
    assert len(watch.entries) == 20
    assert len({entry.discontinuity for entry in watch.entries.values()}) == (1 if gap_at is None else 2)


def changed(texts, old, new, since=10):
    assert any(old in text for text in texts[since:])
    return texts[:since] + [text.replace(old, new) for text in texts[since:]]


def falls(texts):
    return [*texts, texts[-3]]


def skips(texts):
    return [*texts[:5], *texts[15:]]


def reuses(texts):
    uris = [entry.uri for entry in watched(texts).entries.values()]
    return changed(texts, uris[14], uris[3])


def renames(texts):
    return changed(texts, "00c0ffee", "00c0ffef")


def forgets_a_break(texts):
    return [text.replace("#EXT-X-DISCONTINUITY\n", "") if index == 8 else text for index, text in enumerate(texts)]


def counts_breaks_wrong(texts):
    return changed(texts, "DISCONTINUITY-SEQUENCE:1", "DISCONTINUITY-SEQUENCE:2", since=12)


def stretches(texts):
    return changed(texts, "#EXTINF:4.032", "#EXTINF:5.032")


def retargets(texts):
    return changed(texts, "TARGETDURATION:4", "TARGETDURATION:5")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (falls, "media sequence fell"),
        (skips, "never listed"),
        (reuses, "names a second segment"),
        (renames, "was Entry"),
        (forgets_a_break, "was Entry"),
        (counts_breaks_wrong, "was Entry"),
        (stretches, "longer"),
        (retargets, "target duration changed"),
    ],
)
def test_each_broken_rule_is_found(damage, words):
    assert any(words in problem for problem in watched(damage(polls(gap_at=7))).problems)


def test_renditions_that_disagree_are_found():
    low, high = polls(rendition="low"), polls(rendition="high")
    assert disagreements({"low": watched(low), "high": watched(high)}) == []
    assert disagreements({"low": watched(low), "high": watched(polls(gap_at=5, rendition="high"))})


def test_m3u8_accepts_every_playlist_and_reads_what_we_mean():
    for text in polls(gap_at=7):
        read = m3u8.loads(text)
        assert read.target_duration == 4
        assert read.media_sequence == min(watched([text]).entries)
        assert [one.uri for one in read.segments] == [one.uri for one in watched([text]).entries.values()]
        assert all(one.duration == POLL_S and one.program_date_time for one in read.segments)
    master = master_text({"low": 48, "high": 192})
    assert [one.uri for one in m3u8.loads(master).playlists] == variants(master) == ["low.m3u8", "high.m3u8"]
