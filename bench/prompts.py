"""How well prompts are understood, and how far music goes on from them.

    python -m bench.prompts pop909 FOLDER     key and tempo of POP909 songs against key_audio.txt and beat_midi.txt; the
                                              tempo is heard from the times of the notes alone
    python -m bench.prompts go-on FILE.mid    what the models play after a MIDI file: share of notes in its key, tempo

A file to go on from: `lofi-radio render --key "F# minor" --bpm 92 --midi song.mid --out song.flac`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median

from engine import MOODS, Key, Part, PromptError, in_key_share, load_recurrence, midi_prompt, parse_key, with_quote
from engine.beatfinder import find_beats
from engine.composer import compose_models
from engine.keyfinder import find_key
from engine.midi_in import read_score


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.prompts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("pop909")
    corpus.add_argument("folder", type=Path)
    corpus.add_argument("--songs", type=int, default=200)
    onward = commands.add_parser("go-on")
    onward.add_argument("file", type=Path)
    onward.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    if options.command == "go-on":
        go_on(options.file, options.models)
    else:
        pop909(options.folder, options.songs)


def go_on(file: Path, models: Path) -> None:
    """Compose two minutes from a prompt in several moods, without what is quoted, and count the notes in its key."""
    prompt = midi_prompt(file.read_bytes(), file.name)
    print(", ".join(prompt.notices))
    print("| mood | seed | bpm | notes | in key | in register |\n|---|---|---|---|---|---|")
    for seed, mood in enumerate(("study", "rainy", "jazzhop", "sleep")):
        piano, drums = (load_recurrence(models / part) for part in ("piano", "drums"))
        composer = compose_models(MOODS[mood], seed, piano, drums)
        composer.prime(with_quote(prompt, 0))
        bars = [next(composer) for _ in range(40)]
        notes = [e for bar in bars for e in bar.events if e.part is not Part.DRUMS]
        keys = [e.pitch for e in notes if e.part is Part.KEYS]
        low, high = prompt.register or (0, 127)
        share = in_key_share([e.pitch for e in notes], prompt.key)
        inside = sum(low <= pitch <= high for pitch in keys) / len(keys)
        print(f"| {mood} | {seed} | {bars[0].bpm:g} | {len(notes)} | {share:.3f} | {inside:.3f} |")


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
