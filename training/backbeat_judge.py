"""What is asked of a drum bar: the backbeat and the density of its header. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine import tokens
from engine.types import TICKS_PER_BEAT
from training.groove import ACCENT_BIN, SNARES, has_backbeat
from training.judge import Draw, Logits, Verdict, last_tick
from training.songs import decode_drums

NOTES = np.array([tokens.note(pitch, velocity) for pitch in tokens.DRUM_PITCHES for velocity in range(1, 16)])
ACCENTS = np.isin(NOTES, [tokens.note(pitch, v) for pitch in SNARES for v in range(ACCENT_BIN, tokens.VELOCITY_BINS)])
STATED_WITHIN_TICKS = 2
"""How near to the beat a stated accent is; the model chooses where, and how hard."""


class BackbeatJudge:
    """The drums'."""

    draw = Draw(NOTES)
    helps = True

    def verdict(self, _song: Sequence[int], header: Sequence[int], bar: Sequence[int], stated: bool) -> Verdict:
        """See `Judge`; a bar whose backbeat was stated may have another density."""
        asked = header[2] == tokens.BACKBEAT
        hits = decode_drums([tokens.BAR, *bar]).hits
        holds = asked and has_backbeat(hits)
        density = tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS)
        return Verdict(asked, holds, holds and (stated or header[3] == tokens.density(density)))

    def state(self, allowed: Logits, bar: Sequence[int]) -> None:
        """Leave only what keeps the next accent possible; near its beat nothing but the accent itself."""
        hits = decode_drums([tokens.BAR, *bar]).hits
        now = last_tick(bar)
        accented = [hit.tick for hit in hits if hit.pitch in SNARES and hit.velocity_bin >= ACCENT_BIN]
        for beat in (1, 3):
            first = tokens.DRUM_WINDOW_TICKS + beat * TICKS_PER_BEAT - STATED_WITHIN_TICKS
            last = first + 2 * STATED_WITHIN_TICKS
            if any(first <= tick <= last for tick in accented):
                continue
            allowed[0] = -np.inf
            self.draw.positions_of(allowed)[last + 1 :] = -np.inf
            if now is not None and now >= first:
                self.draw.positions_of(allowed)[:] = -np.inf
                self.draw.notes_of(allowed)[~ACCENTS] = -np.inf
            return
