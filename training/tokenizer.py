"""The token tables as `tokenizer.json` of the `tokenizers` library, and its fast path from text to ids.

The ids are those of engine/tokens.py (and of upstream's tables for the other dialects). Knows nothing about music.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from engine import tokens
from training.corpus import Ids
from training.errors import TokenTextError
from training.midicompact import PAD

TEXTS_AT_ONCE = 512


def make_tokenizer(words: Sequence[str]) -> Tokenizer:
    """Return a word-level tokenizer: words in the order of their ids, parted by blanks, unknown ones `<pad>`.

    Tables that are in lower case throughout, MIDICompact and its relatives, take any case of letters, as upstream's do.
    """
    model = models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=PAD)
    tokenizer = Tokenizer(model)
    if all(word == word.lower() for word in words):
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def table(size: int) -> list[str]:
    """Return the first words of our vocabulary: 2,176 are MIDICompact, all of them `lofi`."""
    return [tokens.text(token) for token in range(size)]


def save_tokenizer(size: int, path: Path) -> None:
    """Write tokenizer.json, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    make_tokenizer(table(size)).save(str(draft))
    os.replace(draft, path)


def encode_texts(texts: Iterable[str], size: int) -> Iterator[Ids]:
    """Yield the ids of each text.

    Raises:
        TokenTextError: a text holds a word that is no token (upstream would silently write `<pad>`).
    """
    tokenizer = make_tokenizer(table(size))
    waiting = iter(texts)
    while batch := list(islice(waiting, TEXTS_AT_ONCE)):
        for text, encoding in zip(batch, tokenizer.encode_batch_fast(batch, add_special_tokens=False), strict=True):
            ids = np.array(encoding.ids, dtype=np.uint16)
            unknown = int(np.argmax(ids == tokens.PAD)) if ids.size else 0
            if ids.size and ids[unknown] == tokens.PAD and text.split()[unknown].lower() != PAD:
                raise TokenTextError(
                    f"word {unknown + 1}, {text.split()[unknown]!r}: not in the table of {size} tokens."
                )
            yield ids


def write_lines(texts: Iterable[str], path: Path) -> int:
    """Write JSON Lines `{"text": …}`, one song each, as upstream and RWKV's own tools do; return their number."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}) + "\n")
            count += 1
    return count


def read_lines(path: Path) -> Iterator[str]:
    """Yield the texts of a JSON Lines file.

    Raises:
        TokenTextError: a line is not one (named).
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise TokenTextError(f'{path}:{number}: not a line {{"text": "…"}} ({error!r}).') from error
