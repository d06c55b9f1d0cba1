"""What a run is: the settings that decide its numbers, and how and where it is carried out. Knows no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.tokens import VOCABULARY_SIZE
from training.schedule import Schedule
from training.size import Size

DEFAULTS: dict[str, dict[str, float | int]] = {
    "piano": {"layers": 6, "width": 256, "dropout": 0.1, "rate": 1.5e-3},
    "drums": {"layers": 4, "width": 192, "dropout": 0.2, "rate": 2e-3},
    "thesis": {"layers": 20, "width": 512, "dropout": 0.0, "rate": 6e-4},
}
"""`thesis` is the size and the MIDICompact vocabulary of the lo-fAi thesis; its rate is RWKV-LM's for 12 x 768."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the numbers of a run."""

    part: str
    corpus_sha256: str
    layers: int
    width: int
    dropout: float
    weight_decay: float
    rate: float
    final_rate: float
    tokens: int
    minutes: float | None
    warmup_steps: int = 60
    lanes: int = 8
    window: int = 256
    seed: int = 0
    validate_tokens: int = 1_000_000
    """A validation pass every so many training tokens."""
    validation_tokens: int | None = None
    """How much of the validation stream a pass takes, tokens; None: all of it."""
    patience: int = 5
    """Stop after so many validations without a new best."""
    weights_sha256: str | None = None
    """Which weights the run began with; None: fresh ones."""
    vocabulary: int = VOCABULARY_SIZE
    architecture: str = "x060"
    logit_pull: float = 1e-4
    """RWKV-LM's L2Wrap: a gradient of this times the largest logit of each position, so that logits stay near 0."""
    precision: str = "bf16-mixed"

    @property
    def schedule(self) -> Schedule:
        """Return the run's learning rate over time."""
        return Schedule(self.rate, self.final_rate, self.warmup_steps, self.tokens, self.minutes)

    @property
    def size(self) -> Size:
        """Return the size of the network."""
        return Size(self.layers, self.width, self.vocabulary, self.architecture)


@dataclass(frozen=True, slots=True)
class Place:
    """How and where a run is carried out; changes none of its numbers, except the last bits."""

    out: Path
    weights: Path | None = None
    """A public `.pth` to begin with, for example a shipped model; a checkpoint of the run itself goes first."""
    compiled: bool = True
    checkpoint_s: float = 180.0
    stop_after_steps: int | None = None
    recompute: bool = False
    """Gradient checkpointing: less memory, a third more time."""
    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    """`auto`, `ddp` or `deepspeed2`; lanes are shared out among the devices."""
    loggers: tuple[str, ...] = ()
    """Any of `tensorboard`, `wandb` (offline unless WANDB_MODE says otherwise) and `csv`."""
