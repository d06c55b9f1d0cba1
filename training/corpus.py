"""The prepared corpus of one part: token sequences with names, splits and variants in one file.

Knows nothing about music. A song with variant -1 belongs to every epoch, one with variant v to the epochs e with
e mod variants == v: that is how augmented copies come round without growing an epoch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import tokens
from training.errors import CorpusError

EVERY_EPOCH = -1
Ids = npt.NDArray[np.uint16]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Entry:
    """One token sequence of the corpus."""

    name: str
    """Names the song: entries of one song share it, whatever their variant."""
    validation: bool
    variant: int
    ids: Ids = field(repr=False)
    learned: Marks | None = field(default=None, repr=False)
    """One a token: whether its loss counts; None: all do. The others are context only."""

    def marks(self) -> Marks:
        """Return which tokens count."""
        return np.ones(len(self.ids), np.bool_) if self.learned is None else self.learned


@dataclass(frozen=True, slots=True)
class Corpus:
    """All sequences of one part."""

    entries: tuple[Entry, ...]
    vocabulary_size: int = tokens.VOCABULARY_SIZE
    """Tokens of the network's output: all of ours, or the first 2,176, which are MIDICompact."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Data set to the hash of the files that were read (see corpora.py)."""

    @property
    def vocabulary_sha256(self) -> str:
        """Return the hash that names the vocabulary."""
        return tokens.vocabulary_sha256(self.vocabulary_size)

    @property
    def variants(self) -> int:
        """Return the number of variants, at least 1."""
        return max((entry.variant for entry in self.entries), default=0) + 1 or 1

    def validation(self) -> Ids:
        """Return the validation songs, one after the other."""
        return np.concatenate([entry.ids for entry in self.entries if entry.validation])

    def epoch(self, number: int, seed: int) -> Ids:
        """Return the training stream of an epoch: its songs in an order that only (seed, number) decides."""
        return np.concatenate([entry.ids for entry in self._songs(number, seed)])

    def epoch_marks(self, number: int, seed: int) -> Marks:
        """Return which tokens of that stream count."""
        return np.concatenate([entry.marks() for entry in self._songs(number, seed)])

    def _songs(self, number: int, seed: int) -> list[Entry]:
        variant = number % self.variants
        songs = [e for e in self.entries if not e.validation and e.variant in (EVERY_EPOCH, variant)]
        order = np.random.default_rng((seed, number)).permutation(len(songs))
        return [songs[i] for i in order]


def check_split(entries: Iterable[Entry]) -> None:
    """Refuse a song that is in both splits."""
    both = {True: set[str](), False: set[str]()}
    for entry in entries:
        both[entry.validation].add(entry.name)
    shared = sorted(both[True] & both[False])
    if shared:
        raise CorpusError(f"{len(shared)} songs are in both splits, for example {shared[0]}. Split by song.")


def save_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus, atomically."""
    check_split(corpus.entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp.npz")
    marked = any(entry.learned is not None for entry in corpus.entries)
    np.savez_compressed(
        draft,
        vocabulary=np.array(corpus.vocabulary_sha256),
        vocabulary_size=np.array(corpus.vocabulary_size),
        sources=np.array(json.dumps(dict(corpus.sources), sort_keys=True)),
        ids=np.concatenate([entry.ids for entry in corpus.entries]).astype(np.uint16),
        lengths=np.array([len(entry.ids) for entry in corpus.entries]),
        names=np.array([entry.name for entry in corpus.entries]),
        validation=np.array([entry.validation for entry in corpus.entries]),
        variants=np.array([entry.variant for entry in corpus.entries]),
        **({"learned": np.concatenate([entry.marks() for entry in corpus.entries])} if marked else {}),
    )
    os.replace(draft, path)


def load_corpus(path: Path) -> Corpus:
    """Read a corpus.

    Raises:
        CorpusError: the file is missing, or was written with another vocabulary.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: not found. Run `python -m training.prepare` first.")
    with np.load(path) as file:
        # The first corpora name neither: they have our vocabulary.
        size = int(file["vocabulary_size"]) if "vocabulary_size" in file else tokens.VOCABULARY_SIZE
        sources = json.loads(str(file["sources"])) if "sources" in file else {}
        if size > tokens.VOCABULARY_SIZE or str(file["vocabulary"]) != tokens.vocabulary_sha256(size):
            raise CorpusError(f"{path}: written with another token table. Run `python -m training.prepare` again.")
        cuts = np.cumsum(file["lengths"])[:-1]
        ids = np.split(file["ids"], cuts)
        # Without marks every token counts.
        marks = np.split(file["learned"], cuts) if "learned" in file else [None] * len(ids)
        columns = zip(file["names"], file["validation"], file["variants"], ids, marks, strict=True)
        entries = tuple(Entry(str(name), bool(v), int(n), song, mark) for name, v, n, song, mark in columns)
        return Corpus(entries, size, sources)


def corpus_sha256(path: Path) -> str:
    """Return the hash that names a prepared corpus in logs and checkpoints."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_ids(sequence: Sequence[int]) -> Ids:
    """Return tokens as the array that corpora hold."""
    return np.array(sequence, dtype=np.uint16)
