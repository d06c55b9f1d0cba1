"""The recurrences: one token in, the chances of the next out, a state of constant size carried for ever.

The state is a value that can be copied, saved and shared by candidates. Knows nothing about music or sampling.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from engine import tokens
from engine.errors import ModelError
from engine.recurrence_states import RecurrentState, StateBatch
from engine.types import FloatArray, Tree

logger = logging.getLogger(__name__)

__all__ = ["BACKENDS", "Recurrence", "RecurrentState", "StateBatch", "load_recurrence", "read_card"]

BACKENDS = ("auto", "native", "onnx", "rwkv")
_FORMATS = ("rwkv-x060", "rwkv-x070")
"""Generations that step with one token, shift and wkv; a card of another one is refused before its file is read."""
_NATIVE_FORMAT = _FORMATS[0]
"""What our own step computes, and what cards mean that name no format."""
_REMEDY = "Restore it with `git checkout -- models` or export it again with `make train`."


class Recurrence(Protocol):
    """A model that steps token by token."""

    @property
    def name(self) -> str:
        """What the model is, for logs and the journal."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """Rows of the token table: 2176 is MIDICompact, 2560 is ours."""
        ...

    def initial_state(self) -> RecurrentState:
        """Return the state before the first token."""
        ...

    def step(self, token: int, state: RecurrentState) -> tuple[FloatArray, RecurrentState]:
        """Return the logits, float32 [vocabulary], after one more token, and the state there."""
        ...

    def step_batch(self, batch_tokens: Sequence[int], states: StateBatch) -> tuple[FloatArray, StateBatch]:
        """Return the logits, float32 [streams, vocabulary], after one more token in each stream, and the states."""
        ...

    def advance(self, batch_tokens: Sequence[int], states: StateBatch) -> FloatArray:
        """Take one more token in each stream, changing the states; return the logits, float32 [streams, vocabulary].

        For a batch that nobody else holds: no state is allocated or copied for a token.
        """
        ...


def load_recurrence(path: Path, backend: str = "auto") -> Recurrence:
    """Return the model of a folder or of a `.pth` file.

    Args:
        path: a folder with card.json, or any RWKV-6 (x060) or RWKV-7 (x070) `.pth`, which always runs on the `rwkv`
            back end.
        backend: `native`, our own step, which is built at set-up where there is a C compiler; `onnx`; `auto`, the first
            of them that can; or `rwkv` to run the folder's model.pth through the package of that name.

    Raises:
        ModelError: something is missing, damaged or of another format (with the file and the remedy).
    """
    if backend not in BACKENDS:
        raise ModelError(f"back end {backend!r}: unknown. Choose {', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}.")
    if path.suffix == ".pth" or backend == "rwkv":
        from engine.recurrence_rwkv import RwkvRecurrence  # torch is optional and slow to import

        return RwkvRecurrence(path if path.suffix == ".pth" else path / "model.pth")
    card = read_card(path)
    file = path / str(card["file"])
    _check_file(file, str(card["sha256"]))
    vocabulary_size = _checked_vocabulary(path, card)
    if backend == "auto" and card.get("format", _NATIVE_FORMAT) != _NATIVE_FORMAT:
        backend = "onnx"
    recurrence = _exported(file, path.name, backend)
    if recurrence.vocabulary_size != vocabulary_size:
        raise ModelError(f"{file}: {recurrence.vocabulary_size} tokens, its card says {vocabulary_size}. {_REMEDY}")
    return recurrence


def native_kind() -> str:
    """Name the instruction set of our own step on this machine; empty where the step was not built."""
    from engine.recurrence_native import best_kind

    return best_kind()


def _exported(file: Path, name: str, backend: str) -> Recurrence:
    """Return an exported file on our own step, or on onnxruntime where that was not built or cannot read it."""
    from engine.compiled import compiled
    from engine.recurrence_native import NativeRecurrence

    if backend == "native" or (backend == "auto" and compiled() is not None):
        try:
            return NativeRecurrence(file, name)
        except ModelError as error:
            if backend == "native":
                raise
            logger.info("%s It plays on onnxruntime, which is slower.", error)
    from engine.recurrence_onnx import OnnxRecurrence  # half a second and 60 MB that our own step does without

    return OnnxRecurrence(file, name)


def read_card(folder: Path) -> Tree:
    """Return a model folder's card.

    Raises:
        ModelError: there is no card, it is no JSON or it lacks what we need.
    """
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}). Name a folder with card.json. {_REMEDY}"
        ) from error
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}). {_REMEDY}") from error
    kinds = {"file": str, "sha256": str, "vocabulary": dict}
    missing = [key for key, kind in kinds.items() if not isinstance(card, dict) or not isinstance(card.get(key), kind)]
    if missing:
        raise ModelError(f"{path}: lacks {', '.join(missing)}. {_REMEDY}")
    if card.get("format", _FORMATS[0]) not in _FORMATS:  # the first cards named none
        raise ModelError(f"{path}: format {card['format']!r}, we play {' and '.join(_FORMATS)}. {_REMEDY}")
    return cast(Tree, card)


def _check_file(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from error
    if found != expected:
        raise ModelError(f"{path}: damaged, its sha256 is {found[:12]}… and the card says {expected[:12]}…. {_REMEDY}")


def _checked_vocabulary(folder: Path, card: Tree) -> int:
    vocabulary = cast(dict[str, object], card["vocabulary"])
    size = vocabulary.get("size")
    known = (tokens.MIDICOMPACT_SIZE, tokens.VOCABULARY_SIZE)
    if not isinstance(size, int) or size not in known or vocabulary.get("sha256") != tokens.vocabulary_sha256(size):
        raise ModelError(
            f"{folder / 'card.json'}: vocabulary {vocabulary.get('name')!r} of {size} tokens is not one we know "
            f"(sizes {known[0]} and {known[1]}, by hash). Train with this version's tokens or use its own release."
        )
    return size
