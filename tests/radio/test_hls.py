"""The playlist keeps its promises whatever happens; the segments hold what their names and numbers say."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from fakes_station import expected
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import AudioBlock
from radio.encoders import AAC_FRAMES, AacEncoder, EncodedChunk, adts_frames, adts_header
from radio.hls import SEGMENT_FRAMES, SEGMENT_PACKETS, Cut, Memory, Playlist, Segmenter
from radio.id3 import segment_tag

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
LENGTH_S = 4.032
LISTED = 6
LINE = re.compile(
    r"(?P<tag>#EXT-X-DISCONTINUITY\n)?#EXT-X-PROGRAM-DATE-TIME:(?P<at>\S+)\n#EXTINF:(?P<length>[\d.]+),\n(?P<uri>\S+)\n"
)


def header(text, name):
    return int(re.search(rf"^#EXT-X-{name}:(\d+)$", text, re.MULTILINE).group(1))


class Watcher:
    """A client that polls for ever and believes nothing: it compares every playlist with all before it."""

    def __init__(self):
        self.by_sequence, self.contents, self.tags = {}, {}, {}
        self.last_sequence = self.last_removed = 0
        self.last_seen_s = {}

    def poll(self, text, files, wall_s):
        assert header(text, "TARGETDURATION") == 4
        first = header(text, "MEDIA-SEQUENCE")
        assert first >= self.last_sequence, "MEDIA-SEQUENCE fell"
        entries = [match.groupdict() for match in LINE.finditer(text)]
        assert len(entries) == text.count("#EXTINF")
        for sequence, entry in enumerate(entries, first):
            uri, tag = entry["uri"], bool(entry["tag"])
            assert self.by_sequence.setdefault(sequence, (uri, entry["at"])) == (uri, entry["at"])
            assert self.contents.setdefault(uri, files[uri]) == files[uri], "a URI was used twice"
            assert self.tags.setdefault(sequence, tag) == tag
            assert round(float(entry["length"])) <= 4
            self.last_seen_s[uri] = wall_s
        for uri, seen_s in self.last_seen_s.items():
            if wall_s - seen_s < LENGTH_S + LISTED * LENGTH_S:
                assert uri in files, "a segment is gone too early"
        times = [datetime.fromisoformat(at) for _, at in (self.by_sequence[key] for key in sorted(self.by_sequence))]
        assert all((later - earlier).total_seconds() >= 4.031 for earlier, later in itertools.pairwise(times))
        removed = sum(tag for sequence, tag in self.tags.items() if sequence < first)
        assert header(text, "DISCONTINUITY-SEQUENCE") == removed + self.lost_tags
        self.last_sequence = first
        return entries

    lost_tags = 0
    """Tags of lists that were forgotten together with the disk."""


class Air:
    """A daemon with a disk, a wall clock that can be turned and a monotonic one that cannot."""

    def __init__(self):
        self.wall, self.mono_s, self.runs, self.count = NOON, 0.0, 0, 0
        self.disk = None
        self.disk_is_full = False
        self.files = {}
        self.watcher = Watcher()
        self.start()

    def start(self):
        self.runs += 1
        memory, stored = self.disk if self.disk is not None else (None, {})
        if self.disk is None:
            self.watcher.lost_tags = -sum(self.watcher.tags.values())  # a new count begins, with a new list
            self.watcher.last_seen_s = {}  # content that was only in memory is gone, no rule can bring it back
        self.playlist = Playlist(f"{self.runs:08x}", LISTED, self.wall, memory)
        self.playlist.keep_only(stored.keys())
        self.files = {name: data for name, data in stored.items() if name in self.playlist.names}
        self.follows, self.anchor = False, self.wall - timedelta(seconds=self.mono_s)

    def pass_time(self, seconds):
        self.mono_s += seconds
        self.wall += timedelta(seconds=seconds)

    def segment(self):
        begins_at = self.anchor + timedelta(seconds=self.mono_s)
        self.pass_time(LENGTH_S)
        self.count += 1
        content = b"%d" % self.count
        segment = self.playlist.add(Cut(content, begins_at, self.follows))
        self.follows = True
        self.files[segment.name] = content
        self.files = {name: data for name, data in self.files.items() if name in self.playlist.names}
        self.disk = None if self.disk_is_full else (self.playlist.memory, dict(self.files))
        return self.poll()

    def poll(self):
        return self.watcher.poll(self.playlist.text(), self.files, self.mono_s)

    def kill(self, seconds, *, unseen=False):
        """Die at any moment; `unseen`: after the disk was written and before anybody saw the playlist."""
        if unseen and not self.disk_is_full:
            segment = self.playlist.add(Cut(b"unseen", self.anchor + timedelta(seconds=self.mono_s), self.follows))
            self.disk = (self.playlist.memory, {**self.files, segment.name: b"unseen"})
            self.watcher.tags[segment.sequence] = segment.discontinuous
        self.pass_time(seconds)
        self.start()


EVENTS = st.one_of(
    st.tuples(st.just("segments"), st.integers(1, 30)),
    st.tuples(st.just("kill"), st.sampled_from([0.1, 5.0, 30.0, 59.0, 61.0, 4000.0])),
    st.tuples(st.just("unseen"), st.sampled_from([5.0, 70.0])),
    st.tuples(st.just("gap"), st.just(0)),
    st.tuples(st.just("forward"), st.sampled_from([2.0, 3600.0])),
    st.tuples(st.just("backward"), st.sampled_from([2.0, 3600.0])),
    st.tuples(st.just("full"), st.booleans()),
)


@given(st.lists(EVENTS, min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_a_client_that_watches_every_playlist_never_sees_a_rule_broken(events):
    air, since_start, stepped_back = Air(), 0, False
    for event, value in events:
        if event == "segments":
            for _ in range(value):
                entries = air.segment()
                since_start += 1
                if since_start >= LISTED:
                    assert len(entries) >= 6, "at least three target durations, and six segments, are listed"
        elif event in ("kill", "unseen"):
            if air.disk is None and stepped_back:
                continue  # a lost disk and a clock turned back at once: nothing is left to count from
            air.kill(value, unseen=event == "unseen")
            since_start = len(re.findall("#EXTINF", air.playlist.text()))
        elif event == "gap":
            air.follows = False
        elif event == "full":
            air.disk_is_full = value
        else:
            stepped_back = stepped_back or event == "backward"
            air.wall += timedelta(seconds=value if event == "forward" else -value)


def test_a_kill_costs_one_discontinuity_and_no_number():
    air = Air()
    for _ in range(10):
        air.segment()
    before = air.watcher.poll(air.playlist.text(), air.files, air.mono_s)
    air.kill(8.0)
    assert air.poll() == before, "what was listed is served again at once"
    after = air.segment()
    assert [entry["uri"] for entry in after[:-1]] == [entry["uri"] for entry in before[1:]]
    assert after[-1]["tag"]
    assert not any(entry["tag"] for entry in air.segment()[:-2])


def test_segments_whose_content_is_lost_are_not_offered_and_numbers_go_on():
    air = Air()
    for _ in range(8):
        air.segment()
    memory, stored = air.disk
    broken = memory.listed[3].name
    air.disk = (memory, {name: data for name, data in stored.items() if name != broken})
    air.kill(3.0)
    air.watcher.last_seen_s = {}  # what came before the hole is gone: that is the damage, not a rule broken
    uris = [entry["uri"] for entry in air.poll()]
    assert uris == [segment.name for segment in memory.listed[4:]]
    assert air.segment()


def test_the_first_playlist_is_whole():
    playlist = Playlist("00c0ffee", 6, NOON)
    playlist.add(Cut(b"", NOON, follows=False))
    playlist.add(Cut(b"", NOON + timedelta(seconds=LENGTH_S), follows=True))
    number = int(NOON.timestamp()) // 4
    assert playlist.text() == (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n"
        f"#EXT-X-MEDIA-SEQUENCE:{number}\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY\n"
        f"#EXT-X-PROGRAM-DATE-TIME:2026-12-01T12:00:00.000Z\n#EXTINF:4.032,\n00c0ffee-{number}.aac\n"
        f"#EXT-X-PROGRAM-DATE-TIME:2026-12-01T12:00:04.032Z\n#EXTINF:4.032,\n00c0ffee-{number + 1}.aac\n"
    )


def test_memory_of_another_length_is_cut_to_the_new_one():
    long = Playlist("00000001", 12, NOON)
    for index in range(20):
        long.add(Cut(b"", NOON + timedelta(seconds=index * LENGTH_S), follows=True))
    short = Playlist("00000002", 6, NOON + timedelta(seconds=90), long.memory)
    short.add(Cut(b"", NOON + timedelta(seconds=90), follows=False))
    assert len(short.memory.listed) == 6
    assert short.memory.listed[-1].sequence == long.memory.listed[-1].sequence + 1


def pts(tag):
    at = tag.index(b"transportStreamTimestamp\0") + 25
    return int.from_bytes(tag[at : at + 8], "big")


def packets(count, start_frame):
    packet = adts_header(3) + b"abc"
    return EncodedChunk(start_frame, count * AAC_FRAMES, packet * count)


def cuts(chunks, wall=NOON):
    segmenter = Segmenter()
    return [cut for chunk in chunks for cut in segmenter.take(chunk, "Rain · E♭", wall)]


def test_a_segment_holds_189_packets_behind_its_tag_and_the_clock_is_read_once():
    done = cuts(packets(7, index * 7 * AAC_FRAMES) for index in range(60))
    assert [list(adts_frames(cut.data[len(segment_tag(0, "Rain · E♭")) :])) for cut in done] == [
        [adts_header(3) + b"abc"] * SEGMENT_PACKETS
    ] * 2
    assert [cut.follows for cut in done] == [False, True]
    assert done[1].begins_at - done[0].begins_at == timedelta(seconds=LENGTH_S)
    assert "Rain · E♭".encode() in done[0].data


def test_a_hole_in_the_sound_drops_what_is_unfinished_and_is_told():
    chunks = [packets(100, 0), packets(189, 500 * AAC_FRAMES), packets(189, 689 * AAC_FRAMES)]
    done = cuts(chunks)
    assert [cut.follows for cut in done] == [False, True]
    assert pts(done[0].data) == 500 * 1920 + 900_000


@pytest.mark.parametrize("start_frame", [2**31 - 1024, 2**32 - 1024, 2**33 * 8 // 15 - 900_000 * 8 // 15 - 4096])
def test_timestamps_go_on_across_every_wrap(start_frame):
    done = cuts([packets(189, start_frame), packets(189, start_frame + SEGMENT_FRAMES)])
    assert [cut.follows for cut in done] == [False, True]
    first, second = (pts(cut.data) for cut in done)
    assert 0 <= second < 2**33
    assert (second - first) % 2**33 == SEGMENT_FRAMES * 15 // 8


def test_a_timestamp_is_never_below_zero():
    assert pts(segment_tag(-1024, "")) == 900_000 - 1920


def test_real_sound_fills_segments():
    encoder, sound = AacEncoder(), expected(45)
    chunks = [encoder.encode(AudioBlock(at, sound[at : at + 2048])) for at in range(0, len(sound), 2048)]
    done = cuts(chunk for chunk in chunks if chunk is not None)
    assert len(done) == len(sound) // SEGMENT_FRAMES
    assert isinstance(Playlist("0", 6, NOON).memory, Memory)
