"""Any mood that is allowed, its numbers at the ends of their ranges as often as between them."""

from hypothesis import assume
from hypothesis import strategies as st

from engine.errors import MoodError
from engine.harmony import PROGRESSIONS
from engine.mood import FILL_BARS, MAY_BE_SILENT, RANGES, SAMPLING_RANGES, Mood, Sampling
from engine.tokens import STYLES

_WHOLE = {
    "register_low",
    "register_high",
    "piece_bars_low",
    "piece_bars_high",
    "drum_kit",
    "top_k",
    "candidates",
    "fill_bars",
}
_CANDIDATES_MAX = 3


def _number(field, low, high):
    if field == "fill_bars":
        return st.sampled_from(FILL_BARS)
    if field == "candidates":
        high = _CANDIDATES_MAX  # more of the same, and slow
    if field in _WHOLE:
        return st.one_of(st.sampled_from([low, high]), st.integers(low, high))
    return st.one_of(st.sampled_from([low, high]), st.floats(low, high))


def _numbers(ranges):
    return st.fixed_dictionaries({field: _number(field, low, high) for field, (low, high) in ranges.items()})


@st.composite
def any_mood(draw):
    values = draw(_numbers(RANGES))
    for low, high in (("bpm_low", "bpm_high"), ("piece_bars_low", "piece_bars_high")):
        values[low], values[high] = sorted((values[low], values[high]))
    try:
        return Mood(
            "any",
            keys=tuple(draw(st.lists(st.integers(0, 11), min_size=1, max_size=3))),
            palette=tuple(draw(st.lists(st.sampled_from(sorted(PROGRESSIONS)), min_size=2, max_size=5))),
            piano_style=draw(st.sampled_from(STYLES)),
            drum_style=draw(st.sampled_from(STYLES)),
            sampling=Sampling(**draw(_numbers(SAMPLING_RANGES))),
            silent=tuple(draw(st.sets(st.sampled_from(MAY_BE_SILENT), max_size=2))),
            **values,
        )
    except MoodError:
        assume(False)
