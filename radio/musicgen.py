"""Words to a recording by MusicGen (optional extra `musicgen`): the first link of the thesis's chain.

The recording then is a prompt like any other (`lofi-radio render --prompt-audio`). The published weights may not be
used commercially, so nobody gets it without having said that they know. Knows nothing about notes or stations.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engine import FloatArray
from radio.errors import RadioError

LICENCE = (
    "MusicGen's published weights are CC BY-NC 4.0: no commercial use, and that may include what they make. "
    "The code of the transformers package is Apache 2.0."
)
DEFAULT_MODEL = "facebook/musicgen-small"
_SECONDS_MAX = 30.0
"""What it was trained on; longer ones lose their way."""
_GUIDANCE = 3.0
"""How strongly the words count, as its authors have it."""


class MusicGenError(RadioError):
    """Raised when MusicGen cannot make a recording."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to make."""

    words: str
    seconds: float = 15.0
    seed: int = 1
    model: str = DEFAULT_MODEL
    """A folder, or a name that the transformers package may download."""
    accepted: bool = False
    """Whether the licence of the weights was accepted."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made before anything heavy is loaded."""
        if not self.accepted:
            raise MusicGenError(f"{LICENCE} Add --accept-cc-by-nc if you accept that.")
        if not self.words.strip():
            raise MusicGenError("MusicGen needs a few words.")
        if not 1 <= self.seconds <= _SECONDS_MAX:
            raise MusicGenError(f"--seconds {self.seconds:g}: must be 1 to {_SECONDS_MAX:g}.")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What was made."""

    sound: FloatArray
    """float32 [frames, channels]."""
    rate_hz: int

    def write(self, path: Path) -> None:
        """Write it as WAV or FLAC, at a level that does not clip; raises MusicGenError."""
        peak = float(np.abs(self.sound).max(initial=0.0))
        try:
            soundfile.write(path, self.sound * (0.9 / peak if peak > 0.9 else 1.0), self.rate_hz)
        except (OSError, TypeError, ValueError, soundfile.SoundFileError) as problem:
            raise MusicGenError(f"{path}: cannot be written ({problem}). Name a .wav or .flac file.") from problem


def make(request: Request) -> Recording:
    """Have MusicGen play the words; the same seed plays the same on the same machine."""
    try:
        package: Any = importlib.import_module("transformers")
        package.set_seed(request.seed)
        tokenizer = package.AutoTokenizer.from_pretrained(request.model)
        model = package.MusicgenForConditionalGeneration.from_pretrained(request.model).eval()
    except ImportError as problem:
        raise MusicGenError(f"MusicGen is not installed ({problem}): pip install 'lofi-radio[musicgen]'.") from problem
    except (OSError, ValueError) as problem:
        raise MusicGenError(f"MusicGen {request.model!r}: cannot be loaded ({problem}). Name a folder.") from problem
    codec = model.config.audio_encoder
    given = tokenizer([request.words], return_tensors="pt")
    made = model.generate(
        input_ids=given["input_ids"],
        attention_mask=given["attention_mask"],
        do_sample=True,
        guidance_scale=_GUIDANCE,
        max_new_tokens=round(request.seconds * codec.frame_rate),
    )
    sound = np.ascontiguousarray(made[0].detach().cpu().numpy().T, dtype=np.float32)
    if not len(sound) or not np.isfinite(sound).all():
        raise MusicGenError(f"MusicGen {request.model!r} made no sound. Try another seed or model.")
    return Recording(sound, int(codec.sampling_rate))
