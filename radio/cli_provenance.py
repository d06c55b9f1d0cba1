"""The command `lofi-radio provenance`: what was on air, what it was made of. Knows nothing about how that is found."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from radio.cli_plain import ConfigPath, config_or_defaults, told_plainly
from radio.journal_reader import JournalReader
from radio.moments import read_moment, to_ms
from radio.provenance import Asked, describe
from radio.provenance_text import as_text

_HELP = "Say what was on air and what it was made of; check a signed digest."
provenance_cli = typer.Typer(help=_HELP, rich_markup_mode=None)


def add_to(cli: typer.Typer) -> None:
    """Add the command."""
    cli.add_typer(provenance_cli, name="provenance")


@provenance_cli.callback(invoke_without_command=True)
def provenance(  # noqa: PLR0913 - each parameter is an option of the command
    context: typer.Context,
    at: Annotated[str, typer.Option("--at", help="2026-12-01T20:00:05Z, a Unix time, or 90s ago.")] = "",
    station: Annotated[str | None, typer.Option(help="One of `stations:`; the first one if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, every note too, as JSON.")] = False,
    pdf: Annotated[Path | None, typer.Option(help="Write one page to show: claim.pdf.")] = None,
    config: ConfigPath = None,
) -> None:  # fmt: skip
    """Say what was on air at a time, and what it was made of."""
    if context.invoked_subcommand is not None:
        return
    with told_plainly():
        if not at:
            raise typer.BadParameter("say when: --at 2026-12-01T20:00:05Z, or --at '90s ago'.")
        tree = config_or_defaults(config)
        asked = Asked(station or next(iter(tree.stations)), to_ms(read_moment(at, datetime.now().astimezone())))
        with JournalReader(tree.journal.path) as reader:
            record = describe(reader, asked)
        if pdf is not None:
            from radio.provenance_pdf import write_pdf

            write_pdf(record, pdf)
            typer.echo(f"{pdf}: what {asked.station} sent at {record['asked']}.", err=True)
        if as_json:
            typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        elif pdf is None:
            typer.echo(as_text(record), nl=False)
