"""A journal of a station's evening: rows that follow each other as a broadcast makes them."""

from datetime import UTC, datetime
from pathlib import Path

from engine import MOODS, Asset, Bar, BarStart, Chord, NoteEvent, Part, Piece, Section
from radio.journal_bars import Airing, bar_row
from radio.journal_rows import AssetRow, EventRow, MoodRow
from radio.journal_store import JournalStore

BEGAN_MS = round(datetime(2026, 12, 1, 20, 0, tzinfo=UTC).timestamp() * 1000)
BAR_FRAMES = 144_000
BAR_MS = 3_000
RUN = 1

CARD = '{"origin": "Trained from scratch.", "data": [{"name": "POP909", "licence": "MIT", "source": "https://example.org"}]}'
ASSETS = (
    Asset("model piano", "aa" * 32, "MIT", CARD),
    Asset("bank lofi.sf2", "bb" * 32, "CC0-1.0"),
    Asset("loop vinyl/vinyl", "cc" * 32, "CC0-1.0"),
    Asset("loop ambience/sea", "dd" * 32, "CC0-1.0"),
)


class Evening:
    """Rows in order; each bar lasts 3 s and follows the one before, unless told otherwise."""

    def __init__(self, path: Path, station: str = "lofi", began_ms: int = BEGAN_MS) -> None:
        self.path, self.station = path, station
        self.wall_ms, self.frame, self.run, self.index, self.engine_frame = began_ms, 0, began_ms, 0, 0
        self.rows: list[object] = []
        self.mood = MoodRow("", "", 0)
        self.made: list[AssetRow] = [AssetRow("set", a.name, a.sha256, a.licence, a.about) for a in ASSETS]

    def bars(self, count: int = 1, *, repeated: bool = False, **about) -> "Evening":
        """Send bars."""
        for _ in range(count):
            airing = Airing(
                self.station, datetime.fromtimestamp(self.wall_ms / 1000, UTC), 5, "set", self.run, repeated,
                self.mood.hash, self.engine_frame, self.index // 8,
            )  # fmt: skip
            self.rows.append(bar_row(self.start(**about), airing))
            self.frame += BAR_FRAMES
            self.engine_frame += BAR_FRAMES
            self.wall_ms += BAR_MS
            self.index += 1
        return self

    def start(self, composer: str = "models", mood: str = "study") -> BarStart:
        piece = Piece(self.index // 8, f"Piece {self.index // 8}", 2**64 - 7 - self.index // 8, 80.0, 3, True, 48)
        notes = (NoteEvent(0, 96, 60, 70, Part.KEYS), NoteEvent(0, 6, 36, 90 + self.index % 8, Part.DRUMS))
        bar = Bar(
            self.index, piece, self.index % 8, Section.A, (Chord(0, "maj7"), None), notes, mood, composer, Section.A
        )
        return BarStart(self.frame, BAR_FRAMES, bar, mood=MOODS["study"])

    def passes(self, seconds: float, *, sound: bool = False) -> "Evening":
        """Let time pass without bars; with `sound` frames go out all the same."""
        self.wall_ms += round(seconds * 1000)
        self.frame += round(seconds * 48_000) if sound else 0
        return self

    def happens(self, kind: str, detail: str = "") -> "Evening":
        self.run = self.wall_ms if kind == "on air" else self.run
        self.rows.append(EventRow(self.station, self.run, self.frame, self.wall_ms, kind, detail))
        return self

    def write(self) -> Path:
        store = JournalStore(self.path)
        store.write(self.rows, [*self.made, *([self.mood] if self.mood.hash else [])])
        store.close()
        return self.path
