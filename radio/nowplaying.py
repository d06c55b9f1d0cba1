"""The board that says what is sounding, moved by the broadcast clock alone. Knows nothing about who reads it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine import Bar, BarStart, Piece, tonic_name, typeset

HISTORY_PIECES = 50
_TONICS = {typeset(tonic_name(key, minor)): key for minor in (False, True) for key in range(12)}
"""Of either mode: older journals have `D♭ minor` and `A♭ minor`, too."""

Watcher = Callable[[BarStart, datetime], None]
"""Called at the start of every bar with the wall clock of its first frame; must return at once."""


@dataclass(frozen=True, slots=True)
class PlayedPiece:
    """One piece that went on air."""

    number: int
    title: str
    key: str
    """As read aloud: `E♭ minor`."""
    bpm: float
    mood: str
    """Mood in force when its first bar was composed."""
    started_at: datetime


class NowPlaying:
    """What one station is playing, and the pieces before it."""

    def __init__(self) -> None:
        self.current: BarStart | None = None
        self.bar_started_at: datetime | None = None
        self.piece_started_at: datetime | None = None
        self._history: deque[PlayedPiece] = deque(maxlen=HISTORY_PIECES)
        self._watchers: list[Watcher] = []

    @property
    def history(self) -> tuple[PlayedPiece, ...]:
        """Last pieces, newest first, the one that is sounding included."""
        return tuple(reversed(self._history))

    @property
    def title(self) -> str:
        """Title on the wire: `Rain on Glass · E♭ minor · study`; empty before the first bar."""
        return "" if self.current is None else wire_title(self.current.bar)

    def begin(self, bar_start: BarStart, wall: datetime) -> None:
        """Say that a bar's first frame has just gone on air."""
        piece = bar_start.bar.piece
        if self.current is None or self.current.bar.piece.number != piece.number:
            self.piece_started_at = wall
            self._history.append(
                PlayedPiece(piece.number, piece.title, key_name(piece), piece.bpm, bar_start.bar.mood, wall)
            )
        self.current, self.bar_started_at = bar_start, wall
        for watcher in tuple(self._watchers):
            watcher(bar_start, wall)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` at every bar; the answer ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)


def key_name(piece: Piece) -> str:
    """Name a piece's key as it is read aloud."""
    return f"{typeset(tonic_name(piece.key, piece.minor))} {'minor' if piece.minor else 'major'}"


def key_of_name(name: str) -> tuple[int, bool] | None:
    """Return tonic and mode (True: minor) of a key as it is read aloud; None for what is no key."""
    note, _, mode = name.partition(" ")
    return (_TONICS[note], mode == "minor") if note in _TONICS and mode in ("major", "minor") else None


def wire_title(bar: Bar) -> str:
    """Title that ICY and Icecast carry while this bar sounds."""
    return f"{bar.piece.title} · {key_name(bar.piece)} · {bar.mood}"
