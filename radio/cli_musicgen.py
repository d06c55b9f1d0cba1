"""The command `lofi-radio musicgen`: words to a recording that `render --prompt-audio` goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radio import musicgen
from radio.cli_plain import told_plainly


def make(  # noqa: PLR0913 - each parameter is an option of the command
    words: Annotated[str, typer.Argument(help="What MusicGen shall play.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Recording to write: .wav or .flac.")],
    seconds: Annotated[float, typer.Option("--seconds", "-s", help="Length, 1-30.")] = 15.0,
    seed: Annotated[int, typer.Option(help="The same seed plays the same.")] = 1,
    model: Annotated[str, typer.Option(help="Folder of a MusicGen model, or its name.")] = musicgen.DEFAULT_MODEL,
    accept: Annotated[bool, typer.Option("--accept-cc-by-nc", help="You know the weights' licence.")] = False,
) -> None:  # fmt: skip
    """Have MusicGen play words (weights CC BY-NC); `render --prompt-audio` then goes on from the recording."""
    with told_plainly():
        request = musicgen.Request(words, seconds, seed, model, accept)
        typer.echo(f"warning: {musicgen.LICENCE}", err=True)
        made = musicgen.make(request)
        made.write(out)
        typer.echo(f"{out}: {len(made.sound) / made.rate_hz:.1f} s. Next: lofi-radio render --prompt-audio {out} …")
