"""How well prompts are understood: `python -m bench.prompts pop909 DIR` (a folder of POP909 songs) or `fuzz`.

pop909: key, tempo, and down-beats found in piano.mid, against key_audio.txt and beat_midi.txt; the tempo once from the
file's own beats and once from the times of its notes alone. fuzz: damaged MIDI and sound files, none may crash.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median

from engine import Key, PromptError, parse_key
from engine.beatfinder import find_beats
from engine.keyfinder import find_key
from engine.midi_in import read_score


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.prompts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("pop909")
    corpus.add_argument("folder", type=Path)
    corpus.add_argument("--songs", type=int, default=200)
    options = parser.parse_args()
    pop909(options.folder, options.songs)


def pop909(folder: Path, songs: int) -> None:
    """Compare what is found with what was annotated."""
    counts: Counter[str] = Counter()
    for song in sorted(path.parent for path in folder.glob("*/key_audio.txt"))[:songs]:
        annotated = _annotated_key(song / "key_audio.txt")
        if annotated is None:
            continue
        try:
            score = read_score((song / "piano.mid").read_bytes(), song.name)
        except PromptError as problem:
            print(problem)
            continue
        counts["songs"] += 1
        counts[_relation(find_key(score.notes)[0], annotated)] += 1
        beats = [float(line.split()[0]) for line in (song / "beat_midi.txt").read_text().splitlines()]
        bpm = 60 / median(after - before for before, after in pairwise(beats))
        found = find_beats(score.notes)
        ratio = found.bpm / bpm
        for name, wanted in (("tempo", 1.0), ("double", 2.0), ("half", 0.5)):
            counts[name] += abs(ratio / wanted - 1) < 0.02
    for name, count in counts.most_common():
        print(f"{name:10} {count:4} {count / counts['songs']:.3f}")


def _annotated_key(path: Path) -> Key | None:
    """Return the key of a song; None where it has several."""
    names = {line.split()[2] for line in path.read_text().splitlines()}
    return parse_key(names.pop().replace(":", " ")) if len(names) == 1 else None


def _relation(found: Key, annotated: Key) -> str:
    if found == annotated:
        return "same key"
    if found.minor != annotated.minor and found.tonic == (annotated.tonic + (9 if found.minor else 3)) % 12:
        return "relative"
    if found.minor == annotated.minor and (found.tonic - annotated.tonic) % 12 in (5, 7):
        return "a fifth off"
    return "other key"


if __name__ == "__main__":
    main()
