"""How long engines that fail or lag are put up with before the rules compose. Knows nothing about processes or bars."""

from __future__ import annotations

from radio.clock import Clock
from radio.errors import WorkerError

FAILURES_MAX = 3.0
"""So many engines in a row that give no music, and the rules take over."""
ENDED_FROM_OUTSIDE = 0.5
"""What an engine counts that was killed or stopped: the next one need not be, but a machine may lack the memory."""
SLOW_BARS = 4
"""So many bars in a row took longer than they last and the lead has almost run dry: the rules compute less."""
SOUND_BARS = 3
"""An engine that has rendered so many bars is well."""
RULES_S = 600.0
"""After so long the models get another chance."""
DELAY_MAX_S = 10.0


class Patience:
    """What a station has seen of its engines."""

    def __init__(self, clock: Clock) -> None:
        self.on_rules = False
        """True while the rules stand in for models that failed."""
        self._clock = clock
        self._failures = 0.0
        self._bars = 0
        self._slow_bars = 0
        self._models_again_s = 0.0

    @property
    def models_due(self) -> bool:
        """Whether the models get another chance now."""
        return self.on_rules and self._clock.now_s() >= self._models_again_s

    @property
    def delay_s(self) -> float:
        """How long to wait before the next engine is made."""
        return 0.0 if self._failures <= 1 else min(DELAY_MAX_S, 0.25 * 2**self._failures)

    def begins(self) -> None:
        """Count from here the bars of an engine that was just made."""
        self._bars = 0

    def saw(self, *, slow: bool, low: bool) -> None:
        """Take note of a bar: whether it took longer than it lasts, and whether the lead has almost run dry.

        Raises:
            WorkerError: there is no more waiting for models that the machine is too slow for.
        """
        self._slow_bars = self._slow_bars + 1 if slow else 0
        if self._slow_bars >= SLOW_BARS and low and not self.on_rules:
            self._slow_bars, self._failures = 0, FAILURES_MAX
            raise WorkerError(f"the engine is slower than the music: {SLOW_BARS} bars in a row")
        self._bars += 1
        if self._bars == SOUND_BARS:
            self._failures = 0.0

    def failed(self, problem: WorkerError) -> bool:
        """Count an engine that failed; True when the rules compose from here on, or begin anew."""
        self._failures += ENDED_FROM_OUTSIDE if problem.outside else 1
        if self._failures < FAILURES_MAX:
            return False
        self.on_rules = True
        self._models_again_s = self._clock.now_s() + RULES_S
        return True

    def try_models(self) -> None:
        """Give the models another chance: one more failure and the rules are back."""
        self.on_rules, self._failures = False, FAILURES_MAX - 1
