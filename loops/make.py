"""Synthesise the loops: vinyl, rain, fills. Everything from noise and a seed, so the result is ours to give away (CC0).

    python -m loops.make [FOLDER]

Every sound is made on a circle (noise by inverse Fourier transform, events wrapped round the end), so it has no seam.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from engine.loudness import integrated_lufs

Sound = npt.NDArray[np.float64]

RATE_HZ = 48_000
TURN_S = 1.8
"""One turn of a record at 33 1/3 a minute."""
LEVEL_LUFS = -38.0
"""Quiet files are small files; the engine plays a loop at the level that a mood asks for."""


def noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float, slope_db: float) -> Sound:
    """Make noise [frames] on a circle: a band with soft edges, falling by `slope_db` an octave."""
    frames = round(seconds * RATE_HZ)
    hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    hz[0] = hz[1]
    shape = (hz / 1000.0) ** (slope_db / 6.02) / np.sqrt((1 + (low_hz / hz) ** 6) * (1 + (hz / high_hz) ** 6))
    spectrum = shape * np.exp(2j * np.pi * rng.random(len(hz)))
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, frames)
    return sound / sound.std()


def scatter(sound: Sound, frame: int, grain: Sound, pan: float) -> None:
    """Add a grain [frames] to a sound [2, frames], wrapped round the end; pan 0 is left, 1 right."""
    places = (frame + np.arange(len(grain))) % sound.shape[1]
    sound[0, places] += grain * np.cos(pan * np.pi / 2)
    sound[1, places] += grain * np.sin(pan * np.pi / 2)


def ring(rng: np.random.Generator, hz: float, decay_s: float) -> Sound:
    """Make one drop or tick: a damped sine whose attack takes a fifth of its decay."""
    time_s = np.arange(round(7 * decay_s * RATE_HZ)) / RATE_HZ
    envelope = np.exp(-time_s / decay_s) * (1 - np.exp(-time_s / (0.2 * decay_s)))
    return envelope * np.sin(2 * np.pi * hz * time_s + rng.random() * 6.28)


def vinyl(rng: np.random.Generator) -> Sound:
    """Twelve turns of a worn record: hiss that breathes with the turn, fine crackle, a few scratches that come back."""
    seconds = 12 * TURN_S
    frames = round(seconds * RATE_HZ)
    turn = np.arange(frames) / (TURN_S * RATE_HZ) * 2 * np.pi
    shared = noise(rng, seconds, 250, 5500, -3.0)
    sound = np.stack([0.75 * shared + 0.65 * noise(rng, seconds, 250, 5500, -3.0) for _ in range(2)])
    sound *= 0.6 * (1 + 0.18 * np.sin(turn) + 0.08 * np.sin(2 * turn + 1))
    for _ in range(round(20 * seconds)):
        size = min(rng.lognormal(0.1, 0.65), 5.0)
        scatter(
            sound, rng.integers(frames), 2.2 * size * ring(rng, rng.uniform(900, 3600), 0.0005), rng.uniform(0.2, 0.8)
        )
    for _ in range(5):
        first, hz, pan = rng.integers(round(TURN_S * RATE_HZ)), rng.uniform(500, 1500), rng.uniform(0.3, 0.7)
        for turn_number in range(12):
            if rng.random() < 0.6:
                place = round(first + (turn_number + rng.normal(0, 0.002)) * TURN_S * RATE_HZ)
                scatter(sound, place, rng.uniform(5, 11) * ring(rng, hz, 0.0012), pan)
    return sound


def rain(rng: np.random.Generator) -> Sound:
    """Steady rain behind a window: a wide soft hiss, near drops, and gusts."""
    seconds = 24.0
    frames = round(seconds * RATE_HZ)
    shared = noise(rng, seconds, 300, 4200, -2.5)
    sound = np.stack([0.55 * shared + 0.8 * noise(rng, seconds, 300, 4200, -2.5) for _ in range(2)])
    turn = np.arange(frames) / frames * 2 * np.pi
    sound *= 1 + 0.12 * np.sin(3 * turn + 0.4) + 0.08 * np.sin(7 * turn)
    for _ in range(round(70 * seconds)):
        size = min(rng.lognormal(-0.4, 0.7), 3.0)
        grain = size * ring(rng, rng.uniform(700, 4000), rng.uniform(0.0006, 0.004))
        scatter(sound, rng.integers(frames), 1.6 * grain, rng.random())
    return sound


def needle(rng: np.random.Generator) -> Sound:
    """The needle comes down: a soft thump and the crackle of the run-in groove."""
    frames = round(1.6 * RATE_HZ)
    time_s = np.arange(frames) / RATE_HZ
    sound = np.stack([noise(rng, 1.6, 200, 4000, -3.0) for _ in range(2)]) * np.exp(-time_s / 0.5)
    scatter(sound, 2400, 14 * ring(rng, 70, 0.05), 0.5)
    scatter(sound, 2400, 9 * ring(rng, 900, 0.003), 0.5)
    for _ in range(40):
        grain = rng.uniform(1, 5) * ring(rng, rng.uniform(700, 3000), 0.0006)
        scatter(sound, round(2400 + rng.exponential(0.25) * RATE_HZ) % frames, grain, rng.uniform(0.3, 0.7))
    return (
        sound * np.clip((frames - np.arange(frames)) / (0.3 * RATE_HZ), 0, 1) * np.clip(np.arange(frames) / 240, 0, 1)
    )


def sweep(rng: np.random.Generator) -> Sound:
    """A breath that falls away after the first beat of a new section."""
    seconds = 3.0
    frames = round(seconds * RATE_HZ)
    time_s = np.arange(frames) / RATE_HZ
    sound = np.zeros((2, frames))
    for high_hz, decay_s in ((6000, 0.25), (3000, 0.5), (1500, 0.9), (800, 1.3)):
        band = np.stack([noise(rng, seconds, high_hz / 3, high_hz, -3.0) for _ in range(2)])
        sound += band * np.exp(-time_s / decay_s)
    return sound * np.clip(time_s / 0.025, 0, 1) * np.clip(seconds - time_s, 0, 1)


MAKERS = {"vinyl/vinyl": vinyl, "ambience/rain": rain, "fills/needle": needle, "fills/sweep": sweep}


def main(folder: Path) -> None:
    """Write every loop and print its facts, ready for the README's table."""
    for number, (name, maker) in enumerate(MAKERS.items()):
        sound = maker(np.random.default_rng([2026, number])).T
        sound *= 10 ** ((LEVEL_LUFS - integrated_lufs(sound.astype(np.float32))) / 20)
        path = folder / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, RATE_HZ, subtype="PCM_16", compression_level=1.0)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        kilobytes = path.stat().st_size // 1000
        loudness = integrated_lufs(sound.astype(np.float32))
        print(f"| {name}.flac | {len(sound) / RATE_HZ:.1f} s | {loudness:.1f} LUFS | {kilobytes} kB | {digest} |")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
