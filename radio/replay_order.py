"""Writes what was on air in a span to files: sound, notes, parts, with tags. Knows nothing about HTTP or terminals.

Files appear when they are whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import av
import soundfile

from engine import SAMPLE_RATE_HZ, STEMS, StationSetup, write_midi
from radio.appearing import appearing
from radio.errors import ReplayError
from radio.journal_bars import bar_of, piece_id, unsigned
from radio.journal_reader import JournalReader
from radio.journal_rows import AssetRow, BarRow
from radio.moments import iso
from radio.render_order import LICENCE
from radio.replay import Replay
from radio.replay_plan import Plan, Span, make_plan
from radio.replay_sound import SpanSound
from radio.sound_file import LOSSLESS, SUFFIXES, SoundWriter, open_sound

MIDI = ".mid"
SECONDS_MAX = 4 * 3600
_STEM_SETTLE_FRAMES = 2 * SAMPLE_RATE_HZ
"""A state knows the tails of the mix, not of each part: parts begin to sound so long before what is wanted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is."""

    journal: Path
    states: Path
    setup: StationSetup


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What to play again, and where to."""

    span: Span
    out: Path
    stems: Path | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work begins."""
        seconds = self.span.frames / SAMPLE_RATE_HZ
        if not 0.1 <= seconds <= SECONDS_MAX:
            raise ReplayError(f"{seconds:g} s: a replay lasts 0.1 to {SECONDS_MAX} s.")
        if self.out.suffix.lower() not in (*SUFFIXES, MIDI):
            raise ReplayError(f"{self.out}: cannot write this kind of file. Use {', '.join(SUFFIXES)} or {MIDI}.")
        if self.out.is_dir() or not self.out.absolute().parent.is_dir():
            raise ReplayError(f"{self.out}: name a file in a folder that is there.")
        if self.stems is not None and self.stems.exists() and not self.stems.is_dir():
            raise ReplayError(f"{self.stems}: this is a file. --stems names a folder.")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    bars: int
    frame: int
    """Where the span begins in the broadcast's own count."""
    exact: bool
    """Whether every sample is what went out (-60 dB and better on the machine that sent it)."""
    warnings: tuple[str, ...]


def replay(order: ReplayOrder, place: Place, progress: Callable[[int], None] = lambda _frames: None) -> Done:
    """Write the files of an order; `progress` is told how many frames are done. Raises ReplayError."""
    with JournalReader(place.journal) as reader, ExitStack() as stack:
        plan = make_plan(reader, order.span)
        setup = replace(place.setup, stems=order.stems is not None)
        player = Replay(reader, place.states, setup, _STEM_SETTLE_FRAMES if order.stems is not None else 0)
        stack.callback(player.close)
        try:
            if order.out.suffix.lower() == MIDI:
                return _notes(plan, player, order)
            tags = _tags(plan, reader.assets(plan.slots[0].row.assets), order.title)
            return _sound(plan, player, order, tags, progress)
        except (OSError, soundfile.SoundFileError, av.FFmpegError) as problem:
            raise ReplayError(
                f"{order.out}: cannot be written ({problem}). Check the folder and the space."
            ) from problem


def _sound(
    plan: Plan, player: Replay, order: ReplayOrder, tags: dict[str, str], progress: Callable[[int], None]
) -> Done:
    sound, done = SpanSound(plan, player), 0
    with ExitStack() as stack:
        writer = stack.enter_context(_file(stack, order.out, tags))
        stems = _stems(stack, order, tags)
        for piece in sound:
            writer.write(piece.samples)
            for name, stem in stems.items():
                stem.write(piece.apart[name])
            done += len(piece.samples)
            progress(done)
    warnings = [*player.warnings, *_about_gaps(plan)]
    return Done(len(plan.slots), plan.frame, sound.exact_frames == plan.span.frames, tuple(warnings))


def _stems(stack: ExitStack, order: ReplayOrder, tags: dict[str, str]) -> dict[str, SoundWriter]:
    if order.stems is None:
        return {}
    order.stems.mkdir(parents=True, exist_ok=True)
    suffix = order.out.suffix.lower() if order.out.suffix.lower() in LOSSLESS else ".flac"
    return {
        name: stack.enter_context(
            _file(stack, order.stems / f"{name}{suffix}", tags | {"title": f"{tags['title']} ({name})"})
        )
        for name in STEMS
    }


def _file(stack: ExitStack, path: Path, tags: dict[str, str]) -> SoundWriter:
    return open_sound(stack.enter_context(appearing(path)), path.suffix.lower(), tags)


def _notes(plan: Plan, player: Replay, order: ReplayOrder) -> Done:
    """Write the bars that sound in the span, each whole, with the instruments and tempos of then."""
    bars = [replace(bar_of(slot.source), mood=slot.source.mood_hash) for slot in plan.slots]
    moods = {slot.source.mood_hash: player.mood_of(slot.source) for slot in plan.slots}
    with appearing(order.out) as path:
        write_midi(bars, moods, path)
    return Done(len(bars), plan.frame, not player.warnings, tuple(player.warnings))


def _about_gaps(plan: Plan) -> Iterable[str]:
    for gap in plan.gaps:
        began = iso(plan.span.from_ms + gap.at * 1000 // SAMPLE_RATE_HZ)
        yield f"{gap.frames / SAMPLE_RATE_HZ:.1f} s from {began} hold no bar: {gap.what.value}."


def _tags(plan: Plan, assets: list[AssetRow], title: str | None) -> dict[str, str]:
    """What a file says about itself; `comment` is JSON."""
    rows = [slot.row for slot in plan.slots]
    pieces = list({piece_id(row): row for row in rows}.values())
    first = pieces[0].title if len(pieces) == 1 else f"{pieces[0].title} and {len(pieces) - 1} more"
    told = {
        "lofi-radio": rows[0].version,
        "station": plan.span.station,
        "aired": iso(plan.span.from_ms),
        "seconds": plan.span.frames / SAMPLE_RATE_HZ,
        "pieces": [_about(row) for row in pieces],
        "composer": sorted({row.composer for row in rows}),
        "assets": [f"{one.name} {one.sha256[:12]} ({one.licence})" for one in assets if _made_it(one, rows)],
    }
    return {
        "title": title or first, "artist": "lofi-radio", "genre": "Lo-Fi", "copyright": LICENCE,
        "comment": json.dumps(told, ensure_ascii=True),
    }  # fmt: skip


def _about(row: BarRow) -> dict[str, object]:
    return {
        "id": piece_id(row),
        "title": row.title,
        "seed": str(unsigned(row.piece_seed)),
        "key": row.key,
        "bpm": row.bpm,
    }


def _made_it(asset: AssetRow, rows: list[BarRow]) -> bool:
    """Whether a file took part: models only where they wrote bars; of loops all, since which sounded is the mood's."""
    return not asset.name.startswith(("model ", "state ")) or any(row.composer == "models" for row in rows)
