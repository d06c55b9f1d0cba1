"""The process that makes one clip: reads an order from standard input, says on standard output what came of it.

Runs behind everything else on the machine and ends by itself. Knows nothing about who wants the clip.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from engine import MOODS, EngineError, StationSetup
from radio.errors import RadioError
from radio.replay_order import Place, ReplayOrder, replay
from radio.replay_plan import Span

NICENESS = 19
ALARM_S = 900
"""Should whoever asked be gone."""


def main() -> None:
    """Make the clip."""
    os.nice(NICENESS)
    signal.alarm(ALARM_S)
    order = json.load(sys.stdin)
    soundfont = None if order["soundfont"] is None else Path(order["soundfont"])
    setup = StationSetup(
        mood=MOODS["study"], seed=0, soundfont=soundfont, loops=Path(order["loops"]), composer="rules",
        target_lufs=order["target_lufs"],
    )  # fmt: skip
    span = Span(order["station"], order["from_ms"], order["frames"])
    try:
        place = Place(Path(order["journal"]), Path(order["states"]), setup)
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for the answer alone
            done = replay(ReplayOrder(span, Path(order["out"])), place)
        told = {"exact": done.exact, "warnings": done.warnings, "bars": done.bars}
    except (RadioError, EngineError) as problem:
        told = {"error": str(problem)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
