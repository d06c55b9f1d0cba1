"""The station: composes, plays and mixes bar after bar. Knows nothing about asyncio, the network or the time of day.

A bar is rendered whole; `render` cuts any number of frames from it, so blocks of any size give the same sound. A
snapshot is the state at the start of the bar in hand and how much of it was taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from engine.assets import Asset, bank_asset, loop_assets, model_asset
from engine.balance import Balance
from engine.banks import find_banks
from engine.composer import Band, Composer, ModelComposer, compose_models
from engine.drift import wandered
from engine.errors import LoopError, ModelError, MoodError, SnapshotError
from engine.fallback import compose_rules
from engine.fills import NEEDLE, Fills
from engine.journey import Journey
from engine.layout import Layout
from engine.levels import Levels, silence_at_end_s
from engine.loops import LoopLibrary
from engine.master import Master
from engine.mixer import MIX_LUFS, Mixer, kicks_in
from engine.mood import RANGES
from engine.moods import Mood, mood_from_tree, mood_to_tree
from engine.prompt import Prompt
from engine.recurrence import load_recurrence
from engine.remembered import PieceMark
from engine.sequencer import LOOKAHEAD_FRAMES, Sequencer
from engine.snapshot import pack, unpack
from engine.stems import LOOPS, STEMS, Stems
from engine.synth import FluidSynth, Synth
from engine.tuned_state import StateShelf
from engine.turn import Hands, Turn, hands_from_tree
from engine.types import AudioBlock, Bar, BarStart, FloatArray, Part, Tree

logger = logging.getLogger(__name__)

DOWNBEAT_FRAMES = LOOKAHEAD_FRAMES + Mixer.LATENCY_FRAMES + Master.LATENCY_FRAMES
"""A bar's down-beat sounds this constant time after the bar's first frame (210 ms)."""


@dataclass(frozen=True, slots=True)
class StationSetup:
    """What a station is made of; picklable."""

    mood: Mood
    seed: int
    piano_model: Path | None = None
    """Folder of an ONNX model, or a `.pth` file; None composes by rules."""
    drums_model: Path | None = None
    backend: str = "auto"
    """`auto`, `native`, `onnx` or `rwkv`; see load_recurrence."""
    soundfont: Path | None = None
    """None takes our own sound bank and fills its gaps from the distribution's."""
    loops: Path = Path("loops")
    composer: str = "models"
    """`models` or `rules`."""
    target_lufs: float = -16.0
    heard: tuple[PieceMark, ...] = ()
    """Pieces of the last day, oldest first: none of them comes again."""
    form: Layout = ()
    """Form of every piece; nothing: the ordinary one."""
    parts: tuple[str, ...] = STEMS
    """Who is heard, of `stems.STEMS`; the others play as well, since the bass follows the kick, but make no sound."""
    prompt: Prompt | None = None
    """What the first piece goes on from."""
    stems: bool = False
    """Whether each bar comes with its parts apart."""


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
        self.levels: Levels | None = None
        """What the meters showed at the end of the last bar."""
        self._composer = composer
        self._balance = Balance(make_synth)
        self._parts = frozenset(setup.parts)
        self._mood = setup.mood
        self._next = Turn()
        self._hands = Hands()
        self._journey = Journey(setup.mood)
        self._sequencer = Sequencer(setup.seed)
        self._synth = make_synth()
        self._library = LoopLibrary(setup.loops)
        mood = self._playable(setup.mood)
        self._balance.prepare(mood)
        self._mixer = Mixer(mood, self._library, self._balance.natures_lufs(mood))
        self._loop("fills", NEEDLE)
        self._fills = Fills(mood, self._library, MIX_LUFS)
        self._master = Master(setup.target_lufs, MIX_LUFS)
        self._before: Tree | None = None
        self._start: BarStart | None = None
        self._sound: FloatArray = np.zeros((0, 2), np.float32)
        self._taken = 0
        self._states: StateShelf | None = None
        self._stems = Stems(mood) if setup.stems else None
        self._mixer.keeps_desk = setup.stems
        self._apart: Mapping[str, FloatArray] = {}

    @classmethod
    def build(cls, setup: StationSetup) -> Self:
        """Make a station; a broken model is replaced by the rules, a missing bank raises SoundBankError."""
        banks = find_banks(setup.soundfont)
        composer, troubles, assets = _compose(setup)
        station = cls(setup, composer, lambda: FluidSynth(*banks))
        station.troubles = (*troubles, *station.troubles)
        station.assets = (*assets, *map(bank_asset, banks), *loop_assets(station._library.paths()))
        for trouble in troubles:
            logger.warning("%s", trouble)
        station._states = composer.states if isinstance(composer, ModelComposer) else None
        station._check_state(setup.mood)
        return station

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
        apart = {name: stem[taken:] for name, stem in self._apart.items()}
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
        self._balance.prepare(mood)
        for kind, names in (("vinyl", [mood.vinyl]), ("ambience", [name for name, _ in mood.ambience])):
            for name in names:
                if name in self._library.names(kind):
                    self._library.get(kind, name)

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
        self._balance.close()
        self._synth.close()

    def _position(self) -> int:
        """Frame of the broadcast that comes next."""
        return self._sequencer.frame - (len(self._sound) - self._taken)

    def _render_next(self) -> None:
        """Compose, play and mix one bar."""
        self._take_mood()
        self._before = self._state()
        bar = next(self._composer)
        if not self._parts.issuperset(Part):
            bar = replace(bar, events=tuple(event for event in bar.events if event.part in self._parts))
        self._play(bar)

    def _play(self, bar: Bar, begins: bool = True) -> None:
        """Play and mix one bar."""
        start, events = self._sequencer.sequence(bar, wandered(self._mood, bar.piece.seed))
        start = replace(start, mood=self._mood)
        parts = self._synth.render(events, start.frames)
        if begins:
            self._fills.begin(start)
        self._mixer.begin(start.bar.section)
        fills = self._fills.process(start.frames)
        mix = self._mixer.process(parts, kicks_in(events, start.frame)) + fills
        self._sound = np.ascontiguousarray(self._master.process(mix).T)
        if self._stems is not None:
            self._apart = self._stems.process(self._mixer, self._master, fills)
        self._start, self._taken = start, 0
        self.levels = self._read_levels()

    def _read_levels(self) -> Levels:
        """Read the meters after a bar."""
        before_s = self.levels.silence_s if self.levels else 0.0
        return Levels(
            loudness_lufs=self._master.loudness_lufs,
            true_peak_dbtp=self._master.take_peak_dbtp(),
            silence_s=silence_at_end_s(self._sound, before_s),
            brightness_db=self._mixer.brightness_db,
            rider_db=self._master.gain_db,
            treble_db=self._mixer.treble_db,
            parts_lufs=self._mixer.parts_lufs,
        )

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
            self._journey.turn(wanted, self._sequencer.frame)
        now = self._hands.on(self._journey.mood_at(self._sequencer.frame, self._composer.piece_begins))
        if wanted is None and now == self._mood:
            return
        if wanted is not None and self._journey.arrived:
            self._composer.apply(now)
        else:
            self._composer.follow(now)
        self._check_state(now)
        self._play_by(now)

    def _play_by(self, now: Mood) -> None:
        """Have everything that makes sound follow a mood from here on."""
        self._mood = now
        mood = self._playable(now)
        self._balance.prepare(mood)
        self._mixer.apply(mood, self._balance.natures_lufs(mood))
        self._fills.apply(mood)
        if self._stems is not None:
            self._stems.apply(mood)

    def _playable(self, mood: Mood) -> Mood:
        """Leave out loops that cannot be read: the programme goes on without them."""
        if LOOPS not in self._parts:
            mood = replace(mood, vinyl=self._library.NOTHING, ambience=(), fills=(), hiss_db=RANGES["hiss_db"][0])
        layers = {self._loop("ambience", name): db for name, db in mood.ambience}
        fills = {self._loop("fills", name): None for name in mood.fills}
        return replace(mood, vinyl=self._loop("vinyl", mood.vinyl), ambience=tuple(layers.items()), fills=tuple(fills))

    def _check_state(self, mood: Mood) -> None:
        """Name the tuned state in use, or tell of one that cannot be used: the piano begins without it."""
        if self._states is None:
            return
        asset, trouble = self._states.asset(mood.piano_state), self._states.trouble(mood.piano_state)
        if asset and asset not in self.assets:
            self.assets = (*self.assets, asset)
        if trouble and trouble not in self.troubles:
            self.troubles = (*self.troubles, trouble)

    def _loop(self, kind: str, name: str) -> str:
        """Name of the loop, or of silence when it cannot be read."""
        try:
            self._library.get(kind, name)
        except LoopError as error:
            trouble = f"{error} The station plays without it."
            if trouble not in self.troubles:
                logger.warning("%s", trouble)
                self.troubles = (*self.troubles, trouble)
            return self._library.NOTHING
        return name

    def _state(self) -> Tree:
        """State between two bars."""
        return {
            "mood": mood_to_tree(self._mood),
            "hands": asdict(self._hands),
            "journey": self._journey.snapshot(),
            "composer": self._composer.snapshot(),
            "sequencer": self._sequencer.snapshot(),
            "synth": self._synth.snapshot(),
            "mixer": self._mixer.snapshot(),
            "fills": self._fills.snapshot(),
            "master": self._master.snapshot(),
        }

    def _restore_state(self, tree: Any) -> None:  # noqa: ANN401 - a tree read from bytes
        self._mood = mood_from_tree(tree["mood"])
        self._hands = hands_from_tree(tree["hands"]) if "hands" in tree else Hands()
        self._journey.restore(tree["journey"])
        mood = self._playable(self._mood)
        self._fills.apply(mood)
        if self._stems is not None:
            self._stems.apply(mood)
            self._stems.restore(tree["mixer"], tree["master"])
        self._composer.restore(tree["composer"])
        self._sequencer.restore(tree["sequencer"])
        self._synth.restore(tree["synth"])
        self._mixer.restore(tree["mixer"])
        self._fills.restore(tree["fills"])
        self._master.restore(tree["master"])


def _pending(tree: Any) -> Turn:  # noqa: ANN401 - a tree read from bytes
    """What a snapshot still has to do; older ones know of moods only."""
    if "next" in tree:
        return Turn.from_tree(tree["next"])
    return Turn(mood_from_tree(tree["next_mood"]) if tree["next_mood"] else None)


def _compose(setup: StationSetup) -> tuple[Composer, list[str], list[Asset]]:
    """Make the composer; say what had to be replaced."""
    troubles: list[str] = []
    if setup.composer == "models":
        try:
            return _compose_models(setup)
        except ModelError as error:
            troubles = [f"{error} Until then the station composes by rules."]
    composer = compose_rules(setup.mood, setup.seed, setup.heard)
    _begin(composer, setup)
    return composer, troubles, []


def _compose_models(setup: StationSetup) -> tuple[Composer, list[str], list[Asset]]:
    """Make the composer of both models; raise ModelError when one of them cannot be loaded."""
    if setup.piano_model is None or setup.drums_model is None:
        raise ModelError("No model named for the piano or the drums. Name the folders of both.")
    piano = load_recurrence(setup.piano_model, setup.backend)
    drums = load_recurrence(setup.drums_model, setup.backend)
    assets = [model_asset(path) for path in (setup.piano_model, setup.drums_model)]
    composer = compose_models(setup.mood, setup.seed, piano, drums, setup.heard)
    composer.use_states(StateShelf(piano, setup.piano_model))
    _begin(composer, setup)
    return composer, [], assets


def _begin(composer: Band, setup: StationSetup) -> None:
    """Give a composer its form and what it goes on from."""
    composer.lay_out(setup.form)
    if setup.prompt is not None:
        composer.prime(setup.prompt)
