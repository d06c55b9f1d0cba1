"""The command `lofi-radio provenance`: what was on air, what it was made of. Knows nothing about how that is found."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from radio.cli_plain import FAILED, ConfigPath, config_or_defaults, told_plainly
from radio.digest_check import Against, check_file
from radio.digest_folder import FOLDER_NAME, DigestFolder
from radio.errors import ProvenanceError
from radio.journal_reader import JournalReader
from radio.moments import read_moment, to_ms
from radio.provenance import Asked, describe
from radio.provenance_text import as_text
from radio.signing import fingerprint, next_key, public_keys, station_key, trusted_from

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
            record = describe(reader, asked, DigestFolder(tree.state.folder / FOLDER_NAME))
        if pdf is not None:
            from radio.provenance_pdf import write_pdf

            write_pdf(record, pdf)
            typer.echo(f"{pdf}: what {asked.station} sent at {record['asked']}.", err=True)
        if as_json:
            typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        elif pdf is None:
            typer.echo(as_text(record), nl=False)


@provenance_cli.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A digest, or what --json printed.")],
    journal: Annotated[Path | None, typer.Option(help="Journal to compare a digest's rows with.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The station's public key, or the file of /api/provenance/key.")
    ] = None,
    digest: Annotated[Path | None, typer.Option(help="The digest that a record's proof is for.")] = None,
) -> None:
    """Say whether a file, its signature and the journal's rows agree."""
    with told_plainly():
        findings = check_file(file, Against(journal, _trusted(key), digest))
        for finding in findings:
            typer.echo(f"{finding.state:<4} {finding.said}")
        if any(finding.state == "fail" for finding in findings):
            raise typer.Exit(FAILED)


@provenance_cli.command()
def digest(config: ConfigPath = None) -> None:
    """Make and sign the digests that are due now, as the radio does by itself after midnight UTC."""
    with told_plainly():
        tree = config_or_defaults(config)
        folder = DigestFolder(tree.state.folder / FOLDER_NAME)
        now_ms = to_ms(datetime.now().astimezone())
        made = folder.make_due(tree.journal.path, tree.state.folder, now_ms, thorough=True)
        typer.echo(f"{folder.folder}: {', '.join(made) or 'nothing is due'}.")


@provenance_cli.command(name="new-key")
def new_key(config: ConfigPath = None) -> None:
    """Put the station's key aside and sign with a new one, which the old one vouches for."""
    with told_plainly():
        key = next_key(config_or_defaults(config).state.folder)
        typer.echo(f"The new key is {fingerprint(key.public)}: {key.public}")


@provenance_cli.command(name="key")
def show_key(config: ConfigPath = None) -> None:
    """Print the station's public keys, making the first one if there is none."""
    with told_plainly():
        folder = config_or_defaults(config).state.folder
        station_key(folder)
        typer.echo(json.dumps({"algorithm": "ed25519", "keys": public_keys(folder)}, indent=2))


def _trusted(key: str | None) -> frozenset[str]:
    """Keys to trust: the one that was named, or a file's first one and those it was handed on to."""
    if key is None:
        return frozenset()
    if not Path(key).is_file():
        return frozenset((key,))
    try:
        keys = tuple(json.loads(Path(key).read_bytes())["keys"])
        return trusted_from(str(keys[0]["public_key"]), keys)
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise ProvenanceError(f"{key}: these are no keys of ours ({problem!r}).") from problem
