"""The command `lofi-radio replay`: past minutes as files. Knows nothing about how they are played again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from engine import SAMPLE_RATE_HZ
from radio.cli_plain import ConfigPath, config_or_defaults, told_plainly
from radio.config import Config
from radio.errors import ReplayError
from radio.journal_bars import read_piece_id
from radio.journal_reader import JournalReader
from radio.log import setup_logging
from radio.moments import read_moment, to_ms
from radio.render_order import parse_seconds
from radio.replay_order import ReplayOrder
from radio.replay_order import replay as replay_to_files
from radio.replay_place import replay_place
from radio.replay_plan import Span, piece_span


def add_to(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(replay)


def replay(  # noqa: PLR0913 - each parameter is an option of the command
    out: Annotated[Path, typer.Option("--out", "-o", help="File: .flac, .wav, .mp3, .opus, .m4a, or .mid for notes.")],
    begin: Annotated[str, typer.Option("--from", help="2026-12-01T20:00:05Z, a Unix time, or 1h ago.")] = "",
    seconds: Annotated[str, typer.Option("--seconds", "-s", help="Length: 90 or 1:30, up to 4 h.")] = "60",
    piece: Annotated[str, typer.Option(help="A whole piece by its id (see `lofi-radio provenance`).")] = "",
    stems: Annotated[Path | None, typer.Option(help="Folder for the parts apart; they add up to the mix.")] = None,
    station: Annotated[str | None, typer.Option(help="One of `stations:`; the first one if not given.")] = None,
    config: ConfigPath = None,
) -> None:  # fmt: skip
    """Play again what was on air, note for note, and write it to files."""
    with told_plainly():
        tree = config_or_defaults(config)
        name = station or next(iter(tree.stations))
        span = _piece(tree, name, piece) if piece else _span(name, begin, seconds)
        order = ReplayOrder(span, out, stems)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        with Progress(
            TextColumn("{task.percentage:3.0f} %"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True),
            transient=True,
        ) as shown:  # fmt: skip
            task = shown.add_task("replay", total=span.frames)
            done = replay_to_files(order, replay_place(tree), lambda frames: shown.update(task, completed=frames))
        for warning in done.warnings:
            typer.echo(f"note: {warning}", err=True)
        how = "exactly as it went out" if done.exact else "not exactly as it went out"
        typer.echo(f"{out}: {span.frames / SAMPLE_RATE_HZ:g} s of {name}, {done.bars} bars, {how}.")


def _span(station: str, begin: str, seconds: str) -> Span:
    if not begin:
        raise typer.BadParameter("say from when: --from 2026-12-01T20:00:05Z, --from '1h ago', or a whole --piece.")
    from_ms = to_ms(read_moment(begin, datetime.now().astimezone()))
    return Span(station, from_ms, round(parse_seconds(seconds) * SAMPLE_RATE_HZ))


def _piece(tree: Config, station: str, text: str) -> Span:
    number = read_piece_id(text)
    if number is None:
        raise ReplayError(f"{text[:60]!r} is no piece's id: write it as `lofi-radio provenance` prints it.")
    with JournalReader(tree.journal.path) as reader:
        return piece_span(reader, station, number)
