"""Plays MIDI files as the station would: `python -m engine.play a.mid b.mid --mood study --out FOLDER`.

Each becomes FOLDER/NAME.flac with the mood's instruments, feel and tape; what a bare model wrote can so be heard.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile

from engine.errors import EngineError
from engine.moods import MOODS, find_mood
from engine.score import read_score
from engine.station import Station
from engine.station_setup import StationSetup
from engine.types import SAMPLE_RATE_HZ

RING_OUT_BARS = 1


def play(path: Path, setup: StationSetup, out: Path) -> float:
    """Write a MIDI file as sound; return its length in seconds.

    Raises:
        EngineError: the file, the sound bank or a loop cannot be used.
    """
    bars = read_score(path, setup.mood)
    station = Station.of_score(setup, bars)
    frames = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(out, "w", SAMPLE_RATE_HZ, 2, subtype="PCM_24") as file:
        for _ in range(len(bars) + RING_OUT_BARS):
            block = station.render_bar().block
            file.write(block.samples)
            frames += block.frames
    station.close()
    return frames / SAMPLE_RATE_HZ


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(prog="python -m engine.play", description=__doc__)
    parser.add_argument("midi", type=Path, nargs="+")
    parser.add_argument("--mood", default="study", help=", ".join(MOODS))
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the FLAC files")
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--loops", type=Path, default=Path("loops"))
    options = parser.parse_args(arguments)
    try:
        setup = StationSetup(find_mood(options.mood), 0, soundfont=options.soundfont, loops=options.loops)
        for path in options.midi:
            out = options.out / f"{path.stem}.flac"
            print(f"{out}: {play(path, setup, out):.1f} s")
    except EngineError as error:
        raise SystemExit(f"{error}") from error


if __name__ == "__main__":
    main()
