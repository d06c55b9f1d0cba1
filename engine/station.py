"""The station: composes bar after bar, has the studio play them. Knows nothing about asyncio, network or time of day.

A bar is rendered whole; `render` cuts any number of frames from it, so blocks of any size give the same sound. A
snapshot is the state at the start of the bar in hand and how much of it was taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self, cast

import numpy as np

from engine.assets import Asset, bank_asset, loop_assets
from engine.banks import find_banks
from engine.composer import Band, Composer, ModelComposer
from engine.errors import MoodError, SnapshotError
from engine.journey import Journey
from engine.levels import Levels
from engine.mood import Mood, mood_from_tree
from engine.score import ScoreComposer
from engine.snapshot import pack, unpack
from engine.station_setup import StationSetup, compose
from engine.studio import Studio
from engine.synth import FluidSynth, Synth
from engine.tuned_state import StateShelf
from engine.turn import Hands, Turn, hands_from_tree
from engine.types import AudioBlock, Bar, BarStart, FloatArray, Tree

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderedBar:
    """One bar of sound and the state just before it."""

    block: AudioBlock
    """The whole bar, or what `render` had left of it."""
    snapshot: bytes
    levels: Levels | None = None
    """What the meters show at its end."""
    stems: Mapping[str, FloatArray] = field(default_factory=dict)
    """The same bar's parts, float32 [frames, 2] each, where the setup asks for them; they add up to the block."""


class Station:
    """An endless programme."""

    def __init__(self, setup: StationSetup, composer: Composer, make_synth: Callable[[], Synth]) -> None:
        self.troubles: tuple[str, ...] = ()
        """What was replaced, each with its remedy."""
        self.assets: tuple[Asset, ...] = ()
        """Every file that shapes the sound."""
        self._composer = composer
        self._studio = Studio(setup, make_synth, self._tell)
        self._next = Turn()
        self._hands = Hands()
        self._journey = Journey(setup.mood)
        self._before: Tree | None = None
        self._start: BarStart | None = None
        self._sound: FloatArray = np.zeros((0, 2), np.float32)
        self._taken = 0
        self._states: StateShelf | None = None

    @classmethod
    def build(cls, setup: StationSetup) -> Self:
        """Make a station; a broken model is replaced by the rules, a missing bank raises SoundBankError."""
        banks = find_banks(setup.soundfont)
        composer, troubles, assets = compose(setup)
        station = cls(setup, composer, lambda: FluidSynth(*banks))
        station.troubles = (*troubles, *station.troubles)
        station.assets = (*assets, *map(bank_asset, banks), *loop_assets(station._studio.loop_paths()))
        for trouble in troubles:
            logger.warning("%s", trouble)
        station._states = composer.states if isinstance(composer, ModelComposer) else None
        station._check_state(setup.mood)
        return station

    @property
    def levels(self) -> Levels | None:
        """What the meters showed at the end of the last bar."""
        return self._studio.levels

    @classmethod
    def of_score(cls, setup: StationSetup, bars: Sequence[Bar]) -> Self:
        """Make a station that plays bars as they are written and then lets them ring."""
        banks = find_banks(setup.soundfont)
        return cls(setup, ScoreComposer(bars), lambda: FluidSynth(*banks))

    def render(self, frames: int) -> AudioBlock:
        """Return the next frames of the programme."""
        pieces: list[FloatArray] = []
        bars: list[BarStart] = []
        first = self._position()
        missing = frames
        while missing:
            if self._taken == len(self._sound):
                self._render_next()
            if self._taken == 0 and self._start is not None:
                bars.append(self._start)
            piece = self._sound[self._taken : self._taken + missing]
            pieces.append(piece)
            self._taken += len(piece)
            missing -= len(piece)
        samples = np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)
        samples.setflags(write=False)
        return AudioBlock(first, samples, tuple(bars))

    def render_bar(self) -> RenderedBar:
        """Return the next whole bar, or what is left of the bar in hand."""
        if self._taken == len(self._sound):
            self._render_next()
        snapshot, taken = self.snapshot(), self._taken
        apart = {name: stem[taken:] for name, stem in self._studio.apart.items()}
        return RenderedBar(self.render(len(self._sound) - self._taken), snapshot, self.levels, apart)

    def ring_out(self) -> RenderedBar:
        """Return one more bar in which nobody strikes a note: what was struck rings on, loops and tape go on."""
        assert self._start is not None, "expected a bar before the end"
        last = self._start.bar
        self._before = self._state()
        silent = replace(last, index=last.index + 1, piece_bar=last.piece_bar + 1, events=(), next_section=None)
        self._play(silent, begins=False)
        return self.render_bar()

    def apply(self, mood: Mood) -> None:
        """Take a mood from the next bar that is composed."""
        self.turn(Turn(mood=mood))

    def turn(self, turn: Turn) -> None:
        """Change something from the next bar that is composed."""
        self._next = self._next.then(turn)

    def prepare(self, mood: Mood) -> None:
        """Get a mood's instruments ready while there is time: applying it then takes no longer than any bar."""
        self._studio.prepare(mood)

    def snapshot(self) -> bytes:
        """Take everything that the programme from here on depends on."""
        before = self._state() if self._taken == len(self._sound) else self._before
        taken = 0 if self._taken == len(self._sound) else self._taken
        return pack({"bar": before, "taken": taken, "next": self._next.to_tree()})

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of a station of the same setup; raise SnapshotError when it cannot be read."""
        tree = cast(dict[str, Any], unpack(data))
        try:
            self._restore_state(tree["bar"])
            taken, self._next = int(tree["taken"]), _pending(tree)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, MoodError) as error:
            raise SnapshotError(
                f"The snapshot does not fit this station ({error!r}). Delete it: the station then starts afresh."
            ) from error
        self._before, self._start = None, None
        self._sound, self._taken = np.zeros((0, 2), np.float32), 0
        if taken:
            pending, self._next = self._next, Turn()
            self._render_next()
            self._taken, self._next = taken, pending

    def close(self) -> None:
        """Free the synthesisers."""
        self._studio.close()

    def _position(self) -> int:
        """Frame of the broadcast that comes next."""
        return self._studio.frame - (len(self._sound) - self._taken)

    def _render_next(self) -> None:
        """Compose, play and mix one bar."""
        self._take_mood()
        self._before = self._state()
        self._play(next(self._composer))

    def _play(self, bar: Bar, begins: bool = True) -> None:
        """Have one bar played."""
        self._start, self._sound = self._studio.play(bar, begins)
        self._taken = 0

    def _take_mood(self) -> None:
        """Let what waits take effect: a mood at once or a step further on the way to it, hands, the piece's end."""
        turn, self._next = self._next, Turn()
        if turn.end is not None:
            self._composer.end_piece(turn.end)
        if turn.prompt is not None and isinstance(self._composer, Band):  # a score plays on as written
            self._composer.prime(turn.prompt)
        if turn.hands is not None:
            self._hands = turn.hands
        wanted = turn.mood
        if wanted is not None:
            self._journey.turn(wanted, self._studio.frame)
        now = self._hands.on(self._journey.mood_at(self._studio.frame, self._composer.piece_begins))
        if wanted is None and now == self._studio.mood:
            return
        if wanted is not None and self._journey.arrived:
            self._composer.apply(now)
        else:
            self._composer.follow(now)
        self._check_state(now)
        self._studio.play_by(now)

    def _check_state(self, mood: Mood) -> None:
        """Name the tuned state in use, or tell of one that cannot be used: the piano begins without it."""
        if self._states is None:
            return
        asset, trouble = self._states.asset(mood.piano_state), self._states.trouble(mood.piano_state)
        if asset and asset not in self.assets:
            self.assets = (*self.assets, asset)
        if trouble and trouble not in self.troubles:
            self.troubles = (*self.troubles, trouble)

    def _tell(self, trouble: str) -> None:
        """Say once what is replaced."""
        if trouble not in self.troubles:
            logger.warning("%s", trouble)
            self.troubles = (*self.troubles, trouble)

    def _state(self) -> Tree:
        """State between two bars."""
        return {
            "hands": asdict(self._hands),
            "journey": self._journey.snapshot(),
            "composer": self._composer.snapshot(),
            **self._studio.snapshot(),
        }

    def _restore_state(self, tree: Any) -> None:  # noqa: ANN401 - a tree read from bytes
        self._hands = hands_from_tree(tree["hands"]) if "hands" in tree else Hands()
        self._journey.restore(tree["journey"])
        self._composer.restore(tree["composer"])
        self._studio.restore(tree)


def _pending(tree: Any) -> Turn:  # noqa: ANN401 - a tree read from bytes
    """What a snapshot still has to do; older ones know of moods only."""
    if "next" in tree:
        return Turn.from_tree(tree["next"])
    return Turn(mood_from_tree(tree["next_mood"]) if tree["next_mood"] else None)
