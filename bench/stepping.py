"""Tokens a second of both recurrence back ends on the same weights. Knows nothing about music."""

from __future__ import annotations

import time
from pathlib import Path

from engine import ModelError, load_recurrence

TOKENS = 300


def tokens_per_second(model: Path, backend: str) -> float | str:
    """Step through some tokens; return the rate, or why there is none."""
    try:
        recurrence = load_recurrence(model, backend)
    except ModelError as error:
        return str(error).split(". ")[0]
    state = recurrence.initial_state()
    for token in range(20):
        _, state = recurrence.step(token + 128, state)
    begun_s = time.process_time()
    for token in range(TOKENS):
        _, state = recurrence.step(token + 128, state)
    return TOKENS / (time.process_time() - begun_s)
