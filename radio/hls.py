"""HLS as a state machine: AAC frames become segments, segments become a live playlist (RFC 8216).

Knows nothing about tasks, disks or HTTP, and of time only what it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine import SAMPLE_RATE_HZ
from radio.encoders import AAC_FRAMES, EncodedChunk, adts_frames
from radio.id3 import segment_tag

SEGMENT_PACKETS = 189
SEGMENT_FRAMES = SEGMENT_PACKETS * AAC_FRAMES
"""4.032 s, a whole number of AAC frames and of milliseconds."""
TARGET_DURATION_S = 4
"""4.032 s rounded to the nearest integer; never changes (RFC 8216, 4.3.3.1 and 6.2.1)."""
RETAINED_SPARE = 4
"""Kept beyond the rule: after a hold-up of 10 s segments come faster than in real time."""
PLAIN = ""
"""Name of the only rendition where there is no choice."""
_OVERHEAD, _PEAK = 1.05, 1.25
"""ADTS headers and tags take 2-3 %; a segment of the quietest and of the fullest music differ by a tenth."""
STALE_S = 60.0
"""Segments older than this are not offered again after a restart: nobody has waited for them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the stream."""

    sequence: int
    name: str
    begins_at: datetime
    """Wall clock of its first sample, from the sample clock; never before the end of the one before."""
    discontinuous: bool
    """It does not continue the sound before it."""

    @property
    def ends_at(self) -> datetime:
        """Wall clock after its last sample."""
        return self.begins_at + timedelta(seconds=SEGMENT_FRAMES / SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Cut:
    """The content of a segment that is complete."""

    data: bytes
    begins_at: datetime
    follows: bool
    """It continues the cut before it, sample by sample."""
    start_frame: int = 0
    """Position of its first frame in the broadcast, by which renditions find together."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a playlist must remember so that the next run continues it."""

    next_sequence: int
    discontinuity_sequence: int
    retained: tuple[Segment, ...]
    """No longer listed, but still served."""
    listed: tuple[Segment, ...]


def file_name(rendition: str, segment: Segment) -> str:
    """Name of a segment's file: `5f3a9c01-446210.aac`, or `low-5f3a9c01-446210.aac`."""
    return f"{rendition}-{segment.name}" if rendition else segment.name


def master_text(bitrates_kbps: Mapping[str, int]) -> str:
    """Write the playlist of playlists; `bitrates_kbps` is each rendition's."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3"]
    for name, kbps in bitrates_kbps.items():
        average, peak = int(kbps * 1000 * _OVERHEAD), int(kbps * 1000 * _OVERHEAD * _PEAK)
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS="mp4a.40.2"')
        lines.append(f"{name}.m3u8")
    return "\n".join(lines) + "\n"


class Segmenter:
    """Collects AAC frames until a segment is full."""

    def __init__(self, *, on_grid: bool = False) -> None:
        self._on_grid = on_grid
        """Segments begin at whole multiples of their length alone, so that those of several renditions match."""
        self._packets: list[bytes] = []
        self._next_frame: int | None = None
        """Position after the last chunk; None before the first."""
        self._start_frame = 0
        self._title = ""
        self._anchor: tuple[int, datetime] | None = None
        """(a frame, its wall clock): read once for as long as the sound has no gap."""
        self._follows = False

    def take(self, chunk: EncodedChunk, title: str, wall: datetime) -> Iterator[Cut]:
        """Add a chunk whose first frame is on air at `wall`; yields every segment that it completes."""
        if chunk.start_frame != self._next_frame or self._anchor is None:
            self._packets.clear()  # a hole inside a segment would shift all that follows it
            self._anchor, self._follows = (chunk.start_frame, wall), False
        self._next_frame = chunk.start_frame
        for packet in adts_frames(chunk.data):
            self._next_frame += AAC_FRAMES
            if not self._packets:
                self._start_frame, self._title = self._next_frame - AAC_FRAMES, title
                # all AAC encoders of a run count their frames from the same block: they meet on one grid of 1,024
                if self._on_grid and self._start_frame // AAC_FRAMES % SEGMENT_PACKETS:
                    continue
            self._packets.append(packet)
            if len(self._packets) == SEGMENT_PACKETS:
                yield self._cut(self._anchor)

    def _cut(self, anchor: tuple[int, datetime]) -> Cut:
        data = segment_tag(self._start_frame, self._title) + b"".join(self._packets)
        begins_at = anchor[1] + timedelta(seconds=(self._start_frame - anchor[0]) / SAMPLE_RATE_HZ)
        cut = Cut(data, begins_at, self._follows, self._start_frame)
        self._packets.clear()
        self._follows = True
        return cut


class Collector:
    """Brings the cuts of all renditions together: a segment is published in every quality, or in none."""

    def __init__(self, renditions: Sequence[str]) -> None:
        self._segmenters = {name: Segmenter(on_grid=len(renditions) > 1) for name in renditions}
        self._waiting: dict[int, dict[str, Cut]] = {}
        self._next_frame: int | None = None

    def take(self, rendition: str, chunk: EncodedChunk, title: str, wall: datetime) -> Iterator[Mapping[str, Cut]]:
        """Add a rendition's chunk; yields every segment that is there in all of them, by rendition."""
        for cut in self._segmenters[rendition].take(chunk, title, wall):
            self._waiting.setdefault(cut.start_frame, {})[rendition] = cut
            if len(self._waiting[cut.start_frame]) == len(self._segmenters):
                yield self._complete(cut.start_frame)

    def _complete(self, start_frame: int) -> Mapping[str, Cut]:
        cuts = self._waiting[start_frame]
        # what one of them never had was skipped by all; dictionaries keep the order in which segments came
        while self._waiting:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            if oldest == start_frame:
                break
        follows = start_frame == self._next_frame and all(cut.follows for cut in cuts.values())
        self._next_frame = start_frame + SEGMENT_FRAMES
        first = next(iter(cuts.values()))
        return {name: replace(cut, follows=follows, begins_at=first.begins_at) for name, cut in cuts.items()}


class Playlist:
    """The live playlist: what is listed, what is still served, and the two sequence numbers.

    All renditions share it, so their numbers, times and discontinuities are the same (RFC 8216, 6.2.4).
    """

    def __init__(
        self,
        epoch: str,
        listed: int,
        now: datetime,
        memory: Memory | None = None,
        renditions: Sequence[str] = (PLAIN,),
    ) -> None:
        self.renditions = tuple(renditions)
        self._epoch = epoch
        """In every name: a run that knows nothing of the last one still never reuses a URI."""
        self._length = listed
        # a segment takes 4.032 s: a number made from the time in units of 4 s lies above all that were ever given out
        by_time = int(now.timestamp()) // TARGET_DURATION_S
        memory = memory or Memory(by_time, 0, (), ())
        self._retained = deque(memory.retained)
        self._listed = deque(memory.listed)
        self._discontinuity_sequence = memory.discontinuity_sequence
        self._next_sequence = memory.next_sequence
        if self._listed and abs((now - self._listed[-1].ends_at).total_seconds()) > STALE_S:
            self._drop(len(self._listed))
        if not self._listed:
            self._next_sequence = max(self._next_sequence, by_time)
        self._last_end = memory.listed[-1].ends_at if memory.listed else None
        self._begins = True

    @property
    def memory(self) -> Memory:
        """All that the next run needs."""
        return Memory(self._next_sequence, self._discontinuity_sequence, tuple(self._retained), tuple(self._listed))

    @property
    def names(self) -> frozenset[str]:
        """Every file that must be served."""
        return frozenset(name for segment in (*self._retained, *self._listed) for name in self.files_of(segment))

    def files_of(self, segment: Segment) -> tuple[str, ...]:
        """Names of a segment's files, one for each rendition."""
        return tuple(file_name(rendition, segment) for rendition in self.renditions)

    def keep_only(self, present: Collection[str]) -> None:
        """Forget what came before the last segment whose content is lost."""

        def whole(segment: Segment) -> bool:
            return all(name in present for name in self.files_of(segment))

        lost = [at for at, segment in enumerate(self._listed) if not whole(segment)]
        if lost:
            self._drop(lost[-1] + 1)
        self._retained = deque(filter(whole, self._retained))

    def add(self, cut: Cut) -> Segment:
        """List a new segment; the oldest one leaves when there are enough."""
        begins_at = cut.begins_at if self._last_end is None else max(cut.begins_at, self._last_end)
        name = f"{self._epoch}-{self._next_sequence}.aac"
        segment = Segment(self._next_sequence, name, begins_at, self._begins or not cut.follows)
        self._begins, self._last_end = False, segment.ends_at
        self._next_sequence += 1
        self._listed.append(segment)
        self._drop(len(self._listed) - self._length)
        # served for its own length and that of the longest playlist that listed it (RFC 8216, 6.2.2)
        while len(self._retained) > self._length + 1 + RETAINED_SPARE:
            self._retained.popleft()
        return segment

    def text(self, rendition: str = PLAIN) -> str:
        """Write the playlist file of one rendition."""
        first = self._listed[0].sequence if self._listed else self._next_sequence
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            f"#EXT-X-TARGETDURATION:{TARGET_DURATION_S}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuity_sequence}",
        ]
        for segment in self._listed:
            if segment.discontinuous:
                lines.append("#EXT-X-DISCONTINUITY")
            at = segment.begins_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"#EXTINF:{SEGMENT_FRAMES / SAMPLE_RATE_HZ:.3f},"]
            lines.append(file_name(rendition, segment))
        return "\n".join(lines) + "\n"

    def _drop(self, count: int) -> None:
        for _ in range(count):
            segment = self._listed.popleft()
            self._discontinuity_sequence += segment.discontinuous
            self._retained.append(segment)
