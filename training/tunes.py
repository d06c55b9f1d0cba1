"""Dance tunes as MIDICompact text, the thesis's way: folders of MIDI, and ABC collections through music21.

music21 is imported only when an ABC file is read. Knows nothing about splits, ids or the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import mido

from training.errors import CorpusError
from training.midi import open_midi
from training.midi_encoder import encode
from training.midicompact import THESIS
from training.parallel import work_through

_ARTICLES = re.compile(r"\b(the|an|a)\b|[^a-z0-9 ]")
_DANCES = re.compile(r"(reel|jig|hornpipe|polka|slide|strathspey|slipjig|the)+$")
_NO_MUSIC = re.compile(r"\s*(%|[A-Za-z]:[^|:]|$)")
"""A line that is a comment, a field such as `K:G`, or blank."""
_BARS = re.compile(r":\|*:|:\|+\]?(\s*\[?[2-9])?|\|+:|\|\||\|\]|\|")


@dataclass(frozen=True, slots=True)
class Tune:
    """One piece as text; pieces of one title share their name, whatever the collection."""

    name: str
    text: str


def title_key(title: str) -> str:
    """Return a title without case, articles, signs and dance: `The Achonry Lasses (reel)` is `achonrylasses`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title).lower()
    letters = _ARTICLES.sub("", words).replace(" ", "")
    return _DANCES.sub("", letters) or letters or title


def read_midi_tunes(folder: Path, workers: int | None = None) -> tuple[list[Tune], list[str]]:
    """Read every MIDI file below a folder; return the tunes and the reasons for files that were left out."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not paths:
        raise CorpusError(f"{folder}: no .mid file. Name the folder that holds the tunes.")
    done, skipped = work_through(encode_tune, paths, folder.name, workers)
    return [Tune(title_key(path.stem), text) for path, texts in done for text in texts], skipped


def encode_tune(path: Path) -> list[str]:
    """Return the pieces of a file, in strict mode.

    Raises:
        CorpusError: the file is broken or holds no music.
    """
    return _pieces(open_midi(path), str(path))


def read_abc_tunes(folder: Path, workers: int | None = None) -> tuple[list[Tune], list[str]]:
    """Read every tune of every ABC file in a folder; return the tunes and the reasons for those that were left out."""
    paths = sorted(folder.glob("*.abc"))
    if not paths:
        raise CorpusError(f"{folder}: no .abc file. Name the folder that holds the collections.")
    load_music21()
    sources = [source for path in paths for source in split_abc(path.read_text(encoding="utf-8"), path.name)]
    done, skipped = work_through(encode_abc, sources, folder.name, workers)
    return [Tune(title_key(source[1]), text) for source, texts in done for text in texts], skipped


def split_abc(text: str, file_name: str) -> Iterator[tuple[str, str, str]]:
    """Yield (place, title, ABC text) of each tune of a collection."""
    for part in re.split(r"(?m)^(?=X:)", text)[1:]:
        number = part.splitlines()[0][2:].strip()
        title = re.search(r"(?m)^T:(.*)$", part)
        yield f"{file_name} X:{number}", title[1].strip() if title else number, part


def open_repeats(text: str) -> str:
    """Return an ABC tune with `|:` before each part that only ends in `:|`, as dance tunes are mostly written.

    music21 takes such a part to begin at the tune's start: it would double the tune with every part, so that ten parts
    become a thousand. A part begins with the tune, after a repeat or a double bar, or after a second ending's bar.
    """
    start, opened, ending, offset = None, False, False, 0
    places = []
    for line in text.splitlines(keepends=True):
        if not _NO_MUSIC.match(line):
            start = offset if start is None else start
            for bar in _BARS.finditer(line):
                sign = bar[0]
                repeat = ":" in sign
                if sign[0] == ":" and not opened:
                    places.append(start)
                if repeat or (not opened and (sign != "|" or ending)):
                    start, opened = offset + bar.end(), sign[-1] == ":"
                ending = sign[-1].isdigit()
        offset += len(line)
    for place in reversed(places):
        text = f"{text[:place]} |: {text[place:]}"
    return text


def encode_abc(source: tuple[str, str, str]) -> list[str]:
    """Return the pieces of one ABC tune, in strict mode.

    Raises:
        CorpusError: music21 cannot read it, or it holds no music.
    """
    place, title, text = source
    music21 = load_music21()
    try:
        score = music21.converter.parse(open_repeats(text), format="abc")
        content = music21.midi.translate.streamToMidiFile(score).writestr()
    except (music21.exceptions21.Music21Exception, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise CorpusError(f"{place} ({title}): music21 cannot read it ({type(error).__name__}: {error}).") from error
    return _pieces(mido.MidiFile(file=BytesIO(content)), f"{place} ({title})")


def load_music21():  # noqa: ANN201 - the package is optional, so its type is not known here
    """Return the package music21.

    Raises:
        CorpusError: it is not installed.
    """
    try:
        import music21
    except ImportError as error:
        raise CorpusError(
            "ABC files are read with music21, which is not installed. `pip install music21`, or leave the ABC set out "
            "with --sets irish_cre."
        ) from error
    return music21


def _pieces(file: mido.MidiFile, place: str) -> list[str]:
    texts = encode(file, THESIS, strict=True)
    if not texts:
        raise CorpusError(f"{place}: holds no music.")
    return texts
