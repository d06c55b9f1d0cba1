"""Keeps the lead full: builds the engine, asks it for bars, replaces it when it fails, re-renders for a new mood.

Knows nothing about the clock of the broadcast, codecs or listeners.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from engine import SAMPLE_RATE_HZ, End, EngineError, Hands, Mood, Prompt, Turn
from radio.engine_handle import EngineHandle, EngineRaisedError
from radio.engine_room import EngineRoom, Engines
from radio.errors import RadioError, WorkerError
from radio.inspection import flaw_in
from radio.lead import Lead, LeadBar, Resume
from radio.metrics import Metrics
from radio.numbering import Numbering
from radio.patience import RULES_S, Patience
from radio.state import Saved
from radio.wishes import Reach
from radio.worker import Rendered

logger = logging.getLogger(__name__)

LEAD_LOW = 0.25
"""A lead that holds less than this share of what is wanted has almost run dry."""


class Producer:
    """One station's music, always a few seconds ahead."""

    def __init__(self, name: str, room: EngineRoom, lead: Lead, metrics: Metrics, saved: Saved | None = None) -> None:
        self.assets: tuple[Any, ...] = ()
        self.pid: int | None = None
        self.seed: int = room.setup.seed
        """Seed of the engine in use: one that begins anew must not play the first piece again."""
        self._name, self._room, self._lead, self._metrics = name, room, lead, metrics
        self._mood: Mood = room.setup.mood
        self.hands: Hands = room.hands
        """What holds in every mood, as it was asked for last."""
        self._wanted: Turn | None = None
        self._saved = saved
        self._newest: LeadBar | None = None
        self._turned: LeadBar | None = None
        """The first bar that knows of the last change; None once it is on air."""
        self._numbering = Numbering() if saved is None else Numbering(saved.next_bar, saved.next_piece)
        self._patience = Patience(room.clock)
        self._engines = Engines(room)
        self._handle: EngineHandle | None = None
        self._begin_anew = False
        self._margin_s = 1.5

    @property
    def mood(self) -> Mood:
        """The mood that was asked for last."""
        return self._mood

    @property
    def spare_pid(self) -> int | None:
        """Process of the engine that waits for the day when the one in use fails; None when there is none."""
        return self._engines.spare_pid

    @property
    def on_rules(self) -> bool:
        """True while the rules stand in for models that failed."""
        return self._patience.on_rules

    @property
    def troubles(self) -> tuple[str, ...]:
        """What the engine in use has replaced up to now, each with its remedy."""
        return () if self._handle is None else self._handle.troubles

    @property
    def reach(self) -> Reach:
        """The bar line at which a change that is asked for now will take effect."""
        frames, bars = self._lead.reach(int(self._margin_s * SAMPLE_RATE_HZ), self._turned)
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
        numbering = self._numbering
        added = (numbering.add_bars, numbering.add_pieces)
        return Saved(resume, next_frame, next_bar, next_piece, added, self.seed, hashes)

    def _want(self, turn: Turn) -> None:
        self._wanted = turn if self._wanted is None else self._wanted.then(turn)
        self._lead.changed.set()

    async def run(self) -> None:
        """Produce for ever; ends only with an error that no new engine can mend."""
        try:
            while True:
                self._handle = self._engines.next()
                try:
                    await self._produce(self._handle)
                except WorkerError as problem:
                    await self._cope(problem)
                finally:
                    self._handle.close()
        finally:
            self._engines.close()

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
        self._patience.begins()
        prepared = not room.moods
        while not self._patience.models_due:
            self._metrics.lead_seconds.labels(self._name).set(self._lead.frames / SAMPLE_RATE_HZ)
            if self._wanted is not None:
                await self._take_wanted(handle, self._wanted)
            elif self._lead.full and not prepared:
                self._engines.keep_spare(self._setup())
                await handle.prepare(room.moods)
                prepared = True
            elif self._lead.full:
                self._engines.keep_spare(self._setup())
                self._lead.changed.clear()
                await self._lead.changed.wait()
            else:
                began_s = room.clock.now_s()
                newest = self._received(await handle.render_bar())
                self._lead.add(newest)
                self._watch_pace(room.clock.now_s() - began_s, newest.block.frames)
        logger.info("station %s: the models get another chance", self._name)
        self._patience.try_models()
        self._start_over()

    async def _go_on(self, handle: EngineHandle) -> bool:
        """Bring a new engine to where the last one was; False when it must be built again to begin anew."""
        resume, self._numbering.fresh = self._resume(), True
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
        self._numbering.fresh = False
        if self._newest is None and self._saved is not None:
            self._numbering.add_bars, self._numbering.add_pieces = self._saved.added
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
        low = self._lead.frames < LEAD_LOW * self._lead.wanted_frames
        self._patience.saw(slow=took_s * SAMPLE_RATE_HZ > frames, low=low)

    def _received(self, rendered: Rendered, start_frame: int | None = None) -> LeadBar:
        if flaw := flaw_in(rendered):
            raise WorkerError(f"the engine's bar cannot be played: {flaw}")
        newest = self._newest
        if start_frame is None:
            start_frame = 0 if newest is None else newest.block.start_frame + newest.block.frames
        if self._turned is not None and not self._lead.holds(self._turned):
            self._turned = None  # on air by now: a slow bar and its state, 2.5 MB, would stay until the next change
        block = self._numbering.counted(rendered.block, start_frame)
        if rendered.levels is not None:
            self._metrics.show_levels(self._name, rendered.levels)
        self._newest = LeadBar(block, rendered.snapshot, rendered.block.start_frame, self._numbering.add_pieces)
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
        # a state from before the last change knows nothing of it
        while (old := lead.bar_after(int(self._margin_s * SAMPLE_RATE_HZ), self._turned)) is not None:
            began_s = clock.now_s()
            await handle.restore(old.before)
            await handle.turn(turn)
            rendered = await handle.render_bar()
            took_s = clock.now_s() - began_s
            if late or lead.holds(old):
                self._margin_s = 0.3 + 1.5 * took_s
            # the old bars stay in store until now: should the engine be late or die, the music goes on all the same
            if lead.holds(old):
                self._turned = self._received(rendered, old.block.start_frame)
                lead.replace_from(old, self._turned)
                break
            # once is no matter: the engine listens to instruments that are new to it, and only the first time
            late += 1
            logger.info("station %s: %.1f s for a new bar was too long, takes a later one", self._name, took_s)
        else:  # so little in store that the engine's next bar comes soon enough
            if late and self._newest is not None:
                await _bring(handle, Resume(self._newest.before, 1))
            await handle.turn(turn)
            self._turned = self._received(await handle.render_bar())  # from here on a new engine knows it, too
            lead.add(self._turned)
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
        self._metrics.engine_restarts.labels(self._name).inc()
        trace = problem.__cause__ if isinstance(problem, EngineRaisedError) else None
        logger.warning("station %s: %s; starts a new engine", self._name, problem, exc_info=trace)
        rules_already = self.on_rules
        if self._patience.failed(problem):
            if not rules_already:
                logger.error(
                    "station %s: one engine after the other failed; the rules compose for %d minutes",
                    self._name, RULES_S // 60,
                )  # fmt: skip
            self._start_over()
        await self._room.clock.sleep_until(self._room.clock.now_s() + self._patience.delay_s)


async def _bring(handle: EngineHandle, resume: Resume) -> None:
    """Bring an engine to where it is to go on."""
    await handle.restore(resume.snapshot)
    for _ in range(resume.skip_bars):
        await handle.render_bar()
