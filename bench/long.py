"""Render hours of the programme as fast as possible and measure all of it: `python -m bench.long --hours 6`.

The mood changes every 20 minutes. Prints one row every ten minutes (loudness, peaks, silence, clicks, memory), then
what holds for the whole: level steps and seams at changes of mood and piece, repetition, growth of memory. Takes about
20 minutes of a free core; in two halves on two cores: `--hours 3` and `--hours 3 --first-mood night-drive --seed 2`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import tempfile
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

import resource  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import IO  # noqa: E402

import numpy as np  # noqa: E402

from bench import listening, music  # noqa: E402
from bench.render import setup_of  # noqa: E402
from bench.steps import LONGEST_S, Step, step_at, summary  # noqa: E402
from engine import DOWNBEAT_FRAMES, MOODS, SAMPLE_RATE_HZ, Bar, BarStart, Station, find_mood  # noqa: E402

CHUNK_S = 600
LUFS = (-16.5, -15.5)
PEAK_DBTP = -1.0
STEP_LU = 1.5
SEAM = 1.5
MOOD_CHUNKS = 2
WHAT = ("bar", "section", "piece", "mood")
TAIL_S = 60
"""Sound kept from the ten minutes before: bar lines near their end are judged with what follows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A bar line and what changes there."""

    frame: int
    """Of the down-beat, from the beginning of the programme."""
    bar: Bar
    what: str
    """`mood`, `piece`, `bar` (nothing changes) or `section`."""


@dataclass(slots=True)
class Tally:
    """What was found so far."""

    wrong: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Bar lines of the sound in hand."""
    judged: int = 0
    """Frame up to which bar lines were looked at."""
    shelf: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    """The bars, for the measures of repetition: in a file, for in memory they would look like a leak."""
    steps: dict[str, list[Step]] = field(default_factory=lambda: {what: [] for what in WHAT})
    seams: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in WHAT})
    memory_mb: list[float] = field(default_factory=list)

    def put_away(self, bars: list[Bar]) -> None:
        """Keep bars for the end."""
        pickle.dump(bars, self.shelf)

    def bars(self) -> list[Bar]:
        """Return all bars that were put away."""
        self.shelf.seek(0)
        found: list[Bar] = []
        while True:
            try:
                found += pickle.load(self.shelf)
            except EOFError:
                return found

    @property
    def worst_step_lu(self) -> float:
        """Worst change of level until now."""
        changes = self.steps["piece"] + self.steps["mood"]
        return max((abs(step.bars_lu) for step in changes), default=0.0)

    @property
    def worst_seam(self) -> float:
        """Worst seam until now."""
        return max((seam for seams in self.seams.values() for seam in seams), default=0.0)


def main() -> None:
    """Render and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.long", description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--first-mood", default=next(iter(MOODS)), choices=MOODS, help="the others follow in their order"
    )
    parser.add_argument("--rules", action="store_true", help="the rules compose instead of the models")
    options = parser.parse_args()
    first = list(MOODS).index(options.first_mood)
    moods = [*list(MOODS)[first:], *list(MOODS)[:first]]
    station = Station.build(setup_of(moods[0], options.seed, rules=options.rules))
    tally = Tally()
    begun_s = time.process_time()
    tail: listening.Sound = np.zeros((0, 2), np.float32)
    print(
        "| minute | mood | LUFS | peak dBTP | MP3 dBTP | AAC dBTP | silences | clicks | worst step until now LU "
        "| worst seam | memory MB |\n" + 11 * "|---" + "|"
    )
    for chunk in range(round(options.hours * 3600 / CHUNK_S)):
        change = chunk % MOOD_CHUNKS == 0
        mood = moods[chunk // MOOD_CHUNKS % len(moods)]
        if change and chunk:
            station.apply(find_mood(mood))
        block = station.render(CHUNK_S * SAMPLE_RATE_HZ)
        sound = np.concatenate([tail, block.samples])
        tail = block.samples[-TAIL_S * SAMPLE_RATE_HZ :]
        powers = listening.step_powers(sound)
        first = block.start_frame + block.frames - len(sound)
        _take_lines(tally, first, block.bars, changed=change)
        _judge(tally, sound, powers, first)
        _row(tally, chunk, mood, block.samples, powers[len(powers) - CHUNK_S * 10 :])
        tally.put_away([start.bar for start in block.bars])
    station.close()
    _report(tally, options.hours, time.process_time() - begun_s)


def _row(tally: Tally, chunk: int, mood: str, sound: listening.Sound, powers: listening.Numbers) -> None:
    """Measure ten minutes."""
    lufs, peak = listening.integrated_lufs(powers), listening.true_peak_dbtp(sound)
    # LAME takes 30 s for ten minutes: the loudest minute has to do
    at = int(np.argmax(listening.windows_lufs(powers, 600))) * SAMPLE_RATE_HZ // 10
    loudest = sound[at : at + 60 * SAMPLE_RATE_HZ]
    mp3, aac = (listening.true_peak_dbtp(listening.decoded(loudest, codec)) for codec in ("mp3", "aac"))
    silences, clicks = listening.silences(sound), listening.clicks(sound)
    memory_mb = _memory_mb()
    tally.memory_mb.append(memory_mb)
    if not LUFS[0] <= lufs <= LUFS[1]:
        tally.wrong.append(f"minute {chunk * 10}: {lufs:.2f} LUFS")
    if max(peak, mp3, aac) > PEAK_DBTP:
        tally.wrong.append(f"minute {chunk * 10}: peak {max(peak, mp3, aac):.2f} dBTP")
    tally.wrong += [f"minute {chunk * 10}: silence at {at:.1f} s" for at, _ in silences]
    tally.wrong += [f"minute {chunk * 10}: click at {at / SAMPLE_RATE_HZ:.2f} s" for at in clicks]
    print(
        f"| {chunk * 10} | {mood} | {lufs:.2f} | {peak:.2f} | {mp3:.2f} | {aac:.2f} | {len(silences)} | {len(clicks)} "
        f"| {tally.worst_step_lu:.2f} | {tally.worst_seam:.2f} | {memory_mb:.0f} |",
        flush=True,
    )


def _take_lines(tally: Tally, first: int, starts: tuple[BarStart, ...], *, changed: bool) -> None:
    """Take in bar lines with what changes there; let go of those before the sound in hand."""
    tally.lines = [line for line in tally.lines if line.frame >= first]
    before = tally.lines[-1].bar if tally.lines else None
    for start in starts:
        bar = start.bar
        what = "bar" if before is not None and before.section is bar.section else "section"
        if bar.piece_bar == 0:
            what = "piece"
        if changed and before is not None and before.mood != bar.mood:
            what = "mood"
        tally.lines.append(Line(start.frame + DOWNBEAT_FRAMES, bar, what))
        before = bar


def _judge(tally: Tally, sound: listening.Sound, powers: listening.Numbers, first: int) -> None:
    """Look at the bar lines, down-beats of new pieces and moods that have all in hand that follows them."""
    until = first + len(sound) - round(LONGEST_S * SAMPLE_RATE_HZ)
    places = [line.frame - first for line in tally.lines]
    for at, line in enumerate(tally.lines):
        if not max(tally.judged, 2 * SAMPLE_RATE_HZ) <= line.frame < until:
            continue
        changes = line.what in ("piece", "mood")
        seams = [listening.seam(sound, places[at] - late) for late in (DOWNBEAT_FRAMES, 0)[: 2 if changes else 1]]
        tally.seams[line.what] += seams
        step = step_at(powers, places, at)
        if step is not None:
            tally.steps[line.what].append(step)
            if changes and abs(step.bars_lu) > STEP_LU:
                tally.wrong.append(f"{line.what} in {line.bar.mood}, bar {line.bar.index}: step {step.bars_lu:+.2f} LU")
    tally.judged = until


def _report(tally: Tally, hours: float, cpu_s: float) -> None:
    """Print what holds for the whole."""
    found = music.measure(tally.bars())
    print(
        f"\n{hours:g} h in {cpu_s / 60:.1f} min of a core, measuring included: {hours * 3600 / cpu_s:.0f} x real time."
    )
    for what, seams in tally.seams.items():
        if seams:
            print(f"second difference at {len(seams)} {what} lines against the 4 s around: worst {max(seams):.2f}")
            tally.wrong += [f"{what} line: seam {max(seams):.2f}"] if max(seams) > SEAM else []
    for what, steps in tally.steps.items():
        if steps:
            print(f"level before and after {len(steps)} lines of {what}, {summary(steps, STEP_LU)}")
    half = len(tally.memory_mb) // 2
    grown_mb = max(tally.memory_mb[half:]) - max(tally.memory_mb[:half] or [0.0])
    print(f"memory in the second half over the first: {grown_mb:+.0f} MB; highest ever {_highest_mb():.0f} MB")
    for name in ("repeats inside", "repeats between", "same titles", "pieces", "bars"):
        aim = music.AIMS.get(name)
        print(f"{name}: {found[name]:.3g}" + (f" (aim {aim.low:g} to {aim.high:g})" if aim else ""))
        if aim and not aim.low <= found[name] <= aim.high:
            tally.wrong.append(f"{name} is {found[name]:.3g}")
    print("Missed: " + ("; ".join(tally.wrong) or "nothing") + ".")


def _memory_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _highest_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
