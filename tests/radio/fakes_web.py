"""A station that pages can look at: a real board, a real hub with real MP3, and health that a test sets by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from engine import SAMPLE_RATE_HZ, AudioBlock, Bar, BarStart, Chord, End, Hands, Mood, Piece, Prompt, Section
from radio.clock import SystemClock
from radio.config import Config
from radio.direction import Director, conduct
from radio.encoders import EncodedChunk, Mp3Encoder
from radio.hub import Hub
from radio.nowplaying import NowPlaying
from radio.web.stream import Mount
from radio.wishes import Reach, Wishes

BAR_FRAMES = 3 * SAMPLE_RATE_HZ
TITLES = ("Paper Lanterns", "Tea Going Cold", "Window Seat, Rear Car", "Rain on the Awning", "Slow Elevator")
LOOP = ((5, "maj7"), (4, "min7"), (2, "min7"), (10, "hdim7"))


def bar_start(index: int, *, piece: int = 0, piece_bar: int = 0, mood: str = "rainy") -> BarStart:
    """A plausible bar of a plausible piece."""
    about = Piece(number=piece, title=TITLES[piece % 5], seed=7, bpm=80.0, key=3, minor=True, bars=48)
    chords = (Chord(*LOOP[index % 4]), Chord(*LOOP[(index + 1) % 4]) if index % 2 else None)
    bar = Bar(index, about, piece_bar, Section.A, chords, (), mood, "models")
    return BarStart(index * BAR_FRAMES, BAR_FRAMES, bar)


class FakeStation:
    """What `radio.web.views.StationView` asks for."""

    def __init__(self, name: str = "lofi", title: str = "lofi radio") -> None:
        self.name = name
        self.title = title
        self.description = "Piano & drums, composed as you listen."
        self.now = NowPlaying()
        self.wishes = Wishes()
        self.troubles: Sequence[str] = ()
        self.listeners = 2
        self.health = (True, "on air")
        self.hub = Hub(65_536)

        self.has_hls = True

    @property
    def mounts(self) -> Sequence[Mount]:
        return [Mount(self.name, self.title, self.description, "lo-fi", self.hub, 128)]

    def hub_listeners(self) -> int:
        return self.listeners

    def healthy(self) -> tuple[bool, str]:
        return self.health

    def play_past(self, pieces: int = 3, mood: str = "rainy", bars_in: int = 17) -> None:
        """Fill the board with what went before."""
        now = datetime.now(UTC)
        for piece in range(pieces - 1):
            self.now.begin(bar_start(piece, piece=piece, mood=mood), now - timedelta(minutes=3 * (pieces - piece)))
        for bar in range(bars_in):
            began = now - timedelta(seconds=3 * (bars_in - 1 - bar) + 0.5)
            self.now.begin(bar_start(pieces + bar, piece=pieces - 1, piece_bar=bar, mood=mood), began)

    async def broadcast(self) -> None:
        """Send ten seconds of MP3 over and over, in real time, with five seconds of burst at once."""
        chunks = mp3_chunks()
        for chunk in chunks[:5]:
            self.hub.publish(chunk, self.now.title)
        index = 5
        while True:
            await asyncio.sleep(0.5)
            self.hub.publish(chunks[index % len(chunks)], self.now.title)
            index += 1


class FakeMusic:
    """Takes every wish at once and remembers it; the next bar line is always 5.5 s away."""

    def __init__(self, mood: Mood) -> None:
        self.mood, self.hands = mood, Hands()
        self.reach = Reach(5.5, 2)
        self.moods: list[Mood] = []
        self.ends: list[End] = []
        self.prompts: list[Prompt] = []

    def change_mood(self, mood: Mood) -> None:
        self.mood = mood
        self.moods.append(mood)

    def lay_hands(self, hands: Hands) -> None:
        self.hands = hands

    def end_piece(self, how: End) -> None:
        self.ends.append(how)

    def prime(self, prompt: Prompt) -> None:
        self.prompts.append(prompt)


class FakeConducted:
    """A station that takes orders: a real director, and music that only remembers."""

    def __init__(self, folder: Path, config: Config | None = None, name: str = "lofi") -> None:
        self.director = Director(name, config or Config(), folder / f"{name}.orders.json", SystemClock())
        self.producer = FakeMusic(self.director.said(self.director.now()).mood)

    def direct(self) -> bool:
        return conduct(self.director, self.producer)


def mp3_chunks(seconds: int = 10) -> list[EncodedChunk]:
    """A quiet chord as MP3, two chunks a second."""
    encoder, frames = Mp3Encoder(), SAMPLE_RATE_HZ // 2
    times = np.arange(seconds * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = sum(np.sin(2 * np.pi * hz * times) for hz in (220.0, 277.2, 329.6, 415.3)) * 0.05
    samples = np.stack([tone, tone], axis=1).astype(np.float32)
    blocks = [AudioBlock(at, samples[at : at + frames]) for at in range(0, len(samples), frames)]
    return [chunk for block in blocks if (chunk := encoder.encode(block)) is not None]
