"""How much of composing is the models' steps, how much sampling and grammar. Knows nothing about what is written."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stepping import SIZES, load_exported, random_weights
from engine import Station, StationSetup, find_mood, load_recurrence, thesis
from engine.beat import BeatGrammar, BeatRules
from engine.chance import generator
from engine.grammar import KeysGrammar, KeysRules
from engine.harmony import tonic_chord
from engine.mood import Sampling
from engine.recurrence import Recurrence
from engine.timecode import time_code
from engine.writer import Grammar, Writer

BARS = 24
ROUNDS = 3
THESIS_TOKENS = 150
_KEYS = KeysRules((tonic_chord(False), tonic_chord(True)), density=4, low=48, high=84)


@dataclass(frozen=True, slots=True)
class Writing:
    """Processor time of composing one bar of both parts, milliseconds."""

    bar_ms: float
    steps_ms: float
    choosing_ms: float
    """Grammar, penalties, sampling."""
    steps: float
    """Calls of the models a bar."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """Processor time of choosing beside that of the step before it, all candidates together, milliseconds."""

    model: str
    candidates: int
    step_ms: float
    choosing_ms: float

    @property
    def share(self) -> float:
        """Of a step."""
        return self.choosing_ms / self.step_ms


class _Watch:
    """Adds up the processor time of some methods."""

    def __init__(self) -> None:
        self.spent_s, self.calls = 0.0, 0

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:  # noqa: ANN401
            begun_s = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.spent_s += time.process_time() - begun_s
                self.calls += 1

        return timed


def measure(models: Path, backend: str = "auto") -> Writing:
    """Compose bars of study without sound."""
    setup = StationSetup(
        find_mood("study"), seed=1, piano_model=models / "piano", drums_model=models / "drums", backend=backend
    )
    station = Station.build(setup)
    composer = station._composer
    steps, choosing = _Watch(), _Watch()
    writers = [composer._keys._writer, composer._drums._writer]
    for writer in writers:
        writer._next_token = choosing.of(writer._next_token)
        recurrence = writer._recurrence
        recurrence.advance = steps.of(recurrence.advance)
    for _ in range(3):
        next(composer)
    steps.spent_s = choosing.spent_s = 0.0
    steps.calls = 0
    begun_s = time.process_time()
    for _ in range(BARS):
        next(composer)
    bar_ms = (time.process_time() - begun_s) * 1000 / BARS
    station.close()
    return Writing(bar_ms, steps.spent_s * 1000 / BARS, choosing.spent_s * 1000 / BARS, steps.calls / BARS)


def choosing(models: Path) -> Iterator[Choosing]:
    """Measure what is chosen under the bars' grammars, and as the thesis does at its size (random weights)."""
    for part, begin in (("piano", _keys_grammar), ("drums", _beat_grammar)):
        yield _best(_under_grammar, part, load_recurrence(models / part), begin, Sampling())
    with tempfile.TemporaryDirectory() as folder:
        large = load_exported(random_weights(SIZES["20x512"]), 8, Path(folder))
        yield _best(_as_thesis, "20x512, the thesis's sampling", large)
        yield _best(_under_grammar, "20x512, the same and our grammar", large, _keys_grammar, thesis.SAMPLING)


def _best(measured: Callable[..., Choosing], *arguments: Any) -> Choosing:  # noqa: ANN401
    """Return the best round, as others use the machine, too."""
    return min((measured(*arguments) for _ in range(ROUNDS)), key=lambda one: one.step_ms + one.choosing_ms)


def _under_grammar(name: str, model: Recurrence, begin: Callable[[int], Grammar], settings: Sampling) -> Choosing:
    writer: Any = Writer(model, generator(1))
    steps, choices = _Watch(), _Watch()
    writer.feed([1])
    with _watched(model, "advance", steps), _watched(writer, "_next_token", choices):
        for _ in range(BARS):
            endings = writer.sample([begin(model.vocabulary_size) for _ in range(settings.candidates)], settings)
            writer.adopt(endings[0])
    return Choosing(name, settings.candidates, steps.spent_s * 1000 / steps.calls, choices.spent_s * 1000 / steps.calls)


def _as_thesis(name: str, model: Recurrence) -> Choosing:
    steps = _Watch()
    with _watched(model, "step", steps):
        begun_s = time.process_time()
        thesis.write(model, [1], thesis.Song(out_len=THESIS_TOKENS), 0)
        spent_s = time.process_time() - begun_s
    return Choosing(name, 1, steps.spent_s * 1000 / steps.calls, (spent_s - steps.spent_s) * 1000 / steps.calls)


def _keys_grammar(size: int) -> Grammar:
    return KeysGrammar(_KEYS, time_code(size), size, {})


def _beat_grammar(size: int) -> Grammar:
    return BeatGrammar(BeatRules(density=3), size)


@contextmanager
def _watched(owner: Any, method: str, watch: _Watch) -> Iterator[None]:  # noqa: ANN401
    """Have a method watched for a while."""
    setattr(owner, method, watch.of(getattr(owner, method)))
    try:
        yield
    finally:
        delattr(owner, method)


def load_ms(folder: Path, backend: str = "auto") -> float:
    """Return how long a model takes to load, milliseconds on the wall."""
    begun_s = time.monotonic()
    load_recurrence(folder, backend)
    return (time.monotonic() - begun_s) * 1000
