"""The command `lofi-radio`: run, check, render, moods, doctor. Knows nothing about how any of them works."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from engine import compare_moods
from radio import (
    cli_musicgen,
    cli_provenance,
    cli_render,
    cli_replay,
    cli_schedule,
    cli_show,
    cli_thesis,
    cli_words,
    doctor,
)
from radio.allocator import SEGMENT_BYTES, keep_little
from radio.cli_plain import CONFIG_NAME, FAILED, ConfigPath, config_or_defaults, told_plainly
from radio.config_file import load_config
from radio.known_secrets import known_secrets
from radio.log import setup_logging
from radio.mixture import parse_mixture

cli = typer.Typer(
    name="lofi-radio",
    help="A radio station that composes its own lo-fi music, for ever.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain sentences, no boxes
)


def main() -> None:
    """Run the command line."""
    cli()


@cli.command()
def run(config: ConfigPath = None) -> None:
    """Be on air until stopped."""
    keep_little(SEGMENT_BYTES)
    with told_plainly():
        path = config or CONFIG_NAME
        tree = load_config(path)
        tree.security.token()  # without it the control routes would be shut in silence
        secrets, problems = known_secrets(tree)
        for problem in problems:
            typer.echo(f"warning: {problem}", err=True)
        setup_logging(tree.log, secrets)
        from radio.app import run as run_radio

        asyncio.run(run_radio(path))


@cli.command()
def check(config: ConfigPath = None) -> None:
    """Check config.yaml and print the effective tree, secrets hidden."""
    with told_plainly():
        path = config or CONFIG_NAME
        tree = load_config(path)
        typer.echo(cli_show.effective_tree(tree), nl=False)
        for problem in known_secrets(tree)[1]:
            typer.echo(f"warning: {problem}", err=True)
        typer.echo(f"{path}: right.", err=True)


cli_render.add_to(cli)
cli_thesis.add_to(cli)
cli_provenance.add_to(cli)
cli_replay.add_to(cli)

moods_cli = typer.Typer(help="List the moods with their main numbers, or compare or show them.", rich_markup_mode=None)
cli.add_typer(moods_cli, name="moods")
cli.command(name="words")(cli_words.words)
cli.command(name="musicgen")(cli_musicgen.make)


@moods_cli.callback(invoke_without_command=True)
def moods(context: typer.Context, config: ConfigPath = None) -> None:
    """List the moods with their main numbers, or compare or show them."""
    if context.invoked_subcommand is not None:
        return
    with told_plainly():
        tree = config_or_defaults(config)
        table = cli_show.mood_table([tree.mood(name) for name in tree.mood_names()])
        Console(width=None if sys.stdout.isatty() else 140).print(table)


@moods_cli.command()
def compare(
    hours: Annotated[float, typer.Option(help="Music to compose twice for each mood, 0.1-24.", min=0.1, max=24)] = 1.0,
    config: ConfigPath = None,
) -> None:
    """Print how far the moods are apart, measured on bars that the rules compose; takes a minute."""
    with told_plainly():
        tree = config_or_defaults(config)
        likeness = compare_moods([tree.mood(name) for name in tree.mood_names()], hours)
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(cli_show.portrait_table(likeness))
        console.print(cli_show.distance_table(likeness))
        for one, other, ratio in likeness.alike():
            typer.echo(f"{one} and {other} are only {ratio:.1f} times as far apart as two hours of one of them.")


@moods_cli.command()
def show(
    name: str,
    brief: Annotated[bool, typer.Option("--brief", help="Only what differs from an untouched mood.")] = False,
    config: ConfigPath = None,
) -> None:
    """Print every number of a mood, or of a mixture such as study=0.7,rainy=0.3, as a file for the folder moods/.

    With --brief: as it stands under `moods:` in config.yaml.
    """
    with told_plainly():
        mood = config_or_defaults(config).mood(parse_mixture(name))
        typer.echo(cli_show.mood_entry(mood) if brief else cli_show.mood_file(mood), nl=False)


@cli.command()
def schedule(
    hours: Annotated[float, typer.Option(help="How far to look ahead, 1-744.", min=1, max=744)] = 24.0,
    config: ConfigPath = None,
) -> None:
    """Show which mood plays when, by `schedule:` in config.yaml."""
    with told_plainly():
        tree, now = config_or_defaults(config), datetime.now(UTC)
        for station in tree.stations:
            Console(width=None if sys.stdout.isatty() else 120).print(
                cli_schedule.schedule_table(tree, station, now, hours)
            )
            for note in cli_schedule.notes(tree, station, now):
                typer.echo(note)


@cli.command()
def devices() -> None:
    """List the sound cards and virtual cables that `device:` can name."""
    from radio.outputs.device import list_devices

    with told_plainly():
        for line in list_devices() or ("There is no sound card here that can play in stereo.",):
            typer.echo(line)


@cli.command(name="doctor")
def examine(config: ConfigPath = None) -> None:
    """Say what is missing or broken, and the remedy."""
    with told_plainly():
        tree = config_or_defaults(config)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        console, failed = Console(), 0
        for finding in doctor.examine(tree):
            cli_show.show_finding(console, finding)
            failed += finding.state == "fail"
        if failed:
            typer.echo(f"{failed} failed. The remedy stands on each line.", err=True)
            raise typer.Exit(FAILED)


if __name__ == "__main__":
    main()
