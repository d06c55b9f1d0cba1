"""The command `lofi-radio words`: what is understood of some words. Knows nothing about how they are understood."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from radio import cli_show
from radio.cli_plain import ConfigPath, config_or_defaults, told_plainly
from radio.words import Understanding, understand
from radio.words.understanding import described


def words(
    text: Annotated[str, typer.Argument(help='For example "rainy night in a small cafe, slow, no drums".')],
    mood: Annotated[str, typer.Option("--mood", "-m", help="The mood that the words start from.")] = "study",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    as_mood: Annotated[bool, typer.Option("--as-mood", help="Print a file for the folder moods/.")] = False,
    config: ConfigPath = None,
) -> None:
    """Show what is understood of words, English or German: which numbers move, from what to what, why, how sure."""
    with told_plainly():
        start = config_or_defaults(config).mood(mood)
        answer = understand(text, start, start)
    if as_json:
        typer.echo(json.dumps(answer.to_json(), ensure_ascii=False, indent=2))
    elif as_mood:
        typer.echo(cli_show.mood_file(answer.mood), nl=False)
    else:
        show_understanding(answer, Console(width=None if sys.stdout.isatty() else 160))


def show_understanding(answer: Understanding, console: Console) -> None:
    """Print an answer for people."""
    read = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("read", "as", "sure"):
        read.add_column(heading, justify="right" if heading == "sure" else "left")
    for wish in answer.read:
        read.add_row(escape(wish.why), described(wish), f"{wish.sure:.0%}")
    if answer.read:
        console.print(read)
    moves = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("number", "from", "to", "because of", "sure"):
        moves.add_column(heading, justify="right" if heading == "sure" else "left")
    for move in answer.moves:
        moves.add_row(move.field, escape(str(move.was)), escape(str(move.now)), escape(move.why), f"{move.sure:.0%}")
    if answer.moves:
        console.print("", moves)
    console.print("")
    for note in answer.notes:
        console.print(escape(note))
    strange = ", ".join(answer.not_understood) or "nothing"
    console.print(f"From {answer.start}. Not understood: {escape(strange)}. Sure: {answer.sure:.0%}.")


def told(answer: Understanding) -> list[str]:
    """Return an answer in a few sentences."""
    read = ", ".join(f"{wish.why} ({described(wish)})" for wish in answer.read) or "nothing"
    lines = [f"words: read {read}; {len(answer.moves)} numbers moved; sure {answer.sure:.0%}.", *answer.notes]
    strange = ", ".join(answer.not_understood)
    return [*lines, f"not understood: {strange}."] if strange else lines
