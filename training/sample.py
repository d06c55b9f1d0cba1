"""Lets a trained network write bars under given headers, for evaluation only: plain sampling, hardly a mask.

The station's composer samples with more care; knows nothing about it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.types import TICKS_PER_BAR
from training.runtime import OnnxStep

LONGEST_BAR_TOKENS = 120


def headers_of(ids: list[int]) -> tuple[list[int], list[list[int]]]:
    """Return a song's prefix and the header of each of its bars."""
    prefix: list[int] = []
    headers: list[list[int]] = []
    in_header = False
    for token in ids:
        if token == tokens.BAR:
            headers.append([token])
            in_header = True
        elif not headers:
            prefix.append(token)
        elif in_header and not tokens.is_position(token) and token != tokens.END:
            headers[-1].append(token)
        else:
            in_header = False
    return prefix, headers


def write_song(model: OnnxStep, ids: list[int], seed: int, top_p: float = 0.97, bars: int = 32) -> list[int]:
    """Return a song with the prefix and the headers of another one, up to `bars` bars."""
    rng = np.random.default_rng(seed)
    prefix, headers = headers_of(ids)
    state = model.initial_state()
    out: list[int] = []

    def feed(token: int) -> npt.NDArray[np.float32]:
        nonlocal state
        out.append(token)
        logits, state = model.step(np.array([token], np.int64), state)
        return np.asarray(logits[0])

    for token in prefix:
        feed(token)
    for header in headers[:bars]:
        logits = [feed(token) for token in header][-1]
        first = tokens.POSITION_BASE
        for _ in range(LONGEST_BAR_TOKENS):
            token = _draw(logits, first, top_p, rng)
            if token == tokens.BAR:
                break
            if tokens.is_position(token):
                first = token + 1
            logits = feed(token)
    return [*out, tokens.END]


def _draw(logits: npt.NDArray[np.float32], first: int, top_p: float, rng: np.random.Generator) -> int:
    """Draw a token by nucleus; time never goes back, and a new song never starts."""
    allowed = logits.astype(np.float64)
    allowed[: tokens.NOTE_BASE] = -np.inf
    if first == tokens.POSITION_BASE:  # after the header comes a position or the next bar
        allowed[: tokens.BAR] = -np.inf
        allowed[tokens.CHORD_BASE : tokens.STYLE_BASE] = -np.inf
    allowed[tokens.STYLE_BASE : first] = -np.inf
    if first >= tokens.POSITION_BASE + TICKS_PER_BAR:
        allowed[tokens.POSITION_BASE :] = -np.inf
    shares = np.exp(allowed - allowed.max())
    shares /= shares.sum()
    order = np.argsort(-shares)
    kept = order[: int(np.searchsorted(np.cumsum(shares[order]), top_p)) + 1]
    return int(rng.choice(kept, p=shares[kept] / shares[kept].sum()))
