"""What a station is made of, and the composer that it names. Knows nothing about sound or what is played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.assets import Asset, model_asset
from engine.composer import Band, Composer, compose_models
from engine.errors import ModelError
from engine.fallback import compose_rules
from engine.layout import Layout
from engine.mood import Mood
from engine.prompt import Prompt
from engine.recurrence import load_recurrence
from engine.remembered import PieceMark
from engine.stems import STEMS
from engine.tuned_state import StateShelf


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


def compose(setup: StationSetup) -> tuple[Composer, list[str], list[Asset]]:
    """Make the composer, of rules where a model is broken; return it with what had to be replaced, and its files."""
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
