"""Render a stretch of programme to a sound file: `python -m engine --seconds 30 --mood study --out x.flac`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import soundfile

from engine.errors import EngineError
from engine.midi import write_midi
from engine.moods import MOODS, find_mood
from engine.station import Station, StationSetup
from engine.types import SAMPLE_RATE_HZ, AudioBlock, Bar

_FORMATS = {".flac": "PCM_24", ".wav": "PCM_24", ".mp3": "MPEG_LAYER_III", ".ogg": "VORBIS"}


def main() -> None:
    """Read the command line and render."""
    options = _parser().parse_args()
    try:
        render(options)
    except EngineError as error:
        raise SystemExit(f"{error}") from error


def render(options: argparse.Namespace) -> None:
    """Render to the files that the options name."""
    setup = StationSetup(
        mood=find_mood(options.mood),
        seed=options.seed,
        piano_model=options.models / "piano",
        drums_model=options.models / "drums",
        backend=options.backend,
        soundfont=options.soundfont,
        loops=options.loops,
        composer=options.composer,
    )
    station = Station.build(setup)
    bars: list[Bar] = []
    subtype = _FORMATS[options.out.suffix.lower()]
    with soundfile.SoundFile(options.out, "w", SAMPLE_RATE_HZ, 2, subtype=subtype) as file:
        for block in _blocks(station, round(options.seconds * SAMPLE_RATE_HZ)):
            file.write(block.samples)
            bars += [start.bar for start in block.bars]
    station.close()
    if options.midi:
        write_midi(bars, MOODS, options.midi)
    print(f"{options.out}: {options.seconds:g} s, {len(bars)} bars of {options.mood}, seed {options.seed}")


def _blocks(station: Station, frames: int) -> Iterator[AudioBlock]:
    done = 0
    while done < frames:
        block = station.render(min(SAMPLE_RATE_HZ, frames - done))
        done += block.frames
        yield block


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mood", default="study", help=", ".join(MOODS))
    parser.add_argument("--out", type=_sound_path, default=Path("lofi.flac"), help=", ".join(_FORMATS))
    parser.add_argument("--midi", type=Path, help="also write the notes")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of piano/ and drums/")
    parser.add_argument("--backend", choices=("onnx", "rwkv"), default="onnx")
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--loops", type=Path, default=Path("loops"))
    parser.add_argument("--composer", choices=("models", "rules"), default="models")
    return parser


def _sound_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(f"{text}: the name must end in {', '.join(_FORMATS)}")
    return path


if __name__ == "__main__":
    main()
