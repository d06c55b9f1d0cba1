"""An engine that plays sines: deterministic, picklable, with every way to fail that a real one has."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import SAMPLE_RATE_HZ, AudioBlock, Bar, BarStart, EngineError, Hands, Mood, Piece, Section, SnapshotError

STUDY, RAINY = Mood(name="study"), Mood(name="rainy")
BAR_FRAMES = 9_600
BARS_A_PIECE = 8


@dataclass(frozen=True)
class FakeAsset:
    name: str
    sha256: str
    licence: str = "CC0-1.0"
    about: str = ""


@dataclass(frozen=True)
class FakeRendered:
    block: AudioBlock
    snapshot: bytes
    levels: None = None


@dataclass(frozen=True)
class FakeSetup:
    mood: Mood = STUDY
    seed: int = 1
    composer: str = "models"
    bar_frames: int = BAR_FRAMES
    raises_at_bar: int | None = None
    """The models fail at this bar, whatever engine renders it."""
    hangs_at_bar: int | None = None
    """The first engine to reach this bar never answers; `trace` tells whether one has."""
    builds: str = ""
    """Words of the error that building raises."""
    trace: Path | None = None
    """Folder in which engines leave word of what they did."""
    asset: str = "aa"
    rubbish_at_bar: int | None = None
    """From this bar on the models' sound is no music; with a `trace` only once."""
    rubbish: str = "nan"
    trouble_at_bar: int | None = None
    """Something is found missing at this bar."""
    clock: object = None
    slow_s: float = 0.0
    """The models take so long for a bar, by this clock."""


class FakeStation:
    def __init__(self, setup):
        if setup.builds:
            raise EngineError(setup.builds)
        self.setup = setup
        self.index, self.frame, self.mood = 0, 0, setup.mood
        self.piece, self.hands = 0, Hands()
        self.assets = (FakeAsset("sine", setup.asset),)
        self.troubles = ()

    def render_bar(self):
        setup = self.setup
        if setup.composer == "models" and setup.raises_at_bar is not None and self.index >= setup.raises_at_bar:
            raise EngineError(f"bar {self.index} is too sad")
        if setup.hangs_at_bar == self.index and not (setup.trace / "hung").exists():
            (setup.trace / "hung").touch()
            threading.Event().wait(30 if setup.trace.name == "process" else 0.9)
        more = [self.piece, self.hands.bpm] if self.piece or self.hands.bpm else []
        snapshot = json.dumps([self.index, self.frame, self.mood.name, *more]).encode()
        number = self.index // BARS_A_PIECE + self.piece
        piece = Piece(number, f"piece {number}", setup.seed, self.hands.bpm or 70.0, 3, True, BARS_A_PIECE)
        bar = Bar(self.index, piece, self.index % 8, Section.A, (None, None), (), self.mood.name, setup.composer)
        samples = sine(self.frame, setup.bar_frames, pitch_hz(self.index, self.mood.name))
        if setup.composer == "models" and setup.rubbish_at_bar is not None and self.index >= setup.rubbish_at_bar:
            samples = self.spoilt(samples)
        if setup.composer == "models" and setup.clock is not None:
            setup.clock.time_s += setup.slow_s
        if setup.trouble_at_bar == self.index:
            self.troubles = (f"bar {self.index}: the rain is missing.",)
        block = AudioBlock(self.frame, samples, (BarStart(self.frame, setup.bar_frames, bar),))
        self.index += 1
        self.frame += setup.bar_frames
        return FakeRendered(block, snapshot)

    def spoilt(self, samples):
        if self.setup.trace is not None:
            if (self.setup.trace / "spoilt").exists():
                return samples
            (self.setup.trace / "spoilt").touch()
        samples = samples.copy()
        if self.setup.rubbish in ("nan", "inf"):
            samples[100] = float(self.setup.rubbish)
        return {"noise": np.sign(samples), "mono": samples[:, :1], "none": samples[:0]}.get(self.setup.rubbish, samples)

    def turn(self, turn):
        while self.setup.trace is not None and (self.setup.trace / "hold").exists():
            time.sleep(0.002)
        self.mood = turn.mood or self.mood
        self.hands = turn.hands or self.hands
        if turn.end is not None:
            self.piece += 1

    def prepare(self, mood):
        if self.setup.trace is not None:
            (self.setup.trace / f"prepared {mood.name} at bar {self.index}").touch()

    def restore(self, data):
        try:
            self.index, self.frame, mood, *more = json.loads(data)
        except ValueError as problem:
            raise SnapshotError("no snapshot of ours") from problem
        self.mood = Mood(name=mood)
        self.piece, bpm = more or (0, None)
        self.hands = Hands(bpm=bpm)


def build_fake(setup):
    return FakeStation(setup)


def pitch_hz(index, mood):
    return {"study": 200.0, "rainy": 310.0}[mood] + 10 * (index % 7)


def sine(start_frame, frames, hz):
    time_s = np.arange(start_frame, start_frame + frames) / SAMPLE_RATE_HZ
    wave = (0.2 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    return np.ascontiguousarray(np.stack([wave, -wave], axis=1))


def expected(bars, moods=None, bar_frames=BAR_FRAMES):
    """The uninterrupted programme of the first bars: float32 [frames, 2]."""
    return np.concatenate(
        [sine(i * bar_frames, bar_frames, pitch_hz(i, moods(i) if moods else "study")) for i in range(bars)]
    )
