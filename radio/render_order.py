"""What to render and where to: one order is one track. Knows nothing about terminals or how music is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from engine import STEMS, Asset, Extent, StationSetup, prompt_to_tree
from radio.errors import RenderError
from radio.sound_file import LOSSLESS, SUFFIXES

COUNT_MAX = 10_000
LICENCE = "CC0-1.0: the makers of lofi-radio claim no rights in this recording"
_MIDI = (".mid", ".midi")


@dataclass(frozen=True, slots=True)
class Order:
    """One track; picklable."""

    setup: StationSetup
    extent: Extent
    out: Path
    midi: Path | None = None
    stems: Path | None = None
    """Folder for the parts apart."""
    lufs: float | None = None
    """Loudness of the whole track; None leaves it as the station plays."""
    title: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work begins."""
        if not 0 <= self.setup.seed < 1 << 63:
            raise RenderError(f"--seed {self.setup.seed}: must be 0 to {(1 << 63) - 1}.")
        if self.out.suffix.lower() not in SUFFIXES:
            raise RenderError(
                f"{self.out}: cannot write {self.out.suffix or 'a file without an ending'}. Use {_either()}."
            )
        if self.midi is not None and self.midi.suffix.lower() not in _MIDI:
            raise RenderError(f"{self.midi}: a MIDI file ends in .mid.")
        if self.lufs is not None and not -40 <= self.lufs <= -8:
            raise RenderError(f"--lufs {self.lufs:g}: must be -40 to -8.")
        for path in filter(None, (self.out, self.midi)):
            if path.is_dir():
                raise RenderError(f"{path}: this is a folder. Name a file in it.")
            if not path.absolute().parent.is_dir():
                raise RenderError(f"{path}: there is no folder {path.parent}. Make it first.")
        if self.stems is not None and self.stems.exists() and not self.stems.is_dir():
            raise RenderError(f"{self.stems}: this is a file. --stems names a folder.")

    @property
    def digest(self) -> str:
        """Names everything that makes this track the one it is: same digest, same notes."""
        setup = self.setup
        facts = {
            "mood": asdict(setup.mood), "seed": setup.seed, "extent": asdict(self.extent), "form": setup.form,
            "parts": sorted(setup.parts), "composer": setup.composer, "lufs": self.lufs,
            "prompt": None if setup.prompt is None else prompt_to_tree(setup.prompt),
        }  # fmt: skip
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def stem_path(self, name: str) -> Path:
        """Return where a stem is written; lossless in every case."""
        assert self.stems is not None, "expected an order with stems"
        suffix = self.out.suffix.lower() if self.out.suffix.lower() in LOSSLESS else ".flac"
        return self.stems / f"{name}{suffix}"

    def tags(self, pieces: list[str], assets: tuple[Asset, ...]) -> dict[str, str]:
        """Return what the file says about itself; `comment` is JSON."""
        setup = self.setup
        told = {
            "lofi-radio": version("lofi-radio"), "order": self.digest, "seed": setup.seed, "mood": setup.mood.name,
            "composer": setup.composer, "pieces": pieces,
            "assets": [f"{asset.name} {asset.sha256[:12]} ({asset.licence})" for asset in assets],
        }  # fmt: skip
        if setup.prompt is not None:
            told["prompt"] = f"{setup.prompt.name}: {', '.join(setup.prompt.notices)}"
        by_itself = pieces[0] if len(pieces) == 1 else f"{setup.mood.name}, seed {setup.seed}"
        return {
            "title": self.title or by_itself, "artist": "lofi-radio", "genre": "Lo-Fi",
            "copyright": LICENCE, "comment": json.dumps(told, ensure_ascii=True),
        }  # fmt: skip


def numbered(order: Order, count: int) -> Iterator[Order]:
    """Yield the orders of a batch: seeds one after the other, names with a number or with what `{n}`, `{seed}` say."""
    if not 1 <= count <= COUNT_MAX:
        raise RenderError(f"--count {count}: must be 1 to {COUNT_MAX}.")
    for n in range(1, count + 1):
        seed = order.setup.seed + n - 1
        yield replace(
            order,
            setup=replace(order.setup, seed=seed),
            out=_named(order.out, n, seed),
            midi=None if order.midi is None else _named(order.midi, n, seed),
            stems=None if order.stems is None else _named(order.stems / order.out.stem, n, seed),
        )


def _named(path: Path, n: int, seed: int) -> Path:
    if "{n}" in path.name or "{seed}" in path.name:
        return path.with_name(path.name.replace("{n}", f"{n:03}").replace("{seed}", str(seed)))
    return path.with_name(f"{path.stem}-{n:03}{path.suffix}")


def parse_parts(text: str) -> tuple[str, ...]:
    """Read `keys,drums`; raises RenderError for what is no part."""
    parts = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    unknown = [part for part in parts if part not in STEMS]
    if unknown or not parts:
        raise RenderError(
            f"--parts {text}: {unknown[0] if unknown else 'nothing'!r} is no part. Use {', '.join(STEMS)}."
        )
    return parts


def parse_seconds(text: str) -> float:
    """Read `90`, `1:30` or `1:02:03` as seconds; raises RenderError for anything else."""
    try:
        numbers = [float(part) for part in text.strip().split(":")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or any(number >= 60 or number < 0 for number in numbers[1:]):
        raise RenderError(f"--seconds {text[:40]}: not a length. Write 90, 1:30 or 1:02:03.")
    total = 0.0
    for number in numbers:
        total = total * 60 + number
    return total


def _either() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
