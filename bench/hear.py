"""Render every mood and measure its sound and its music against the aims: `python -m bench.hear --minutes 10`.

Prints one table of sound, one of music, where each part stands, and what misses its aim; writes a picture for each mood
(sound and notes) and its measures as JSON into the folder `--out`. The tables hold every mood of that folder, so some
can be measured again, or half of them by another process; `--table` prints them without rendering anything. A mood
takes 45 s of a core.
"""

from __future__ import annotations

import argparse
import json
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from bench import listening, music  # noqa: E402
from bench.music import Aim  # noqa: E402
from bench.pictures import draw  # noqa: E402
from bench.render import Take, setup_of, take  # noqa: E402
from bench.steps import step_at  # noqa: E402
from engine import DOWNBEAT_FRAMES, MOODS, SAMPLE_RATE_HZ  # noqa: E402

AIMS: dict[str, Aim] = {
    "LUFS": Aim(-16.5, -15.5), "P10-P90 LU": Aim(0, 8), "peak dBTP": Aim(-12, -1), "MP3 dBTP": Aim(-12, -1),
    "AAC dBTP": Aim(-12, -1), "silences": Aim(0, 0), "clicks": Aim(0, 0), "seam": Aim(0, 1.5), "step LU": Aim(0, 1.5),
    "95 % Hz": Aim(2000, 6000), ">12k dB": Aim(-120, -35), "correlation": Aim(0.3, 0.95), "mono loss dB": Aim(0, 3),
    "balance LU": Aim(0, 1.5),
}  # fmt: skip


_MP3_STEPS = 1800


def measure(heard: Take) -> dict[str, float]:
    """Return the measures of a take's sound."""
    sound = heard.sound
    powers = listening.step_powers(sound)
    short = np.percentile(listening.windows_lufs(powers, 30), [10, 90])
    spectrum = listening.spectrum(sound)
    correlation, loss_db = listening.stereo(sound)
    # LAME takes 30 s for ten minutes: the loudest three have to do
    at = int(np.argmax(listening.windows_lufs(powers, _MP3_STEPS))) if len(powers) > _MP3_STEPS else 0
    loudest = sound[at * SAMPLE_RATE_HZ // 10 :][: _MP3_STEPS * SAMPLE_RATE_HZ // 10]
    lines = [start.frame + DOWNBEAT_FRAMES for start in heard.starts]
    joins = [at for at, start in enumerate(heard.starts) if at and start.bar.piece_bar == 0]
    steps = [step for step in (step_at(powers, lines, at) for at in joins) if step]
    return {
        "LUFS": listening.integrated_lufs(powers),
        "P10-P90 LU": float(short[1] - short[0]),
        "peak dBTP": listening.true_peak_dbtp(sound),
        "MP3 dBTP": listening.true_peak_dbtp(listening.decoded(loudest, "mp3")),
        "AAC dBTP": listening.true_peak_dbtp(listening.decoded(sound, "aac")),
        "silences": len(listening.silences(sound)),
        "clicks": len(listening.clicks(sound)),
        "seam": max((listening.seam(sound, start.frame) for start in heard.starts[1:]), default=0.0),
        "step LU": max((abs(step.bars_lu) for step in steps), default=0.0),
        "10 s flat": max((abs(step.flat_lu) for step in steps), default=0.0),
        "95 % Hz": spectrum.below_95_hz,
        ">12k dB": spectrum.above_12k_db,
        "correlation": correlation,
        "mono loss dB": loss_db,
        "balance LU": max((abs(place) for place in heard.places_lu.values()), default=0.0),
    }


def main() -> None:
    """Render, measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.hear", description=__doc__)
    parser.add_argument("moods", nargs="*", help="moods; all of them without this")
    parser.add_argument("--minutes", type=float, default=10.0, help="music to render of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", action="store_true", help="the rules compose instead of the models")
    parser.add_argument("--out", type=Path, default=Path("build/hear"), help="folder for pictures and sounds")
    parser.add_argument("--table", action="store_true", help="print what the folder holds, render nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [] if options.table else options.moods or list(MOODS):
        begun_s = time.process_time()
        heard = take(setup_of(name, options.seed, rules=options.rules), options.minutes * 60)
        for trouble in heard.troubles:
            print(f"{name}: {trouble}")
        places = {part.value: place for part, place in heard.places_lu.items()}
        found = {"Sound": measure(heard), "Music": music.measure(heard.bars), "places": places}
        (options.out / f"{name}.json").write_text(json.dumps(found, indent=1, default=float), encoding="utf-8")
        draw(heard, options.out / name)
        print(f"{name}: {time.process_time() - begun_s:.0f} s of a core", flush=True)
    print_tables(options.out)


def print_tables(folder: Path) -> None:
    """Print what a folder holds."""
    files = {name: folder / f"{name}.json" for name in MOODS}
    rows = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}
    if not rows:
        raise SystemExit(f"{folder}: nothing was measured into it. Run it without --table first.")
    print_table("Sound", {name: row["Sound"] for name, row in rows.items()}, AIMS)
    print_table("Music", {name: row["Music"] for name, row in rows.items()}, music.AIMS)
    print("\nHow far each part stands from the mood's mix, LU:\n")
    for name, row in rows.items():
        print(f"- {name}: " + ", ".join(f"{part} {place:+.1f}" for part, place in row["places"].items()))


def print_table(title: str, rows: dict[str, dict[str, float]], aims: dict[str, Aim]) -> None:
    """Print one row a mood; what misses its aim is marked and listed below."""
    columns = list(next(iter(rows.values())))
    print(f"\n## {title}\n\n| mood | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    shown = [f"{aims[c].low:g} to {aims[c].high:g}" if c in aims else "" for c in columns]
    print(f"| aim | {' | '.join(shown)} |")
    missed = []
    for name, row in rows.items():
        cells = []
        for column in columns:
            aim = aims.get(column)
            wrong = aim is not None and not aim.low <= row[column] <= aim.high
            cells.append(
                f"{row[column]:.3g}{' **!**' if wrong else ''}"
                if abs(row[column]) < 100
                else _whole(row, column, wrong)
            )
            if wrong:
                missed.append(f"{name}: {column} is {row[column]:.3g}")
        print(f"| {name} | {' | '.join(cells)} |")
    print("\nMissed: " + ("; ".join(missed) if missed else "none") + ".")


def _whole(row: dict[str, float], column: str, wrong: bool) -> str:
    return f"{row[column]:.0f}{' **!**' if wrong else ''}"


if __name__ == "__main__":
    main()
