"""Damaged files as prompts: `python -m bench.fuzz_prompts --files 2000`. None may crash; each must say why.

Half are MIDI files, half sound files of five formats; bytes are changed, cut out, put in, doubled, or the end is cut.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np

from engine import SAMPLE_RATE_HZ, EngineError, midi_prompt
from radio.sound_file import SUFFIXES, open_sound
from radio.sound_in import decode_sound

HEARD_S = 10.0


def main() -> None:
    """Break files, read them, and count what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz_prompts", description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kinds = [("midi", whole_midi(), lambda data: midi_prompt(data, "x"))]
    kinds += [(suffix, data, lambda data: decode_sound(data, "x", HEARD_S)) for suffix, data in whole_sounds()]
    ends: Counter[tuple[str, str]] = Counter()
    slowest_s = 0.0
    for number in range(options.files):
        kind, whole, read = kinds[0] if number % 2 else kinds[1 + number // 2 % (len(kinds) - 1)]
        began_s = time.perf_counter()
        ends[kind, outcome(damaged(whole, rng), read)] += 1
        slowest_s = max(slowest_s, time.perf_counter() - began_s)
    print("| kind | what came of it | files |\n|---|---|---|")
    for (kind, end), count in sorted(ends.items()):
        print(f"| {kind} | {end} | {count} |")
    crashes = sum(count for (_, end), count in ends.items() if end.startswith("CRASH"))
    print(f"\n{options.files} files, {crashes} crashes, the slowest took {slowest_s:.2f} s.")
    raise SystemExit(bool(crashes))


def outcome(data: bytes, read: Callable[[bytes], object]) -> str:
    """Read a file: `read`, the kind of error that says why, or CRASH."""
    try:
        read(data)
    except EngineError as problem:
        return type(problem).__name__ if len(str(problem)) > 10 else "CRASH: an error without a reason"
    except BaseException as problem:
        return f"CRASH: {type(problem).__name__}: {problem}"[:100]
    return "read"


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """Return a copy with one to thirty wounds, most of them near the beginning, where headers are."""
    data = bytearray(whole)
    for _ in range(rng.randrange(1, 30)):
        if not data:
            break
        place = min(int(rng.expovariate(4) * len(data)), len(data) - 1)
        match rng.randrange(6):
            case 0 | 1:
                data[place] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
            case 2:
                del data[place : place + rng.randrange(1, 64)]
            case 3:
                data[place:place] = rng.randbytes(rng.randrange(1, 64))
            case 4:
                data[place:place] = data[place : place + rng.randrange(1, 256)]
            case _ if rng.random() < 0.15:
                del data[place:]
    return bytes(data)


def whole_midi() -> bytes:
    """Return a small song with everything that a MIDI file may have."""
    file, rng = mido.MidiFile(type=1, ticks_per_beat=480), random.Random(1)
    head, part = mido.MidiTrack(), mido.MidiTrack()
    head += [mido.MetaMessage("set_tempo", tempo=700_000), mido.MetaMessage("time_signature", numerator=3)]
    head += [mido.MetaMessage("key_signature", key="F#m"), mido.MetaMessage("text", text="words")]
    for _ in range(120):
        channel, pitch = rng.choice((0, 1, 9)), rng.randrange(30, 90)
        part.append(mido.Message("note_on", channel=channel, note=pitch, velocity=rng.randrange(1, 127)))
        part.append(mido.Message("note_off", channel=channel, note=pitch, time=rng.choice((120, 240, 480))))
        if rng.random() < 0.2:
            part.append(mido.Message("control_change", channel=channel, control=64, value=rng.choice((0, 127))))
    part.append(mido.Message("sysex", data=(1, 2, 3)))
    file.tracks += [head, part]
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def whole_sounds() -> list[tuple[str, bytes]]:
    """Return two seconds of a chord in each format that we write."""
    times = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * times) for hz in (220.0, 277.2, 329.6)) * 0.1
    samples = np.stack([chord, chord], axis=1).astype(np.float32)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            path = Path(folder) / f"x{suffix}"
            with open_sound(path, suffix, {"title": "x"}) as writer:
                writer.write(samples)
            found.append((suffix, path.read_bytes()))
    return found


if __name__ == "__main__":
    main()
