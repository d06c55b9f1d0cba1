"""HLS as a state machine: AAC frames become segments, segments become a live playlist (RFC 8216).

Knows nothing about tasks, disks or HTTP, and of time only what it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What a playlist must remember so that the next run continues it."""

    next_sequence: int
    discontinuity_sequence: int
    retained: tuple[Segment, ...]
    """No longer listed, but still served."""
    listed: tuple[Segment, ...]


class Segmenter:
    """Collects AAC frames until a segment is full."""

    def __init__(self) -> None:
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
            if not self._packets:
                self._start_frame, self._title = self._next_frame, title
            self._packets.append(packet)
            self._next_frame += AAC_FRAMES
            if len(self._packets) == SEGMENT_PACKETS:
                yield self._cut(self._anchor)

    def _cut(self, anchor: tuple[int, datetime]) -> Cut:
        data = segment_tag(self._start_frame, self._title) + b"".join(self._packets)
        begins_at = anchor[1] + timedelta(seconds=(self._start_frame - anchor[0]) / SAMPLE_RATE_HZ)
        cut = Cut(data, begins_at, self._follows)
        self._packets.clear()
        self._follows = True
        return cut


class Playlist:
    """The live playlist: what is listed, what is still served, and the two sequence numbers."""

    def __init__(self, epoch: str, listed: int, now: datetime, memory: Memory | None = None) -> None:
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
        """Every segment that must be served."""
        return frozenset(segment.name for segment in (*self._retained, *self._listed))

    def keep_only(self, present: Collection[str]) -> None:
        """Forget what came before the last segment whose content is lost."""
        lost = [at for at, segment in enumerate(self._listed) if segment.name not in present]
        if lost:
            self._drop(lost[-1] + 1)
        self._retained = deque(segment for segment in self._retained if segment.name in present)

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

    def text(self) -> str:
        """Write the playlist file."""
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
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"#EXTINF:{SEGMENT_FRAMES / SAMPLE_RATE_HZ:.3f},", segment.name]
        return "\n".join(lines) + "\n"

    def _drop(self, count: int) -> None:
        for _ in range(count):
            segment = self._listed.popleft()
            self._discontinuity_sequence += segment.discontinuous
            self._retained.append(segment)
