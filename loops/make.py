"""Synthesise the loops: vinyl, ambience, fills. All from noise and a seed, so the result is ours to give away (CC0).

    python -m loops.make [FOLDER [NAME ...]]

Every loop is made on a circle (noise by inverse Fourier transform, events wrapped round the end), so it has no seam.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from engine.loudness import integrated_lufs
from loops import ambience, fills, vinyl
from loops.sounds import RATE_HZ, Sound

LEVEL_LUFS = -56.0
"""Quiet files are small files (13 MB in place of 21 at -38); their last bit stays 60 dB under the music."""

MAKERS: dict[str, Callable[[np.random.Generator], Sound]] = {  # a maker's place is its seed: new ones go to the end
    "vinyl/vinyl": vinyl.vinyl,
    "ambience/rain": ambience.rain,
    "fills/needle": fills.needle,
    "fills/sweep": fills.sweep,
    "vinyl/dust": vinyl.dust,
    "vinyl/scratched": vinyl.scratched,
    "vinyl/clean": vinyl.clean,
    "vinyl/shellac": vinyl.shellac,
    "ambience/cafe": ambience.cafe,
    "ambience/insects": ambience.insects,
    "ambience/sea": ambience.sea,
    "ambience/fire": ambience.fire,
    "ambience/tape-hiss": ambience.tape_hiss,
    "ambience/wind": ambience.wind,
    "ambience/road": ambience.road,
    "ambience/birds": ambience.birds,
    "fills/swell": fills.swell,
    "fills/reverse-cymbal": fills.reverse_cymbal,
    "fills/tape-stop": fills.tape_stop,
    "fills/drums-roll": fills.drums_roll,
    "fills/drums-toms": fills.drums_toms,
    "fills/drums-break": fills.drums_break,
}
COMMENTS = {
    "fills/swell": "place=before at=section",
    "fills/reverse-cymbal": "place=before at=section",
    "fills/tape-stop": "place=before at=end",
} | {
    name: f"place=before at=section bpm={fills.FILL_BPM} beats=2 onsets={onsets}"
    for name, onsets in fills.DRUM_FILLS.items()
}
"""What the engine reads about a fill; the others sound on the down-beat of a section."""


def make(name: str) -> Sound:
    """Make one loop at its level, float64 [frames, 2]."""
    sound = MAKERS[name](np.random.default_rng([2026, list(MAKERS).index(name)])).T
    for _ in range(3):  # the gates move with the level
        sound = sound * 10 ** ((LEVEL_LUFS - integrated_lufs(sound.astype(np.float32))) / 20)
    return np.asarray(sound)


def main(folder: Path, names: list[str]) -> None:
    """Write loops and print their facts, ready for the README's table."""
    for name in names or MAKERS:
        sound = make(name)
        path = folder / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="PCM_16", format="FLAC", compression_level=1.0) as file:
            if name in COMMENTS:
                file.comment = COMMENTS[name]
            file.write(sound)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        kilobytes = path.stat().st_size // 1000
        loudness = integrated_lufs(sound.astype(np.float32))
        print(f"| {name}.flac | {len(sound) / RATE_HZ:.1f} s | {loudness:.1f} LUFS | {kilobytes} kB | {digest} |")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loops.make", description="Synthesise loops and print their facts.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent, help="default: loops/ itself")
    parser.add_argument("names", nargs="*", help="such as ambience/rain; default: all")
    options = parser.parse_args()
    for name in options.names:
        if name not in MAKERS:
            parser.error(f"no loop is called {name!r}. There are: {', '.join(MAKERS)}.")
    main(options.folder, options.names)
