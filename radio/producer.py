"""Keeps the lead full: builds the engine, asks it for bars, replaces it when it fails, re-renders for a new mood.

Knows nothing about the clock of the broadcast, codecs or listeners.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

from engine import SAMPLE_RATE_HZ, End, EngineError, Hands, Mood, Prompt, Turn
from radio.clock import Clock, SystemClock
from radio.errors import RadioError, WorkerError
from radio.inspection import flaw_in
from radio.lead import Lead, LeadBar, Resume, renumbered
from radio.metrics import Metrics
from radio.state import Saved
from radio.wishes import Reach
from radio.worker import CALL_TIMEOUT_S, Builder, EngineHandle, EngineRaisedError, Rendered

logger = logging.getLogger(__name__)

FAILURES_MAX = 3.0
"""So many engines in a row that give no music, and the rules take over."""
ENDED_FROM_OUTSIDE = 0.5
"""What an engine counts that was killed or stopped: the next one need not be, but a machine may lack the memory."""
SLOW_BARS = 4
"""So many bars in a row took longer than they last and the lead has almost run dry: the rules compute less."""
LEAD_LOW = 0.25
SOUND_BARS = 3
"""An engine that has rendered so many bars is well."""
RULES_S = 600.0
"""After so long the models get another chance."""
DELAY_MAX_S = 10.0


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """How engines are made."""

    builder: Builder
    setup: Any
    """A frozen dataclass with at least `mood`, `seed` and `composer`; it must be picklable."""
    moods: tuple[Mood, ...] = ()
    """Moods that may come: the engine gets them ready while it has nothing better to do."""
    own_process: bool = True
    call_timeout_s: float = CALL_TIMEOUT_S
    clock: Clock = field(default_factory=SystemClock)
    hands: Hands = field(default_factory=Hands)
    """What holds in every mood when the first engine begins."""
    spare: bool = False
    """Keep a second engine ready, built and waiting: it goes on within a second where the first one failed."""


@dataclass(slots=True)
class Tally:
    """How the station goes on counting when an engine begins anew."""

    next_bar: int = 0
    next_piece: int = 0
    add_bars: int = 0
    add_pieces: int = 0
    fresh: bool = True
    """The engine counts from its own 0; the next bar tells how far it is behind."""


class Producer:
    """One station's music, always a few seconds ahead."""

    def __init__(self, name: str, room: EngineRoom, lead: Lead, metrics: Metrics, saved: Saved | None = None) -> None:
        self.assets: tuple[Any, ...] = ()
        self.pid: int | None = None
        self.seed: int = room.setup.seed
        """Seed of the engine in use: one that begins anew must not play the first piece again."""
        self.on_rules = False
        """True while the rules stand in for models that failed."""
        self._name, self._room, self._lead, self._metrics = name, room, lead, metrics
        self._mood: Mood = room.setup.mood
        self.hands: Hands = room.hands
        """What holds in every mood, as it was asked for last."""
        self._wanted: Turn | None = None
        self._saved = saved
        self._newest: LeadBar | None = None
        self._tally = Tally() if saved is None else Tally(saved.next_bar, saved.next_piece)
        self._failures = 0.0
        self._handle: EngineHandle | None = None
        self._spare: EngineHandle | None = None
        self._slow_bars = 0
        self._begin_anew = False
        self._models_again_s = 0.0
        self._margin_s = 1.5

    @property
    def mood(self) -> Mood:
        """The mood that was asked for last."""
        return self._mood

    @property
    def spare_pid(self) -> int | None:
        """Process of the engine that waits for the day when the one in use fails; None when there is none."""
        return None if self._spare is None else self._spare.pid

    @property
    def troubles(self) -> tuple[str, ...]:
        """What the engine in use has replaced up to now, each with its remedy."""
        return () if self._handle is None else self._handle.troubles

    @property
    def reach(self) -> Reach:
        """The bar line at which a change that is asked for now will take effect."""
        frames, bars = self._lead.reach(int(self._margin_s * SAMPLE_RATE_HZ))
        return Reach(max(frames / SAMPLE_RATE_HZ, self._margin_s), bars)  # with less in store the new bar itself is due

    def change_mood(self, mood: Mood) -> None:
        """Have the music take a mood from the next bar line that can still be reached."""
        if mood != self._mood:
            self._mood = mood
            self._want(Turn(mood=mood))

    def lay_hands(self, hands: Hands) -> None:
        """Have what holds in every mood changed from the next bar line that can still be reached."""
        if hands != self.hands:
            self.hands = hands
            self._want(Turn(hands=hands))

    def end_piece(self, how: End) -> None:
        """Have the piece come to its end at the next bar line that can still be reached."""
        self._want(Turn(end=how))

    def prime(self, prompt: Prompt) -> None:
        """Have a piece that goes on from a prompt begin at the next bar line that can still be reached."""
        self._want(Turn(prompt=prompt))

    def saved(self, next_frame: int, next_bar: int, next_piece: int) -> Saved | None:
        """Describe how a later run goes on after the bar that sounds now; None before the first one."""
        resume = self._lead.next_bar_resume
        if resume is None:
            return None
        hashes = tuple(asset.sha256 for asset in self.assets)
        tally = self._tally
        added = (tally.add_bars, tally.add_pieces)
        return Saved(resume, next_frame, next_bar, next_piece, added, self.seed, hashes)

    def _want(self, turn: Turn) -> None:
        self._wanted = turn if self._wanted is None else self._wanted.then(turn)
        self._lead.changed.set()

    async def run(self) -> None:
        """Produce for ever; ends only with an error that no new engine can mend."""
        try:
            while True:
                self._handle = self._next_handle()
                try:
                    await self._produce(self._handle)
                except WorkerError as problem:
                    await self._cope(problem)
                finally:
                    self._handle.close()
        finally:
            if self._spare is not None:
                self._spare.close()

    def _next_handle(self) -> EngineHandle:
        handle, self._spare = self._spare, None
        if handle is not None and not handle.dead:
            return handle
        return self._new_handle()

    def _new_handle(self) -> EngineHandle:
        return EngineHandle(own_process=self._room.own_process, call_timeout_s=self._room.call_timeout_s)

    def _keep_spare(self) -> None:
        """Have a second engine made while there is nothing better to do."""
        if self._spare is not None and self._spare.dead:
            self._spare.close()
            self._spare = None
        if self._room.spare and self._spare is None:
            self._spare = self._new_handle()
            self._spare.build_ahead(self._room.builder, self._setup())

    def _setup(self) -> Any:  # noqa: ANN401 - whatever the builder takes
        composer = "rules" if self.on_rules else self._room.setup.composer
        return replace(self._room.setup, mood=self._mood, seed=self.seed, composer=composer)

    async def _produce(self, handle: EngineHandle) -> None:
        room = self._room
        setup, ahead = self._setup(), handle.built_ahead
        if ahead is not None and self._newest is not None and not self._begin_anew:
            setup = replace(setup, mood=ahead.mood)  # the snapshot brings the mood in force
        try:
            facts = await handle.build(room.builder, setup)
        except EngineRaisedError as problem:
            if self._newest is None and isinstance(problem.__cause__, EngineError):
                raise RadioError(f"station {self._name}: {problem.__cause__}") from problem
            raise
        self.pid, self.assets = facts.pid, facts.assets
        if not await self._go_on(handle):
            return
        bars, prepared = 0, not room.moods
        while not (self.on_rules and room.clock.now_s() >= self._models_again_s):
            self._metrics.lead_seconds.labels(self._name).set(self._lead.frames / SAMPLE_RATE_HZ)
            if self._wanted is not None:
                await self._take_wanted(handle, self._wanted)
            elif self._lead.full and not prepared:
                self._keep_spare()
                await handle.prepare(room.moods)
                prepared = True
            elif self._lead.full:
                self._keep_spare()
                self._lead.changed.clear()
                await self._lead.changed.wait()
            else:
                began_s = room.clock.now_s()
                newest = self._received(await handle.render_bar())
                self._lead.add(newest)
                self._watch_pace(room.clock.now_s() - began_s, newest.block.frames)
                bars += 1
                if bars == SOUND_BARS:
                    self._failures = 0.0
        logger.info("station %s: the models get another chance", self._name)
        self.on_rules, self._failures = False, FAILURES_MAX - 1
        self._start_over()

    async def _go_on(self, handle: EngineHandle) -> bool:
        """Bring a new engine to where the last one was; False when it must be built again to begin anew."""
        resume, self._tally.fresh = self._resume(), True
        if resume is None:
            await handle.turn(Turn(hands=self.hands))
            return True
        try:
            await _bring(handle, resume)
            if self._newest is None:  # a saved state: the configuration may name another mood today
                await handle.turn(Turn(self._mood, self.hands))
        except EngineRaisedError as problem:
            logger.warning("station %s: begins a new piece: the last state cannot be restored: %s", self._name, problem)
            self._start_over()
            return False
        self._tally.fresh = False
        if self._newest is None and self._saved is not None:
            self._tally.add_bars, self._tally.add_pieces = self._saved.added
            logger.info("station %s: goes on with bar %d of its last run", self._name, self._saved.next_bar)
        return True

    def _resume(self) -> Resume | None:
        if self._begin_anew:
            self._begin_anew = False
            return None
        if self._newest is not None:
            return Resume(self._newest.before, 1)
        if self._saved is None:
            return None
        if self._saved.assets != tuple(asset.sha256 for asset in self.assets):
            logger.info("station %s: begins a new piece: models or sounds are not those of its last run", self._name)
            self._saved = None
            return None
        return self._saved.resume

    def _watch_pace(self, took_s: float, frames: int) -> None:
        """Give up models that the machine is too slow for before the lead has run dry."""
        self._metrics.render_ratio.labels(self._name).set(took_s * SAMPLE_RATE_HZ / max(1, frames))
        self._slow_bars = self._slow_bars + 1 if took_s * SAMPLE_RATE_HZ > frames else 0
        low = self._lead.frames < LEAD_LOW * self._lead.wanted_frames
        if self._slow_bars >= SLOW_BARS and low and not self.on_rules:
            self._slow_bars, self._failures = 0, FAILURES_MAX
            raise WorkerError(f"the engine is slower than the music: {SLOW_BARS} bars in a row")

    def _received(self, rendered: Rendered, start_frame: int | None = None) -> LeadBar:
        if flaw := flaw_in(rendered):
            raise WorkerError(f"the engine's bar cannot be played: {flaw}")
        tally, newest = self._tally, self._newest
        if rendered.block.bars and tally.fresh:
            first = rendered.block.bars[0].bar
            tally.add_bars, tally.add_pieces = tally.next_bar - first.index, tally.next_piece - first.piece.number
            tally.fresh = False
        if start_frame is None:
            start_frame = 0 if newest is None else newest.block.start_frame + newest.block.frames
        block = renumbered(rendered.block, start_frame, tally.add_bars, tally.add_pieces)
        if block.bars:
            last = block.bars[-1].bar
            tally.next_bar, tally.next_piece = last.index + 1, last.piece.number + 1
        if rendered.levels is not None:
            self._metrics.show_levels(self._name, rendered.levels)
        self._newest = LeadBar(block, rendered.snapshot, rendered.block.start_frame, tally.add_pieces)
        return self._newest

    async def _take_wanted(self, handle: EngineHandle, turn: Turn) -> None:
        """Have done what was asked for, once: what is asked for meanwhile comes after it."""
        self._wanted = None
        try:
            await self._turn(handle, turn)
        except WorkerError:
            self._wanted = turn if self._wanted is None else turn.then(self._wanted)
            raise

    async def _turn(self, handle: EngineHandle, turn: Turn) -> None:
        clock, lead = self._room.clock, self._lead
        late = 0
        while (old := lead.bar_after(int(self._margin_s * SAMPLE_RATE_HZ))) is not None:
            began_s = clock.now_s()
            await handle.restore(old.before)
            await handle.turn(turn)
            rendered = await handle.render_bar()
            took_s = clock.now_s() - began_s
            if late or lead.holds(old):
                self._margin_s = 0.3 + 1.5 * took_s
            # the old bars stay in store until now: should the engine be late or die, the music goes on all the same
            if lead.holds(old):
                lead.replace_from(old, self._received(rendered, old.block.start_frame))
                break
            # once is no matter: the engine listens to instruments that are new to it, and only the first time
            late += 1
            logger.info("station %s: %.1f s for a new bar was too long, takes a later one", self._name, took_s)
        else:  # so little in store that the engine's next bar comes soon enough
            if late and self._newest is not None:
                await _bring(handle, Resume(self._newest.before, 1))
            await handle.turn(turn)
            self._lead.add(self._received(await handle.render_bar()))  # from here on a new engine knows it, too
        if turn.mood is not None:
            self._metrics.mood_changes.labels(self._name).inc()
            logger.info("station %s: mood %s", self._name, turn.mood.name)
        if turn.end is not None:
            self._metrics.piece_skips.labels(self._name).inc()
            logger.info("station %s: the piece ends early", self._name)

    def _start_over(self) -> None:
        self._begin_anew = True
        self.seed = (self.seed + 1) % 2**63

    async def _cope(self, problem: WorkerError) -> None:
        self._failures += ENDED_FROM_OUTSIDE if problem.outside else 1
        self._metrics.engine_restarts.labels(self._name).inc()
        trace = problem.__cause__ if isinstance(problem, EngineRaisedError) else None
        logger.warning("station %s: %s; starts a new engine", self._name, problem, exc_info=trace)
        if self._failures >= FAILURES_MAX:
            if not self.on_rules:
                logger.error(
                    "station %s: one engine after the other failed; the rules compose for %d minutes",
                    self._name, RULES_S // 60,
                )  # fmt: skip
            self.on_rules = True
            self._start_over()
            self._models_again_s = self._room.clock.now_s() + RULES_S
        delay_s = 0.0 if self._failures <= 1 else min(DELAY_MAX_S, 0.25 * 2**self._failures)
        await self._room.clock.sleep_until(self._room.clock.now_s() + delay_s)


async def _bring(handle: EngineHandle, resume: Resume) -> None:
    """Bring an engine to where it is to go on."""
    await handle.restore(resume.snapshot)
    for _ in range(resume.skip_bars):
        await handle.render_bar()
